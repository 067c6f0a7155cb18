"""Thousands of sites in one process: what it costs to have them there, and rounds with all of them."""

from harness import crowd, processes
from harness.table import row

SITES, QUICK_SITES = 10_000, 1_000
WATCH_SECONDS, QUICK_WATCH_SECONDS = 60, 30
MOST_RSS_MB, MOST_CPU_PERCENT = 2_000, 6
BUSY_SITES, ROUNDS, PARAMETERS = 1_000, 3, 250_000


def measure(context):
    if context.program("idle_sites") is not None:
        yield from _idle(context)
    if context.program("busy_sites") is not None and not context.quick:
        yield from _busy(context)


def _idle(context):
    sites = QUICK_SITES if context.quick else SITES
    with context.folder() as folder:
        with crowd.IdleCrowd(context.bin_dir, folder, sites) as idle:
            cost = idle.watch(QUICK_WATCH_SECONDS if context.quick else WATCH_SECONDS)
    processes.say(f"  {sites} idle sites: {cost}")
    context.notes.append(
        f"{sites} idle sites: held {cost.hold_seconds:.0f} s on average, {cost.answers_per_second:.0f}"
        f" answers/s, {(cost.rss - cost.idle_rss) / sites / 1e3:.0f} kB and {cost.join_cpu_ms:.1f} ms"
        f" of CPU to connect and join each")
    of = f"{sites} idle sites"
    yield row(f"{of}, coordinator peak RSS", cost.rss / 1e6, "MB", limit=64 + 0.15 * sites,
              target=f"<= {MOST_RSS_MB} MB", at_most=MOST_RSS_MB)
    yield row(f"{of}, CPU of the coordinator", cost.cpu_percent, "% of a core",
              target=f"<= {MOST_CPU_PERCENT} %", at_most=MOST_CPU_PERCENT)
    yield row(f"{of}, lost or failed", cost.lost, "sites", target="0", at_most=0)


def _busy(context):
    with context.folder() as folder:
        cost = crowd.measure_rounds(context.bin_dir, folder, BUSY_SITES, PARAMETERS, ROUNDS)
    of = f"K={BUSY_SITES} x {PARAMETERS * 4 / 1e6:g} MB in one process"
    yield row(f"round, {of}", cost.seconds, "s", target=f"{ROUNDS} rounds complete")
    yield row(f"CPU of the coordinator per round, {of}", cost.coordinator_cpu, "s")
    bound = 512 + 0.15 * 2 * BUSY_SITES  # a connection for calls and one for transfers
    yield row(f"coordinator peak RSS, {of}", cost.coordinator_rss / 1e6, "MB", limit=bound,
              target=f"<= {bound:.0f} MB", at_most=bound)
