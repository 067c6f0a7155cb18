"""What a connection carries at best: bench/grpc_limit.cc and bench/tls_limit.cc, run as processes."""

import os
import shutil
import tempfile
from dataclasses import dataclass

from . import kits, processes
from .processes import Processes

BATCHES = 5


@dataclass
class Limit:
    """Of one round."""
    seconds: float  # the best mean of five batches
    cpu: float      # of all processes, the mean


def measure(program, bin_dir, clients, model_bytes, rounds_per_batch, seconds=300):
    directory = tempfile.mkdtemp(prefix="skerry-limit-")
    sites = [f"site-{i:05d}" for i in range(clients)]
    try:
        port = kits.make(bin_dir, directory, sites)
        return _run(program, bin_dir, directory, sites, port, model_bytes, rounds_per_batch, seconds)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(program, bin_dir, directory, sites, port, model_bytes, rounds_per_batch, seconds):
    path = os.path.join(bin_dir, program)
    kit = lambda name: ["--kit", os.path.join(directory, "kits", name), "--name", name]
    common = ["--port", str(port), "--bytes", str(model_bytes),
              "--rounds", str(BATCHES * rounds_per_batch)]
    processes.say(f"  {program}: {len(sites)} clients x {model_bytes / 1e6:g} MB")
    with Processes(directory) as running:
        running.start("server", [path, "--role", "server", "--clients", str(len(sites)), *common,
                                 *kit("coordinator")])
        for site in sites:
            running.start(site, [path, "--role", "client", *common, *kit(site)])
        running.wait("server", seconds)
        for site in sites:
            running.wait(site, seconds)
    printed = [_printed(directory, name) for name in ["server", *sites]]
    laps = printed[0]["seconds"]
    batches = [laps[i * rounds_per_batch:(i + 1) * rounds_per_batch] for i in range(BATCHES)]
    return Limit(min(sum(batch) / len(batch) for batch in batches),
                 sum(one["cpu"][0] for one in printed))


def _printed(directory, name):
    """Lines of a word and numbers."""
    with open(os.path.join(directory, name + ".log"), encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return {words[0]: [float(word) for word in words[1:]] for words in lines
            if words and words[0] in ("seconds", "cpu")}
