"""Aggregation alone: K updates of 10M float32, ours from files in the page cache to a file, Flower's
from numpy arrays in memory."""

import json
import re
import subprocess
from dataclasses import dataclass

from harness import flower, processes
from harness.table import row

PROGRAM = "skerry_bench_aggregate"
PARAMETERS = 10_000_000
LINE = re.compile(r"^(?P<rule>\S+)\s+K=\d+\s+threads=(?P<threads>\d+)\s+(?P<seconds>[\d.]+) s\b.*"
                  r"\brss (?P<rss>[\d.]+) MB\s+(?P<hash>\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    name: str
    peer: str            # Flower's function that it is compared with
    times_peer: float


RULES = [Rule("mean", "mean", 3), Rule("median", "median", 4), Rule("trimmed_mean", "median", 4)]


def measure(context):
    if context.program(PROGRAM) is None:
        return
    for clients in (10,) if context.quick else (10, 50):
        rules = RULES[:2] if context.quick else RULES
        processes.say(f"aggregation alone, K={clients} x 10M float32")
        peer = _peer(context, clients, sorted({rule.peer for rule in rules})) if context.peers else {}
        for rule in rules:
            yield from _measure_rule(context, rule, clients, peer)


def _measure_rule(context, rule, clients, peer):
    with context.folder() as folder:
        done = subprocess.run([context.program(PROGRAM), "--sites", str(clients), "--elements",
                               str(PARAMETERS), "--rules", rule.name, "--threads", "1,2",
                               "--folder", folder],
                              text=True, capture_output=True, timeout=300, check=True)
    found = [match for match in LINE.finditer(done.stdout) if match["rule"] == rule.name]
    if not found:
        raise RuntimeError(f"{PROGRAM} printed something else:\n{done.stdout}")
    label = f"{rule.name} alone, K={clients} x 10M float32"
    yield row(label, min(float(match["seconds"]) for match in found) * 1e3, "ms",
              peer=peer[rule.peer] * 1e3 if peer else None,
              target=f">= {rule.times_peer} x Flower's {rule.peer}", at_least_times_peer=rule.times_peer)
    yield row(f"peak RSS of {label}", max(float(match["rss"]) for match in found), "MB",
              target="<= 16 MB", at_most=16)
    yield row(f"same bits with 1 and 2 threads, {label}",
              float(len({match["hash"] for match in found})), "results", target="1", at_most=1)


def _peer(context, clients, functions):
    script = f"{flower.SCRIPTS}/aggregate.py"
    repeats = 2 if context.quick else 5
    done = subprocess.run([context.venv.python, script, "--clients", str(clients), "--parameters",
                           str(PARAMETERS), "--repeats", str(repeats),
                           "--functions", ",".join(functions)],
                          text=True, capture_output=True, timeout=300, check=True)
    return json.loads(done.stdout.splitlines()[-1])["seconds"]
