"""Rounds of K clients over TLS: ours, Flower's legacy stream and gRPC's limit, in turn in one run."""

from dataclasses import dataclass

from harness import federation, flower, limits, processes
from harness.table import row

MODEL_10_KB, MODEL_10_MB, MODEL_100_MB = 2_500, 2_500_000, 25_000_000


@dataclass(frozen=True)
class Case:
    clients: int
    parameters: int
    rounds: int
    warmup: int
    times_peer: float | None = None   # asked for by the issue
    times_limit: float | None = None
    turns: int = 2

    def name(self):
        size = self.parameters * 4
        shown = f"{size / 1e6:g} MB" if size >= 1e6 else f"{size / 1e3:g} KB"
        return f"K={self.clients} x {shown}"

    def target(self):
        parts = []
        if self.times_peer:
            parts.append(f">= {self.times_peer} x legacy")
        if self.times_limit:
            parts.append(f"<= {self.times_limit} x limit")
        return ", ".join(parts)


FULL = [Case(8, MODEL_10_KB, 300, 20, times_peer=5), Case(32, MODEL_10_KB, 150, 10, times_peer=5),
        Case(32, MODEL_10_MB, 8, 2, times_peer=1.6, times_limit=1.7),
        Case(8, MODEL_100_MB, 5, 1, times_peer=3.5, times_limit=1.8)]
QUICK = [Case(8, MODEL_10_KB, 200, 20, times_peer=5, turns=1),
         Case(32, MODEL_10_KB, 60, 5, times_peer=5, turns=1), Case(8, MODEL_10_MB, 8, 2, turns=1)]


def measure(context):
    for case in QUICK if context.quick else FULL:
        yield from _measure_case(context, case)


def _measure_case(context, case):
    small = case.parameters < MODEL_10_MB
    tls, grpc, ours, peer = [], [], [], []
    for turn in range(case.turns):
        processes.say(f"{case.name()}: turn {turn + 1} of {case.turns}")
        batch = 20 if small else 1
        size = case.parameters * 4
        if not small:
            tls.append(limits.measure("tls_limit", context.bin_dir, case.clients, size, batch))
        grpc.append(limits.measure("grpc_limit", context.bin_dir, case.clients, size, batch))
        with context.folder() as folder:
            ours.append(federation.measure_rounds(context.bin_dir, folder, case.clients,
                                                  case.parameters, case.rounds, case.warmup))
        if context.legacy:
            with context.folder() as folder:
                peer.append(flower.measure_legacy(context.venv, context.bin_dir, folder,
                                                  case.clients, case.parameters, case.rounds,
                                                  case.warmup))
    yield from _rows(case, _least(tls) if tls else None, _least(grpc), _Best(ours), _Best(peer) if peer else None)


def _least(measured):
    return limits.Limit(min(one.seconds for one in measured), min(one.cpu for one in measured))


class _Best:
    """The least of each figure over the turns; of the peaks the largest."""

    def __init__(self, costs):
        least = lambda name: min(getattr(cost, name) for cost in costs)
        self.seconds = least("seconds")
        server = "coordinator_cpu" if hasattr(costs[0], "coordinator_cpu") else "server_cpu"
        self.cpu = min(getattr(cost, server) + cost.clients_cpu for cost in costs)
        self.server_cpu = least(server)
        rss = "coordinator_rss" if hasattr(costs[0], "coordinator_rss") else "server_rss"
        self.server_rss = max(getattr(cost, rss) for cost in costs)
        self.client_rss = max(getattr(cost, "client_rss", 0) for cost in costs)


def _rows(case, tls, grpc, ours, peer):
    yield row(f"round, {case.name()}", ours.seconds * 1e3, "ms",
              peer=peer and peer.seconds * 1e3, limit=grpc.seconds * 1e3, target=case.target(),
              at_least_times_peer=case.times_peer, at_most_times_limit=case.times_limit)
    yield row(f"CPU of both sides per round, {case.name()}", ours.cpu * 1e3, "ms",
              peer=peer and peer.cpu * 1e3, limit=grpc.cpu * 1e3, target=">= 2 x legacy",
              at_least_times_peer=2)
    yield row(f"CPU of the coordinator per round, {case.name()}", ours.server_cpu * 1e3, "ms",
              peer=peer and peer.server_cpu * 1e3)
    bound = min(64 + 4 * case.clients, 512) + 0.15 * case.clients
    yield row(f"coordinator peak RSS, {case.name()}", ours.server_rss / 1e6, "MB",
              peer=peer and peer.server_rss / 1e6, limit=bound, target=f"<= {bound:.0f} MB",
              at_most=bound)
    bound = 1.2 * case.parameters * 4 / 1e6 + 48
    yield row(f"client peak RSS, {case.name()}", ours.client_rss / 1e6, "MB", limit=bound,
              target=f"<= {bound:.0f} MB", at_most=bound)
    if tls is None:
        return
    yield row(f"gRPC limit beside raw TLS, {case.name()}", grpc.seconds * 1e3, "ms",
              limit=tls.seconds * 1e3, target="<= 1.67 x raw TLS", at_most_times_limit=1 / 0.6)
    yield row(f"CPU of the gRPC limit beside raw TLS, {case.name()}", grpc.cpu * 1e3, "ms",
              limit=tls.cpu * 1e3)
