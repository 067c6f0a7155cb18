"""Lines of JSON between a Skerry agent and this process: docs/trainer-protocol.md."""

import json
import math
import os
import select
import sys
import traceback

import numpy

from . import _registry
from ._rows import RowsCache
from ._safetensors import load_file, save_file

PROTOCOL = 1
# A process that nobody has asked for so long ends; the agent starts another when it needs one.
LONGEST_WAIT = 600.0
LONGEST_ERROR = 2000  # characters; a line of the protocol has room for them


class TrainerError(Exception):
    """Tells the site's own log, and nobody else, why a task cannot be done."""


class Task:
    """What the agent asks for. Attributes are the keys of the protocol's message."""

    def __init__(self, message, talk=None):
        self.message = message
        self._talk = talk
        self.kind = message["task"]
        self.run = message["run"]
        self.round = message["round"]
        self.site = message["site"]
        self.seed = message["seed"]
        self.tensors = {tensor["name"]: tuple(tensor["shape"]) for tensor in message["tensors"]}
        self.metrics = message.get("metrics", [])
        self.data = message.get("data", {})
        self.training = message.get("training", {})
        self.settings = message.get("settings", {})
        self.source = message.get("source")
        self.split = None  # of an evaluation: the name of the split at hand

    def random(self):
        """A NumPy generator for this run, round and site: the same for the same task."""
        site = list(self.site.encode())
        return numpy.random.default_rng([self.seed, self.round, len(site), *site])

    def shared_random(self):
        """The same for every site: for what a model begins with."""
        return numpy.random.default_rng([self.seed, self.round])

    def progress(self, done, total):
        """Says how far the work has come. A coordinator gives up sites that are silent for long."""
        if self._talk is not None:
            self._talk.say({"type": "progress", "done": int(done), "total": int(total)})


class _Talk:
    """The two streams of the protocol. Nothing else may use them."""

    def __init__(self):
        self._input = os.fdopen(os.dup(0), "rb", buffering=0)
        self._output = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)  # print() goes to the log
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        self._read = b""

    def say(self, message):
        self._output.write(json.dumps(message, allow_nan=False).encode() + b"\n")

    def hear(self):
        """The next line; None when there are no more, or none has come for long."""
        while b"\n" not in self._read:
            ready, _, _ = select.select([self._input], [], [], LONGEST_WAIT)
            piece = self._input.read(1 << 20) if ready else b""
            if not piece:
                return None
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line


def run():
    """Works on tasks until the agent has no more."""
    sys.stdout.flush()
    talk = _Talk()
    worker = _Worker()
    while (line := talk.hear()) is not None:
        try:
            talk.say(worker.answer(Task(json.loads(line), talk)))
        except TrainerError as error:
            talk.say({"type": "error", "message": str(error)[:LONGEST_ERROR]})
        except Exception as error:  # the agent and its other tasks go on
            traceback.print_exc()
            message = f"{type(error).__name__}: {error}"
            talk.say({"type": "error", "message": message[:LONGEST_ERROR]})
        sys.stdout.flush()
        sys.stderr.flush()


class _Worker:
    def __init__(self):
        self._rows = RowsCache()
        self._model_key = None
        self._model = {}

    def answer(self, task):
        if task.message.get("protocol") != PROTOCOL:
            raise TrainerError("the agent speaks another protocol; install its skerry_trainer")
        if task.kind == "train":
            return self._train(task)
        if task.kind == "evaluate":
            return self._evaluate(task)
        if task.kind == "initialize":
            begun = _registry.find("initialize")(task)
            model, measures = begun if isinstance(begun, tuple) else (begun, {})
            _write(task, model)
            count = measures.get("num_examples")
            return {"type": "done", **({} if count is None else {"num_examples": int(count)})}
        raise TrainerError(f"there is no task {task.kind!r}")

    def _load(self, task):
        """The model, as copies that may be written to. Evaluation and training of one round read
        the file once."""
        path = task.message["model"]
        stat = os.stat(path)
        key = (path, stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if key != self._model_key:
            self._model = {name: array for name, array in load_file(path).items()
                           if not name.startswith("input.")}
            self._model_key = key
        if task.kind == "train":  # the last that asks for this version
            self._model_key = None
            model, self._model = self._model, {}
            return model
        return {name: array.copy() for name, array in self._model.items()}

    def _train(self, task):
        rows = self._rows.split(task.message.get("rows"), "train")
        trained = _registry.find("train")(self._load(task), rows, task)
        model, measures = trained if isinstance(trained, tuple) else (trained, {})
        _write(task, model)
        done = {"type": "done"}
        count = len(rows) if rows is not None else measures.get("num_examples")
        if count is None:
            raise TrainerError('@train must return (model, {"num_examples": n}) in a run without '
                               "data.features")
        done["num_examples"] = int(count)
        loss = measures.get("loss")
        if loss is not None and math.isfinite(loss):
            done["train_loss"] = float(loss)
        return done

    def _evaluate(self, task):
        scores = {}
        for split in task.message.get("splits", []):
            rows = self._rows.split(task.message.get("rows"), split)
            task.split = split
            means = dict(_registry.find("evaluate")(self._load(task), rows, task))
            given = means.pop("num_examples", None)
            count = len(rows) if given is None and rows is not None else given
            if count is None:
                raise TrainerError('@evaluate must return "num_examples" in a run without '
                                   "data.features")
            scores[split] = {"num_examples": int(count)}
            for name, mean in means.items():
                scores[split][name] = float(mean) * int(count)
        return {"type": "done", "evaluation": scores}


def _write(task, model):
    """Writes the model that a function returned, in the types and shapes that the run asks for."""
    tensors = {}
    for tensor in task.message["tensors"]:
        name, shape = tensor["name"], tuple(tensor["shape"])
        if name not in model:
            raise TrainerError(f"the model that was returned has no {name!r}")
        array = numpy.asarray(model[name], dtype="float64" if tensor["dtype"] == "F64" else "float32")
        if array.shape != shape:
            raise TrainerError(f"{name!r} has the shape {array.shape}, not {shape}")
        tensors[name] = array
    save_file(tensors, task.message["output"])
