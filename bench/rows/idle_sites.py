"""Thousands of sites that are joined and have nothing to do: what they cost the coordinator."""

import time

from harness import federation, processes
from harness.table import row

FULL, QUICK = 10_000, 1_000
MOST_RSS_MB, MOST_CPU_PERCENT = 2_000, 6
JOIN_SECONDS = 300
WATCH_SECONDS = {FULL: 180, QUICK: 30}


def measure(context):
    if context.program("idle_sites") is None:
        return
    sites = QUICK if context.quick else FULL
    with context.folder() as folder:
        with federation.IdleSites(context.bin_dir, folder, sites) as idle:
            cost = idle.watch(WATCH_SECONDS[sites])
    of = f"{sites} idle sites"
    processes.say(f"  {of}: {cost}")
    yield row(f"{of}, peak RSS of the coordinator", cost.rss / 1e6, "MB",
              limit=64 + 0.15 * sites, target=f"<= {MOST_RSS_MB} MB", at_most=MOST_RSS_MB)
