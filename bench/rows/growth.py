"""What a round costs late in a run, and what its rounds leave on the disk."""

import re
import subprocess

from harness import processes
from harness.table import row

PROGRAM = "skerry_growth_bench"


def measure(context):
    program = context.program(PROGRAM)
    if program is None:
        return
    rounds = 1000 if context.quick else 10_000
    processes.say(f"growth: {rounds} rounds over a real journal and files")
    kept = rounds // 100
    done = subprocess.run([program, f"rounds={rounds}", f"history_rounds={kept}"], text=True,
                          capture_output=True, timeout=900, check=True)
    found = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    for kind in ("wall", "cpu"):
        yield row(f"{kind} time of round {rounds} to that of round 10", float(found[f"{kind}_late_to_early"]),
                  "x", target="<= 1.2", at_most=1.2 if kind == "cpu" else None)
    kilobytes = dict(re.findall(r"^(\d+) +database_kb (\S+)", done.stdout, re.MULTILINE))
    early = rounds // 10
    yield row(f"journal after {rounds} rounds, [keep] history_rounds = {kept}",
              float(kilobytes[str(rounds)]) / 1000, "MB", limit=float(kilobytes[str(early)]) / 1000,
              target=f"<= 1.2 x after {early} rounds", at_most_times_limit=1.2)
