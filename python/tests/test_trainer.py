"""A trainer as an agent sees it: a process, lines and files."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy

from skerry_trainer import load_file, save_file

PROGRAM = """
import sys
import numpy
import skerry_trainer as skerry

@skerry.train
def fit(model, rows, task):
    print("to the log")
    task.progress(1, 2)
    if task.settings.get("fail"):
        raise ValueError("Smith is missing" * int(task.settings["fail"]))
    if task.settings.get("spoil"):
        rows.features[0] = 7
    if rows is None:
        return {"w": model["w"] + 1}, {"num_examples": 5}
    model["w"] += rows.features.sum(axis=0)
    return model, {"loss": rows.labels.mean()}

@skerry.evaluate
def score(model, rows, task):
    return {"loss": 0.5, "accuracy": 0.25, **({} if rows is not None else {"num_examples": 8})}

@skerry.initialize
def begin(task):
    return {"w": task.shared_random().normal(size=task.tensors["w"])}

skerry.run()
"""


class TrainerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file("program.py", PROGRAM)
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.process = subprocess.Popen(
            [sys.executable, self.path("program.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": here})
        save_file({"input.mean": numpy.zeros(2), "w": numpy.array([1, 2], dtype="float32")},
                  self.path("model"))
        save_file({"train.features": numpy.array([[1, 2], [3, 4]], dtype="float32"),
                   "train.labels": numpy.array([0, 1], dtype="float32"),
                   "test.features": numpy.zeros((4, 2), dtype="float32"),
                   "test.labels": numpy.zeros(4, dtype="float32")}, self.path("rows"))

    def tearDown(self):
        self.process.stdin.close()
        self.assertEqual(self.process.wait(timeout=60), 0)  # it ends with its input
        self.process.stdout.close()
        self.log = self.process.stderr.read().decode()
        self.process.stderr.close()
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def file(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def ask(self, task, **more):
        message = {"type": "task", "protocol": 1, "task": task, "run": "r-1", "round": 1,
                   "site": "north", "seed": 3, "model": self.path("model"),
                   "output": self.path("output"), "rows": self.path("rows"),
                   "tensors": [{"name": "w", "dtype": "F32", "shape": [2]}], "splits": ["test"]}
        message.update(more)
        message = {key: value for key, value in message.items() if value is not None}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()
        answers = []
        while not answers or answers[-1]["type"] == "progress":
            answers.append(json.loads(self.process.stdout.readline()))
        return answers

    def test_training(self):
        progress, done = self.ask("train")
        self.assertEqual(progress, {"type": "progress", "done": 1, "total": 2})
        self.assertEqual(done, {"type": "done", "num_examples": 2, "train_loss": 0.5})
        numpy.testing.assert_array_equal(load_file(self.path("output"))["w"], [5, 8])

    def test_training_begins_with_the_model_of_its_task_each_time(self):
        self.ask("evaluate")
        self.ask("train")
        self.ask("train")
        numpy.testing.assert_array_equal(load_file(self.path("output"))["w"], [5, 8])

    def test_evaluation_gives_sums(self):
        (done,) = self.ask("evaluate")
        self.assertEqual(done["evaluation"],
                         {"test": {"num_examples": 4, "loss": 2.0, "accuracy": 1.0}})

    def test_without_prepared_rows_it_counts_itself(self):
        self.assertEqual(self.ask("train", rows=None)[-1]["num_examples"], 5)
        numpy.testing.assert_array_equal(load_file(self.path("output"))["w"], [2, 3])
        score = self.ask("evaluate", rows=None)[-1]["evaluation"]["test"]
        self.assertEqual(score, {"num_examples": 8, "loss": 4.0, "accuracy": 2.0})

    def test_an_exception_is_an_answer_and_the_next_task_is_done(self):
        self.assertEqual(self.ask("train", settings={"fail": "1"})[-1],
                         {"type": "error", "message": "ValueError: Smith is missing"})
        self.assertEqual(self.ask("train")[-1]["type"], "done")

    def test_the_text_of_an_error_is_cut(self):
        message = self.ask("train", settings={"fail": "200"})[-1]["message"]
        self.assertEqual(len(message), 2000)

    def test_the_rows_of_all_tasks_cannot_be_spoiled_by_one(self):
        self.assertIn("read-only", self.ask("train", settings={"spoil": "1"})[-1]["message"])
        self.ask("train")
        numpy.testing.assert_array_equal(load_file(self.path("output"))["w"], [5, 8])

    def test_another_shape_is_an_error(self):
        tensors = [{"name": "w", "dtype": "F32", "shape": [2, 1]}]
        self.assertIn("shape", self.ask("train", tensors=tensors)[-1]["message"])

    def test_another_protocol_is_an_error(self):
        self.assertIn("protocol", self.ask("train", protocol=2)[-1]["message"])

    def test_every_site_begins_with_the_same_numbers(self):
        self.assertEqual(self.ask("initialize")[-1], {"type": "done"})
        first = load_file(self.path("output"))["w"]
        self.ask("initialize")
        numpy.testing.assert_array_equal(load_file(self.path("output"))["w"], first)
        self.ask("initialize", site="south")
        numpy.testing.assert_array_equal(load_file(self.path("output"))["w"], first)


if __name__ == "__main__":
    unittest.main()
