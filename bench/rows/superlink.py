"""The same round against Flower's supported mode, which polls."""

from harness import federation, flower, processes
from harness.table import row

CLIENTS, PARAMETERS = 8, 2_500


def measure(context):
    if not context.peers or context.quick:
        return
    processes.say(f"K={CLIENTS} x 10 KB against Flower's SuperLink")
    with context.folder() as folder:
        ours = federation.measure_rounds(context.bin_dir, folder, CLIENTS, PARAMETERS, 200, 20)
    with context.folder() as folder:
        peer = flower.measure_superlink(context.venv, context.bin_dir, folder, CLIENTS, PARAMETERS,
                                        rounds=3, warmup=1)
    yield row(f"round, K={CLIENTS} x 10 KB, peer: SuperLink", ours.seconds * 1e3, "ms",
              peer=peer.seconds * 1e3)
    yield row(f"server peak RSS, K={CLIENTS} x 10 KB, peer: SuperLink", ours.coordinator_rss / 1e6,
              "MB", peer=peer.server_rss / 1e6)
