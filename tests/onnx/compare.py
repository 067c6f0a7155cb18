"""Models as ONNX compute what `skerry model predict` does: other people's runtimes say so.

usage: compare.py SKERRY FOLDER

Trains a model of each kind in a simulation, exports it, and has onnxruntime, or else onnx's
reference evaluator, predict rows that hold all that the graph must deal with. Exit code 77: neither
is installed.
"""
import csv
import json
import math
import os
import random
import subprocess
import sys

try:
    import numpy
except ImportError:
    print("skipped: numpy is not installed")
    sys.exit(77)


def load_runtime():
    try:
        import onnxruntime

        def run(path, feeds):
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            names = [output.name for output in session.get_outputs()]
            return dict(zip(names, session.run(None, feeds)))

        return "onnxruntime " + onnxruntime.__version__, run
    except ImportError:
        pass
    try:
        import onnx
        from onnx.reference import ReferenceEvaluator

        def run(path, feeds):
            evaluator = ReferenceEvaluator(path)
            return dict(zip(evaluator.output_names, evaluator.run(None, feeds)))

        return "onnx " + onnx.__version__ + " (reference evaluator)", run
    except ImportError:
        print("skipped: neither onnxruntime nor onnx is installed")
        sys.exit(77)


LABELS = {
    "number": ("", lambda risk, _: "%.3f" % (3 * risk)),
    "two": ('label_classes = ["alive", "died"]\n', lambda risk, u: "died" if u < risk else "alive"),
    "three": (
        'label_classes = ["home", "ward", "other, or none"]\n',
        lambda risk, u: "home" if u < risk / 2 else "ward" if u < risk else "other, or none",
    ),
}
MODELS = {
    "linear": ("number", 'kind = "linear"\n'),
    "logistic": ("two", 'kind = "logistic"\n'),
    "softmax": ("three", 'kind = "softmax"\n'),
    "mlp-relu": ("two", 'kind = "mlp"\nhidden = [6]\n'),
    "mlp-tanh": ("three", 'kind = "mlp"\nhidden = [5, 4]\nactivation = "tanh"\n'),
    "mlp-gelu": ("two", 'kind = "mlp"\nhidden = [6]\nactivation = "gelu"\ndropout = 0.2\n'),
    "mlp-number": ("number", 'kind = "mlp"\nhidden = [4]\n'),
}
COLUMNS = ["age", "blood pressure", "ward", "sex"]


def write_rows(path, seed, count, label=None, gaps=0.15):
    draw = random.Random(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id"] + COLUMNS + (["outcome"] if label else []))
        for i in range(count):
            age, pressure = draw.gauss(60, 12), draw.gauss(120, 20)
            ward, sex = draw.choice(["medical", "surgical", "Übrige"]), draw.choice(["f", "m"])
            risk = 1 / (1 + math.exp(-0.1 * (age - 60) + (0.7 if sex == "m" else 0)))
            row = ["%.2f" % age, "%.1f" % pressure, ward, sex]
            row = ["" if draw.random() < gaps else cell for cell in row]
            writer.writerow([i] + row + ([label(risk, draw.random())] if label else []))


def run_file(label_lines, model, missing, standardize):
    return (
        '[run]\nname = "onnx"\nnum_rounds = 3\nseed = 5\n'
        '[data]\nsource = "rows"\nfeatures = ["age", "blood pressure"]\n'
        'categories.ward = ["medical", "surgical", "Übrige"]\ncategories.sex = ["f", "m"]\n'
        'label = "outcome"\n' + label_lines + 'missing = "%s"\n' % missing
        + "standardize = %s\n" % standardize
        + 'split = { train = 0.8, test = 0.2, key = "id" }\n'
        + "[model]\n" + model
        + "[training]\nlearning_rate = %s\nbatch_size = 16\n"
        % ("0.05" if standardize == "true" else "0.000001")
        + '[simulation]\nsites = "rows/*.csv"\n'
    )


SIDE = 7  # of a picture
PIXELS = ["p%d" % i for i in range(2 * SIDE * SIDE)]
IMAGE_RUN = """
[run]
name = "images"
num_rounds = 2
seed = 5
[data]
source = "rows"
features = ["p{0..%d}"]
label = "outcome"
label_classes = ["a", "b", "c"]
missing = "mean"
split = { train = 0.8, test = 0.2, key = "id" }
[model]
kind = "network"
loss = "softmax"
input_shape = [2, %d, %d]
[[model.layers]]
kind = "conv"
units = 4
kernel = 3
padding = "same"
stride = 2
activation = "relu"
[[model.layers]]
kind = "batch_norm"
[[model.layers]]
kind = "conv"
units = 3
kernel = 2
activation = "gelu"
[[model.layers]]
kind = "max_pool"
kernel = 2
stride = 1
[[model.layers]]
kind = "flatten"
[[model.layers]]
kind = "dense"
units = 5
activation = "tanh"
[[model.layers]]
kind = "dropout"
rate = 0.3
[[model.layers]]
kind = "dense"
units = 3
[training]
learning_rate = 0.05
batch_size = 16
[simulation]
sites = "rows/*.csv"
""" % (len(PIXELS) - 1, SIDE, SIDE)


def write_images(path, seed, count, labelled):
    draw = random.Random(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id"] + PIXELS + (["outcome"] if labelled else []))
        for i in range(count):
            row = ["%.3f" % draw.gauss(0, 1) for _ in PIXELS]
            row = ["" if draw.random() < 0.02 else cell for cell in row]
            writer.writerow([i] + row + ([draw.choice("abc")] if labelled else []))


def feeds_of(path, manifest):
    """The rows of a CSV file as the graph's inputs."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    preprocessing = manifest["preprocessing"]
    number = lambda cell: float(cell) if cell else float("nan")
    feeds = {
        "numeric": numpy.array(
            [[number(row[name]) for name in preprocessing["numeric"]] for row in rows]
        )
    }
    for name in preprocessing["categories"]:
        feeds["category." + name] = numpy.array([[row[name]] for row in rows], dtype=object)
    return feeds


def compare(predictions, outputs, classes):
    """The largest difference; raises where one has a prediction and the other has none."""
    worst = 0.0
    for i, row in enumerate(predictions):
        values = outputs["probabilities"][i] if classes else outputs["prediction"][i]
        expected = [row["probability of " + name] for name in classes] or [row["prediction"]]
        if classes:
            assert row["class"] == outputs["class"][i], (i, row, outputs["class"][i], values)
        for value, text in zip(values, expected):
            if not text:
                assert math.isnan(value), (i, row, values)
                continue
            worst = max(worst, abs(float(value) - float(text)) / max(1.0, abs(float(text))))
    return worst


def check_undeclared(run, path, feeds, classes):
    """A level that the run has not declared gives no prediction."""
    feeds = {name: values[:1].copy() for name, values in feeds.items()}
    feeds["numeric"][:] = 1.0
    feeds["category.sex"][0, 0] = "f"
    feeds["category.ward"][0, 0] = "on the moon"
    outputs = run(path, feeds)
    assert numpy.isnan(outputs["probabilities" if classes else "prediction"]).all()
    assert not classes or outputs["class"][0] == ""


class Case:
    """A folder with a run file and the rows of its sites: trained, exported, predicted with."""

    def __init__(self, skerry, folder, run_text):
        self.skerry, self.folder = skerry, folder
        with open(os.path.join(folder, "run.toml"), "w", encoding="utf-8") as file:
            file.write(run_text)

    def call(self, *arguments):
        return subprocess.run(
            [self.skerry, *arguments], check=True, cwd=self.folder, stdout=subprocess.PIPE,
            timeout=120, encoding="utf-8",
        ).stdout

    def check(self, run, rows, drops):
        """The largest difference between what the runtime and Skerry predict of the rows."""
        self.call("simulate", "run.toml", "--out", "out", "--quiet")
        self.call("model", "export", "out/model.safetensors", "--out", "model.onnx")
        self.call("model", "predict", "out/model.safetensors", "--data", os.path.abspath(rows),
                  "--id", "id", "--out", "predictions.csv")
        manifest = json.loads(
            self.call("model", "show", "out/model.safetensors", "--format", "json"))
        feeds = feeds_of(rows, manifest)
        path = os.path.join(self.folder, "model.onnx")
        with open(os.path.join(self.folder, "predictions.csv"), newline="", encoding="utf-8") as file:
            predictions = list(csv.DictReader(file))
        assert len(predictions) == len(feeds["numeric"])
        empty = sum(not list(row.values())[-1] for row in predictions)
        assert (empty > 0) == drops, (self.folder, empty)
        worst = compare(predictions, run(path, feeds), manifest["classes"])
        if "category.ward" in feeds:
            check_undeclared(run, path, feeds, manifest["classes"])
        return worst


def folder_of(folder, name):
    path = os.path.join(folder, name)
    os.makedirs(os.path.join(path, "rows"), exist_ok=True)
    return path


def main():
    skerry, folder = sys.argv[1:]
    runtime, run = load_runtime()
    print("compared with", runtime)
    os.makedirs(folder, exist_ok=True)
    results = {}
    fresh = os.path.join(folder, "new.csv")
    write_rows(fresh, 99, 400)
    for name, (label, model) in MODELS.items():
        label_lines, draw_label = LABELS[label]
        for missing in ["drop", "mean", "indicator"]:
            path = folder_of(folder, name + "-" + missing)
            for site, seed in [("north", 1), ("south", 2)]:
                write_rows(os.path.join(path, "rows", site + ".csv"), seed, 150, draw_label, 0.05)
            standardize = "false" if name == "linear" and missing == "mean" else "true"
            case = Case(skerry, path, run_file(label_lines, model, missing, standardize))
            results[name + " " + missing] = case.check(run, fresh, missing == "drop")
    path = folder_of(folder, "images")
    for site, seed in [("north", 1), ("south", 2)]:
        write_images(os.path.join(path, "rows", site + ".csv"), seed, 100, True)
    images = os.path.join(folder, "images.csv")
    write_images(images, 98, 100, False)
    results["images"] = Case(skerry, path, IMAGE_RUN).check(run, images, False)
    for name, worst in results.items():
        print("%-22s largest difference %.1e" % (name, worst))
    sys.exit(0 if all(worst <= 2e-6 for worst in results.values()) else 1)


main()
