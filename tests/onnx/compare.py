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
import struct
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
    "time": ('event = "event"\n', lambda risk, u: "%.2f" % (-math.log(1 - u) / (0.1 + risk))),
}
MODELS = {
    "linear": ("number", 'kind = "linear"\n'),
    "logistic": ("two", 'kind = "logistic"\n'),
    "softmax": ("three", 'kind = "softmax"\n'),
    "mlp-relu": ("two", 'kind = "mlp"\nhidden = [6]\n'),
    "mlp-tanh": ("three", 'kind = "mlp"\nhidden = [5, 4]\nactivation = "tanh"\n'),
    "mlp-gelu": ("two", 'kind = "mlp"\nhidden = [6]\nactivation = "gelu"\ndropout = 0.2\n'),
    "mlp-number": ("number", 'kind = "mlp"\nhidden = [4]\n'),
    "cox": ("time", 'kind = "cox"\n'),
    "cox-mlp": ("time", 'kind = "cox"\nhidden = [5]\nactivation = "tanh"\n'),
}
COLUMNS = ["age", "blood pressure", "ward", "sex"]


def write_rows(path, seed, count, label=None, gaps=0.15):
    draw = random.Random(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id"] + COLUMNS + (["outcome", "event"] if label else []))
        for i in range(count):
            age, pressure = draw.gauss(60, 12), draw.gauss(120, 20)
            ward, sex = draw.choice(["medical", "surgical", "Übrige"]), draw.choice(["f", "m"])
            risk = 1 / (1 + math.exp(-0.1 * (age - 60) + (0.7 if sex == "m" else 0)))
            row = ["%.2f" % age, "%.1f" % pressure, ward, sex]
            row = ["" if draw.random() < gaps else cell for cell in row]
            outcome = [label(risk, draw.random()), i % 3 and 1] if label else []
            writer.writerow([i] + row + outcome)


def run_file(data_lines, model, missing, num_rounds=3):
    return (
        '[run]\nname = "onnx"\nnum_rounds = %d\nseed = 5\n' % num_rounds
        + '[data]\nsource = "rows"\nfeatures = ["age", "blood pressure"]\n'
        'categories.ward = ["medical", "surgical", "Übrige"]\ncategories.sex = ["f", "m"]\n'
        + data_lines + 'missing = "%s"\n' % missing
        + 'split = { train = 0.8, test = 0.2, key = "id" }\n'
        + "[model]\n" + model
        + '[simulation]\nsites = "rows/*.csv"\n'
    )


def gradient_run_file(label_lines, model, missing, standardize):
    rate = "0.05" if standardize == "true" else "0.000001"
    return run_file(
        'label = "outcome"\n' + label_lines + "standardize = %s\n" % standardize,
        model + "[training]\nlearning_rate = %s\nbatch_size = 16\n" % rate, missing)


TREES = 'kind = "trees"\n[model.trees]\nmax_depth = 4\nbins = 24\nlearning_rate = 0.3\n'


def tensors_of(path):
    """The F32 tensors of a safetensors file, flat."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    return {
        name: numpy.frombuffer(data[slice(*entry["data_offsets"])], dtype="<f4")
        for name, entry in header.items() if entry["dtype"] == "F32"
    }


def write_cuts(path, tensors):
    """Rows whose numbers are where a tree divides them, just beside that, or missing."""
    values = [[], []]
    for feature, cut in zip(tensors["trees.feature"], tensors["trees.threshold"]):
        if feature not in (0, 1) or not numpy.isfinite(cut):
            continue
        below, above = (numpy.nextafter(cut, numpy.float32(end)) for end in ("-inf", "inf"))
        values[int(feature)] += ["%.17g" % value for value in (below, cut, above)]
    assert all(values), "the trees look at no number"
    draw = random.Random(97)
    ages, pressures = (sorted(set(texts)) + [""] for texts in values)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id"] + COLUMNS)
        for i in range(3000):
            ward, sex = draw.choice(["medical", "surgical", "Übrige", ""]), draw.choice(["f", "m", ""])
            writer.writerow([i, draw.choice(ages), draw.choice(pressures), ward, sex])


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
            wanted = float(numpy.float32(text))  # as the graph's outputs are
            worst = max(worst, abs(float(value) - wanted) / max(1.0, abs(wanted)))
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

    def train(self):
        """The tensors of the model, which is exported as well."""
        self.call("simulate", "run.toml", "--out", "out", "--quiet")
        self.call("model", "export", "out/model.safetensors", "--out", "model.onnx")
        return tensors_of(os.path.join(self.folder, "out", "model.safetensors"))

    def check(self, run, rows, drops):
        """The largest difference between what the runtime and Skerry predict of the rows."""
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


def write_sites(path, draw_label, count=150):
    for site, seed in [("north", 1), ("south", 2)]:
        write_rows(os.path.join(path, "rows", site + ".csv"), seed, count, draw_label, 0.05)


def compare_trees(skerry, folder, run):
    """Where rows come to the same leaves, sums of leaves are the same."""
    results = {}
    for label in ["number", "two"]:
        label_lines, draw_label = LABELS[label]
        for missing in ["keep", "drop"]:
            name = "trees-" + label + " " + missing
            path = folder_of(folder, name.replace(" ", "-"))
            write_sites(path, draw_label)
            data_lines = 'label = "outcome"\n' + label_lines
            case = Case(skerry, path, run_file(data_lines, TREES, missing, num_rounds=20))
            cuts = os.path.join(path, "cuts.csv")
            write_cuts(cuts, case.train())
            results[name] = case.check(run, cuts, missing == "drop")
            assert label == "two" or results[name] == 0, (name, results[name])
    return results


def compare_clusters(skerry, folder, run, rows):
    """Also of rows of which there are fewer kinds than clusters: slots stay empty."""
    results = {}
    for name, missing, count in [("k_means", "indicator", 150), ("k_means-few", "drop", 3)]:
        path = folder_of(folder, name)
        write_sites(path, LABELS["number"][1], count)
        model = 'kind = "k_means"\n[model.k_means]\nclusters = 9\n'
        case = Case(skerry, path, run_file("", model, missing, num_rounds=8))
        centers = case.train()["k_means.centers"]
        assert numpy.isnan(centers).any() == (count == 3), centers
        results[name] = case.check(run, rows, missing == "drop")
        assert results[name] == 0, (name, results[name])
    return results


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
            write_sites(path, draw_label)
            standardize = "false" if name == "linear" and missing == "mean" else "true"
            case = Case(skerry, path, gradient_run_file(label_lines, model, missing, standardize))
            case.train()
            results[name + " " + missing] = case.check(run, fresh, missing == "drop")
    path = folder_of(folder, "images")
    for site, seed in [("north", 1), ("south", 2)]:
        write_images(os.path.join(path, "rows", site + ".csv"), seed, 100, True)
    images = os.path.join(folder, "images.csv")
    write_images(images, 98, 100, False)
    case = Case(skerry, path, IMAGE_RUN)
    case.train()
    results["images"] = case.check(run, images, False)
    results.update(compare_trees(skerry, folder, run))
    results.update(compare_clusters(skerry, folder, run, fresh))
    for name, worst in results.items():
        print("%-22s largest difference %.1e" % (name, worst))
    sys.exit(0 if all(worst <= 2e-6 for worst in results.values()) else 1)


main()
