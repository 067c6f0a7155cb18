"""The bare loop that a simulated federation is compared with: virtual clients train a logistic
regression with numpy, one after the other, and their deltas are averaged. No coordinator, no
messages, no journal. Prints one "name value" a line."""

import argparse
import os
import time

# One thread, as the matrices are tiny.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402


def train(weights, features, labels, order, batch, rate):
    """One epoch of mini-batch SGD; returns the change of the weights."""
    w = weights.copy()
    for first in range(0, len(labels), batch):
        rows = order[first:first + batch]
        x, y = features[rows], labels[rows]
        p = 1.0 / (1.0 + np.exp(-(x @ w[:-1] + w[-1])))
        error = (p - y) / len(rows)
        w[:-1] -= rate * (error @ x)
        w[-1] -= rate * error.sum()
    return w - weights


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    a = parser.parse_args()
    random = np.random.default_rng(1)
    features = random.standard_normal((a.sites, a.rows, a.features), dtype=np.float32)
    labels = (features[:, :, ::2].sum(2) > features[:, :, 1::2].sum(2)).astype(np.float32)
    weights = np.zeros(a.features + 1, dtype=np.float32)
    best = best_cpu = float("inf")
    for _ in range(a.rounds):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        total = np.zeros(a.features + 1, dtype=np.float64)
        for site in range(a.sites):
            order = random.permutation(a.rows)
            total += train(weights, features[site], labels[site], order, a.batch, np.float32(0.1))
        weights = (weights + total / a.sites).astype(np.float32)
        best = min(best, time.perf_counter() - begin)
        best_cpu = min(best_cpu, time.process_time() - begin_cpu)
    print(f"{'numpy_clients_per_s':<28} {a.sites / best:.6g}")
    print(f"{'numpy_clients_per_cpu_s':<28} {a.sites / best_cpu:.6g}")


if __name__ == "__main__":
    main()
