"""Models of gigabytes: memory, disk, and transfers that a kill -9 interrupts."""

from harness import large, processes
from harness.table import row

CLIENTS = 3
PARAMETERS, QUICK_PARAMETERS = 1_000_000_000, 25_000_000
GIGABYTE = 1e9


def measure(context):
    parameters = QUICK_PARAMETERS if context.quick else PARAMETERS
    size = parameters * 4
    processes.say(f"K={CLIENTS} x {size / GIGABYTE:g} GB, with three kills")
    with context.folder() as folder:
        cost = large.measure(context.bin_dir, folder, parameters, CLIENTS)
    of = f"K={CLIENTS} x {size / GIGABYTE:g} GB"
    yield row(f"two rounds, {of}, kill -9 of a client and of the coordinator in transfers", cost.seconds, "s",
              target="complete")
    bound = min(64 + 4 * 2 * CLIENTS, 512) + 0.15 * 2 * CLIENTS
    yield row(f"coordinator peak RSS, {of}", cost.coordinator_rss / 1e6, "MB", limit=bound,
              target=f"<= {bound:.0f} MB", at_most=bound)
    bound = 1.2 * size / 1e6 + 48
    yield row(f"client peak RSS, {of}", cost.client_rss / 1e6, "MB", limit=bound,
              target=f"<= {bound:.0f} MB", at_most=bound)
    told = cost.disk_told / GIGABYTE
    yield row(f"disk of the coordinator, {of}", cost.disk_bytes / GIGABYTE, "GB", limit=told,
              target="<= what submit says", at_most=told)
    for what, resumed in cost.transfers.items():
        yield row(f"transferred again after kill -9 of {what}, {of}", resumed.waste() / 1e6, "MB",
                  limit=resumed.before / 1e6, target="<= 16 MB", at_most=16)
