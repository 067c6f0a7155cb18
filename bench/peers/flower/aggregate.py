"""Flower's aggregation alone: numpy arrays that are all in memory, one thread. Prints JSON: the best
seconds of each function over distinct updates."""

import argparse
import json
import resource
import time

import numpy as np
from flwr.server.strategy.aggregate import aggregate, aggregate_krum, aggregate_median


def best_of(times, function):
    best = float("inf")
    for _ in range(times):
        begin = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - begin)
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--parameters", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--functions", default="mean,median,krum")
    arguments = parser.parse_args()
    draw = np.random.default_rng(1)
    results = [([draw.standard_normal(arguments.parameters, dtype=np.float32)], 100)
               for _ in range(arguments.clients)]
    known = {"mean": lambda: aggregate(results), "median": lambda: aggregate_median(results),
             "krum": lambda: aggregate_krum(results, num_malicious=1, to_keep=0)}
    seconds = {name: best_of(arguments.repeats, known[name])
               for name in arguments.functions.split(",")}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "rss": peak}))


if __name__ == "__main__":
    main()
