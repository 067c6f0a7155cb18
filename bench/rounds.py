#!/usr/bin/env python3
"""Measures rounds between a coordinator and clients that are real processes on this machine.

On: mutual TLS 1.3, durable commits, a hash of every chunk on both sides. The clients are the agent of
skerry-client with a trainer that streams (bench/streaming_trainer.h).
"""

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import federation, processes  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--parameters", type=float, default=2500, help="float32 numbers, about")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--insecure", action="store_true", help="without TLS")
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--dir", help="where state goes, new or empty; default: a temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and journal")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for the whole run")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    arguments = parser.parse_args()
    processes.clean_up_on_sigterm()

    made = arguments.dir or tempfile.mkdtemp(prefix="skerry-bench-")
    try:
        cost = federation.measure_rounds(
            arguments.bin, made, arguments.clients, int(arguments.parameters), arguments.rounds,
            arguments.warmup, not arguments.insecure, arguments.timeout)
    finally:
        if arguments.keep:
            print(f"state and logs are in {made}", file=sys.stderr)
        else:
            shutil.rmtree(made, ignore_errors=True)
    if arguments.format == "json":
        print(json.dumps(dataclasses.asdict(cost)))
        return
    print(f"clients {arguments.clients}   model {cost.model_bytes / 1e6:.3f} MB   "
          f"TLS {'off' if arguments.insecure else 'on'}   {cost.rounds} rounds measured")
    print(f"seconds a round      {cost.seconds:.5f}   (fastest half {cost.seconds_best_half:.5f})")
    print(f"CPU seconds a round  coordinator {cost.coordinator_cpu:.5f}   "
          f"clients together {cost.clients_cpu:.5f}")
    print(f"peak RSS             coordinator {cost.coordinator_rss / 1e6:.1f} MB   "
          f"largest client {cost.client_rss / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
