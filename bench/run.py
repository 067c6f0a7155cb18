#!/usr/bin/env python3
"""Measures the rows of bench/rows, prints a table, writes bench/results.json. bench/run.sh builds first."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import rows  # noqa: E402
from harness import processes, table  # noqa: E402
from harness.context import Context  # noqa: E402
from harness.flower import Venv  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description="Measures Skerry beside its peers and limits.")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rows: minutes")
    parser.add_argument("--peers", action="store_true", help="install Flower and measure it in turn")
    parser.add_argument("--peers-venv", metavar="DIR", help="a Python environment with flwr in it")
    parser.add_argument("--only", metavar="WORDS", help="modules of bench/rows, comma-separated")
    parser.add_argument("--dir", help="where temporary folders go; default: the system's")
    parser.add_argument("--bin", default=os.path.join(os.path.dirname(HERE), "build/release/bin"))
    parser.add_argument("--out", default=os.path.join(HERE, "results.json"))
    return parser.parse_args()


def find_peer(context, arguments, scratch):
    if not arguments.peers and not arguments.peers_venv:
        return
    path = arguments.peers_venv
    context.venv = Venv(path) if path else Venv.make(os.path.join(scratch, "venv"))
    context.legacy = context.venv.has_legacy()
    version = context.venv.version()
    context.notes.append(f"peer: flwr {version}" + (
        "" if context.legacy else "; it has no legacy entry points: their column is empty"))


def measure(context, only):
    measured = []
    for module in rows.MODULES:
        name = module.__name__.rpartition(".")[2]
        if only and name not in only:
            continue
        try:
            for one in module.measure(context):
                measured.append(one)
                processes.say(table.text([one]).splitlines()[-1])
        except (RuntimeError, OSError, processes.Timeout, subprocess.SubprocessError) as error:
            processes.say(traceback.format_exc())
            context.notes.append(f"{name}: not measured to the end: {str(error).splitlines()[0]}")
    return measured


def conditions(context):
    with open("/proc/loadavg", encoding="ascii") as file:
        load = file.read().split()[0]
    folder = context.scratch or tempfile.gettempdir()
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], text=True, capture_output=True,
                          check=False).stdout.strip()
    return (f"{os.cpu_count()} processors, load {load} at the beginning; on in every row of ours: mutual "
            f"TLS 1.3, durable commits (state on {kind}), a hash of every chunk on both sides")


def main():
    arguments = parse()
    processes.clean_up_on_sigterm()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="skerry-bench-peer-", dir=arguments.dir) as scratch:
        context = Context(arguments.bin, arguments.quick, scratch=arguments.dir)
        context.notes.append(conditions(context))
        find_peer(context, arguments, scratch)
        measured = measure(context, arguments.only.split(",") if arguments.only else None)
    table.write(measured, arguments.out)
    print(table.text(measured))
    for note in context.notes:
        print(note)
    print(f"{time.monotonic() - begin:.0f} s; written to {os.path.relpath(arguments.out)}")
    return 0 if measured else 1


if __name__ == "__main__":
    sys.exit(main())
