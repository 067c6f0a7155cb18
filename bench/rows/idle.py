"""What a coordinator and a client take that have nothing to do."""

import time

from harness import federation, processes
from harness.table import row

SETTLE_SECONDS = 2


def measure(context):
    with context.folder() as folder:
        with federation.Federation(context.bin_dir, folder, clients=1) as idle:
            time.sleep(SETTLE_SECONDS)
            coordinator = processes.peak_rss_bytes(idle.coordinator_pid)
            client = processes.peak_rss_bytes(idle.client_pids[0])
    yield row("idle coordinator, peak RSS", coordinator / 1e6, "MB", target="<= 40 MB", at_most=40)
    yield row("idle client, peak RSS", client / 1e6, "MB", target="<= 32 MB", at_most=32)
