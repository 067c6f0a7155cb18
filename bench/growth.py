#!/usr/bin/env python3
"""How the cost of a round grows: with the number of sites, with the size of the model, and from the first
round to the ten-thousandth. Prints a table with slopes, writes them as JSON and as a picture."""

import argparse
import json
import math
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from harness import federation, growth_svg, processes  # noqa: E402

SITES = [2, 4, 8, 16, 32, 64]
MODELS = [2_500, 25_000, 250_000, 2_500_000, 25_000_000, 250_000_000]  # float32: 10 KB to 1 GB
LONG_RUN = 10_000


def parse():
    parser = argparse.ArgumentParser(description="Measures how the cost of rounds grows.")
    parser.add_argument("--quick", action="store_true", help="to 8 sites, 10 MB and 500 rounds")
    parser.add_argument("--bin", default=os.path.join(os.path.dirname(HERE), "build/release/bin"))
    parser.add_argument("--dir", help="where temporary folders go; default: the system's")
    parser.add_argument("--svg", help="the picture; default: none")
    parser.add_argument("--json", help="the figures; default: none")
    return parser.parse_args()


def rounds_for(parameters, sites):
    """So many that a measurement takes some seconds, and at least two."""
    return max(2, min(200, int(200 / (1 + sites / 8) / (1 + parameters * sites / 200_000))))


def measure(arguments, sites, parameters, rounds=None):
    rounds = rounds or rounds_for(parameters, sites)
    folder = tempfile.mkdtemp(dir=arguments.dir)
    try:
        cost = federation.measure_rounds(arguments.bin, folder, sites, parameters, rounds, 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"sites": sites, "bytes": cost.model_bytes, "rounds": cost.rounds,
            "seconds": cost.seconds, "cpu": cost.coordinator_cpu + cost.clients_cpu,
            "coordinator_rss": cost.coordinator_rss}


def long_run(arguments, rounds):
    """Seconds a round in windows of a run, by the journal's clock."""
    folder = tempfile.mkdtemp(dir=arguments.dir)
    try:
        ends, sizes = federation.round_ends(arguments.bin, folder, 2, MODELS[0], rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    points, first = [], 2
    while first < len(ends) - 1:
        last = min(len(ends) - 1, max(first + 9, int(first * 1.8)))
        points.append({"round": math.sqrt(first * last),
                       "seconds": (ends[last] - ends[first]) / (last - first) if last > first else None})
        first = last + 1
    return [p for p in points if p["seconds"]], sizes


def slope(points, x, y):
    """Of the last two points on logarithmic axes: 1 is in proportion."""
    if len(points) < 2:
        return None
    a, b = points[-2], points[-1]
    return math.log(b[y] / a[y]) / math.log(b[x] / a[x])


def main():
    arguments = parse()
    sites = [k for k in SITES if not arguments.quick or k <= 8]
    models = [n for n in MODELS if not arguments.quick or n <= 2_500_000]
    figures = {"sites, 10 KB": [measure(arguments, k, MODELS[0]) for k in sites],
               "sites, 1 MB": [measure(arguments, k, MODELS[2]) for k in sites],
               "model, 2 sites": [measure(arguments, 2, n) for n in models]}
    for name, points in figures.items():
        x = "bytes" if name.startswith("model") else "sites"
        print(name)
        for point in points:
            print(f"  {point[x]:>12}  {point['seconds'] * 1e3:10.2f} ms  {point['cpu'] * 1e3:10.2f} ms CPU"
                  f"  coordinator {point['coordinator_rss'] / 1e6:6.1f} MB")
        print(f"  slope at the end {slope(points, x, 'seconds'):.2f}")
    rounds = 500 if arguments.quick else LONG_RUN
    processes.say(f"a run of {rounds} rounds")
    windows, sizes = long_run(arguments, rounds)
    figures["rounds, 2 sites"] = windows
    print("rounds, 2 sites, 10 KB")
    for window in windows:
        print(f"  {window['round']:>12.0f}  {window['seconds'] * 1e3:10.2f} ms")
    for name, size in sizes.items():
        print(f"  {name} at the end {size / 1e6:.1f} MB")
    figures["sizes at the end"] = sizes
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
            file.write("\n")
    if arguments.svg:
        with open(arguments.svg, "w", encoding="utf-8") as file:
            file.write(growth_svg.draw(figures))


if __name__ == "__main__":
    main()
