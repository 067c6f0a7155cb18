"""The simulation with sessions, journal and hashes on: clients trained per second beside a bare numpy loop, and
a million registered sites."""

import os
import subprocess

from harness import processes
from harness.table import row

PROGRAM = "skerry_simulation_bench"
NUMPY_FLOOR = 9480  # clients/s of the bare loop, when numpy is not here to be measured


def measure(context):
    program = context.program(PROGRAM)
    if program is None:
        return
    rounds = 20 if context.quick else 60
    processes.say("simulation: 1 000 virtual clients in every round, in turn with the numpy loop")
    turns = [(_run(program, sites=1000, rounds=rounds), _numpy(context)) for _ in range(3)]
    ours = max(float(one["clients_per_s_in_rounds"]) for one, _ in turns)
    numpy = max((loop for _, loop in turns if loop is not None), default=None)
    if numpy is None:
        context.notes.append(f"simulation: no numpy here; the target is 10 x {NUMPY_FLOOR} clients/s")
    yield row("simulation, 1 000 clients x 100 rows x 31 parameters", ours, "clients/s", peer=numpy,
              more_is_better=True, target=">= 10 x numpy loop",
              at_least_times_peer=10 if numpy else None, at_least=None if numpy else 10 * NUMPY_FLOOR)
    sites, rounds = (100_000, 20) if context.quick else (1_000_000, 100)
    processes.say(f"simulation: {sites} registered sites, 1 000 of them in each round")
    large = _run(program, sites=sites, per_round=1000, rounds=rounds)
    yield row(f"peak RSS, {sites} registered sites, 1 000 a round, {rounds} rounds",
              float(large["peak_rss_mb"]) * 1.048576, "MB", limit=2000, target="<= 2000 MB", at_most=2000)
    yield row(f"selections in these {rounds} rounds", float(large["selections"]), "", limit=1000 * rounds,
              target=f">= {1000 * rounds}", at_least=1000 * rounds)
    yield row("of different sites", float(large["selected_sites"]), "")


def _run(program, **settings):
    done = subprocess.run([program, *(f"{key}={value}" for key, value in settings.items())], text=True,
                          capture_output=True, timeout=600, check=True)
    return dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)


def _numpy(context):
    python = context.venv.python if context.venv else "python3"
    script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "numpy_loop.py")
    done = subprocess.run([python, script], text=True, capture_output=True, timeout=120, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("numpy_clients_per_s "):
            return float(line.split()[1])
    return None
