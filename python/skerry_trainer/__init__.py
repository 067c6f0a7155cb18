"""Trains a model of any framework at a site of a Skerry federation.

    import skerry_trainer as skerry

    @skerry.train
    def fit(model, rows, task):          # model: {name: numpy array}
        ...                              # rows: rows.features [n, inputs], rows.labels [n]
        return new_model                 # or (new_model, {"loss": mean})

    @skerry.evaluate
    def score(model, rows, task):
        return {"loss": mean, "accuracy": mean}

    skerry.run()

A function may also be registered with @skerry.initialize: it gets the task and returns the model
that a run with `initial = "trainer"` begins with: the same at every site (task.shared_random()).
One that looks at rows for this returns (model, {"num_examples": n}). Print as you like: what goes
to standard output is sent to standard error, which is the agent's log; the protocol has a stream
of its own.
docs/trainer-protocol.md describes what goes over the wire.
"""

from ._protocol import Task, TrainerError, run
from ._registry import evaluate, initialize, train
from ._rows import Rows
from ._safetensors import load_file, save_file

__all__ = ["Rows", "Task", "TrainerError", "evaluate", "initialize", "load_file", "run",
           "save_file", "train"]
