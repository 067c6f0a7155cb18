"""Flower as real processes on this machine: its legacy stream, and its supported SuperLink."""

import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

from . import kits, processes
from .processes import Processes, Timeout

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(os.path.dirname(HERE), "peers", "flower")
QUIET = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}


@dataclass
class PeerCost:
    """Of one round, the mean of the measured ones; and the server's peak."""
    rounds: int
    seconds: float
    seconds_best_half: float
    server_cpu: float
    clients_cpu: float
    server_rss: int


class Venv:
    """A Python environment with flwr in it."""

    def __init__(self, path):
        self.bin = os.path.join(path, "bin")
        self.python = os.path.join(self.bin, "python")

    @staticmethod
    def make(path):
        processes.say("  installing flwr with pip into a throw-away environment")
        subprocess.run(["python3", "-m", "venv", path], check=True, timeout=120)
        subprocess.run([os.path.join(path, "bin", "pip"), "install", "-q",
                        "--disable-pip-version-check", "flwr"], check=True, timeout=600)
        return Venv(path)

    def version(self):
        return self._ask("import flwr; print(flwr.__version__)")

    def has_legacy(self):
        return self._ask("import flwr as f; print(hasattr(f.server, 'start_server') and "
                         "hasattr(f.client, 'start_client'))") == "True"

    def _ask(self, program):
        done = subprocess.run([self.python, "-c", program], env={**os.environ, **QUIET}, text=True,
                              capture_output=True, timeout=60, check=True)
        return done.stdout.strip().splitlines()[-1]


def _lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def _sample(lines, server, clients):
    """How many rounds there were, and the CPU seconds of both sides with all that they started."""
    return (len(lines), processes.tree_cpu_seconds(server),
            sum(processes.tree_cpu_seconds(pid) for pid in clients))


def _cost(lines, first, last, server_rss):
    ends = [line["seconds"] for line in lines[first[0] - 1:last[0]]]
    rounds = len(ends) - 1
    span = max(1, rounds // 2)
    best = min((ends[i + span] - ends[i]) / span for i in range(len(ends) - span))
    return PeerCost(rounds, (ends[-1] - ends[0]) / rounds, best, (last[1] - first[1]) / rounds,
                    (last[2] - first[2]) / rounds, server_rss)


def measure_legacy(venv, bin_dir, directory, clients, parameters, rounds, warmup, seconds=600):
    """start_server and start_client over TLS (the server's certificate only: it has no mutual one)."""
    os.makedirs(directory, exist_ok=True)
    port = kits.make(bin_dir, directory, [])
    kit, out = os.path.join(directory, "kits", "coordinator"), os.path.join(directory, "rounds.jsonl")
    label = f"Flower legacy, {clients} clients x {parameters * 4 / 1e6:g} MB"
    with Processes(directory) as running:
        server = running.start("server", [
            venv.python, os.path.join(SCRIPTS, "legacy_server.py"), "--port", str(port), "--kit", kit,
            "--clients", str(clients), "--parameters", str(parameters),
            "--rounds", str(warmup + rounds), "--out", out], env=QUIET)
        pids = [running.start(f"client-{i}", [
            venv.python, os.path.join(SCRIPTS, "legacy_client.py"), "--port", str(port),
            "--ca", os.path.join(kit, "ca.pem"), "--index", str(i)], env=QUIET)
            for i in range(clients)]
        return _follow(running, server, pids, out, warmup, rounds, label, seconds)


def measure_superlink(venv, bin_dir, directory, clients, parameters, rounds, warmup, seconds=600):
    """The supported way: a SuperLink, SuperNodes, and `flwr run`, over TLS. Server: the SuperLink with
    the ServerApp that it starts. Clients: the SuperNodes with their ClientApps."""
    os.makedirs(directory, exist_ok=True)
    port = kits.make(bin_dir, directory, [])
    kit, out = os.path.join(directory, "kits", "coordinator"), os.path.join(directory, "rounds.jsonl")
    env = {**QUIET, "FLWR_HOME": _flower_home(directory, port, kit),
           "PATH": venv.bin + os.pathsep + os.environ["PATH"]}
    tls = ["--ssl-ca-certfile", f"{kit}/ca.pem", "--ssl-certfile", f"{kit}/coordinator.pem",
           "--ssl-keyfile", f"{kit}/coordinator.key"]
    label = f"Flower SuperLink, {clients} clients x {parameters * 4 / 1e6:g} MB"
    with Processes(directory) as running:
        server = running.start("server", [
            os.path.join(venv.bin, "flower-superlink"), "--host", "127.0.0.1", "--port", str(port),
            "--disable-runtime-dependency-installation", *tls], env=env, family=True)
        _wait_for_port(running, port, seconds)
        pids = [running.start(f"client-{i}", [
            os.path.join(venv.bin, "flower-supernode"), "--superlink", f"127.0.0.1:{port}",
            "--root-certificates", f"{kit}/ca.pem", "--host", "127.0.0.1",
            "--port", str(processes.free_port()), "--node-config", f"index={i}", *tls],
            env=env, family=True) for i in range(clients)]
        config = f"out='{out}' parameters={parameters} rounds={warmup + rounds} clients={clients}"
        running.start("run", [os.path.join(venv.bin, "flwr"), "run", _copy_of_app(directory), "bench",
                              "-c", config], env=env, family=True)
        running.wait("run", 120)
        return _follow(running, server, pids, out, warmup, rounds, label, seconds)


def _flower_home(directory, port, kit):
    home = os.path.join(directory, "flwr-home")
    os.makedirs(home)
    with open(os.path.join(home, "config.toml"), "w", encoding="utf-8") as file:
        file.write(f'''[superlink]
default = "bench"
[superlink.bench]
address = "127.0.0.1:{port}"
root-certificates = "{kit}/ca.pem"
''')
    return home


def _copy_of_app(directory):
    """`flwr run` packs the folder as it is: without what Python leaves in it."""
    app = os.path.join(directory, "app")
    shutil.copytree(os.path.join(SCRIPTS, "app"), app, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(os.path.join(SCRIPTS, "round_log.py"), os.path.join(app, "bench_app"))
    return app


def _wait_for_port(running, port, seconds):
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            running.check()
            if time.monotonic() > end:
                raise Timeout("the SuperLink does not listen") from None
            time.sleep(0.1)


class _Follower:
    """Reads what the server writes after each round. The last round ends only when `release` has been
    called, so that all processes still live when they are looked at."""

    def __init__(self, running, out, total, label, seconds):
        self._running, self._out, self._total, self._label = running, out, total, label
        self._end = time.monotonic() + seconds

    def wait_for(self, rounds):
        told = time.monotonic()
        while len(lines := _lines(self._out)) < rounds:
            self._running.check()
            if time.monotonic() > self._end:
                raise Timeout(f"{self._label}: {len(lines)} rounds, then time was up")
            if time.monotonic() - told > 2:
                told = time.monotonic()
                processes.say(f"  {self._label}: round {len(lines)} of {self._total}")
            time.sleep(0.005)
        return lines

    def release(self):
        with open(self._out + ".seen", "w", encoding="ascii"):
            pass


def _follow(running, server, pids, out, warmup, rounds, label, seconds):
    follower = _Follower(running, out, warmup + rounds, label, seconds)
    first = _sample(follower.wait_for(warmup), server, pids)
    lines = follower.wait_for(warmup + rounds)
    last = _sample(lines, server, pids)
    rss = sum(processes.peak_rss_bytes(pid) for pid in processes.descendants(server))
    follower.release()
    return _cost(lines, first, last, rss)
