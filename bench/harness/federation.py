"""A coordinator and its clients as real processes on this machine, and what their rounds cost."""

import json
import math
import os
import sqlite3
import time
from dataclasses import dataclass

from . import kits, processes
from .processes import Processes, Timeout

INPUTS = 4
POLL_SECONDS = 0.02
MEASURING_POLL_SECONDS = 0.25  # seldom: to look takes a millisecond of one of the cores that are measured
STEP_SECONDS = 60  # to join, to submit, to start


def hidden_units(parameters):
    """Units of each of two hidden layers, for about so many parameters: h^2 + (INPUTS + 3) h + 1."""
    b = INPUTS + 3
    return max(1, round((-b + math.sqrt(b * b + 4 * (parameters - 1))) / 2))


def num_parameters(hidden):
    return hidden * hidden + (INPUTS + 3) * hidden + 1


def run_file(parameters, rounds):
    hidden = hidden_units(parameters)
    features = ", ".join(f'"x{i}"' for i in range(INPUTS))
    return f"""[run]
name = "bench"
num_rounds = {rounds}
seed = 1
[data]
source = "bench"
features = [{features}]
label = "y"
missing = "drop"
standardize = false
split = {{ train = 1.0 }}
[model]
kind = "mlp"
hidden = [{hidden}, {hidden}]
[training]
learning_rate = 0.01
[evaluation]
every = 0
"""


@dataclass
class Sample:
    """What had been done at one moment."""
    seconds: float
    rounds: int
    coordinator_cpu: float
    clients_cpu: float


@dataclass
class RoundCost:
    """Of one round, the mean of the measured ones; and the peaks of the whole run."""
    rounds: int
    seconds: float
    seconds_best_half: float
    coordinator_cpu: float
    clients_cpu: float
    coordinator_rss: int
    client_rss: int
    model_bytes: int


class Federation:
    """`directory` must be empty or new. A context manager: its processes end with it."""

    step_seconds = STEP_SECONDS

    def __init__(self, bin_dir, directory, clients, tls=True, client_program="bench_client"):
        self._bin = bin_dir
        self._dir = directory
        self._sites = [f"site-{i:05d}" for i in range(clients)]
        self._tls = tls
        self._client_program = client_program
        os.makedirs(directory, exist_ok=True)
        self._kits = os.path.join(directory, "kits")
        self._state = os.path.join(self._kits, "coordinator", "state")
        self._processes = Processes(directory)
        self.coordinator_pid = 0
        self.client_pids = []
        self._run = ""

    def __enter__(self):
        try:
            self._make_kits()
            self._start_coordinator()
            self._start_clients()
        except BaseException:
            self._processes.stop_all()
            raise
        return self

    def __exit__(self, *_):
        self._processes.stop_all()

    def _skerry(self, *arguments):
        socket = os.path.join(self._state, "admin.sock")
        return kits.skerry(self._bin, *arguments, env={"SKERRY_ADMIN_SOCKET": socket})

    def _make_kits(self):
        data = os.path.join(self._dir, "data.csv")
        with open(data, "w", encoding="ascii") as file:
            file.write(",".join(f"x{i}" for i in range(INPUTS)) + ",y\n")
        kits.make(self._bin, self._dir, self._sites, data)

    def _start_coordinator(self):
        config = os.path.join(self._kits, "coordinator", "coordinator.toml")
        self.coordinator_pid = self._processes.start(
            "coordinator", [os.path.join(self._bin, "skerry-coordinator"), "--config", config,
                            *self._plain()])
        self._until(lambda: os.path.exists(os.path.join(self._state, "admin.sock")), self.step_seconds,
                    "the coordinator to listen")

    def _start_clients(self):
        for site in self._sites:
            config = os.path.join(self._kits, site, "agent.toml")
            self.client_pids.append(self._processes.start(
                site, [os.path.join(self._bin, self._client_program), "--config", config,
                       *self._plain()]))
        self._until(lambda: self._ready() == len(self._sites), self.step_seconds, "all clients to join")

    def _plain(self):
        return [] if self._tls else ["--insecure"]

    def _ready(self):
        listed = json.loads(self._skerry("site", "list", "--format", "json"))
        sites = listed["sites"] if isinstance(listed, dict) else listed
        return sum(site["state"] == "ready" for site in sites)

    def _until(self, condition, seconds, what, poll=POLL_SECONDS):
        end = time.monotonic() + seconds
        while not condition():
            self._processes.check()
            if time.monotonic() > end:
                raise Timeout(f"waited {seconds} s for {what}")
            time.sleep(poll)

    def _query(self, sql, *values):
        """From the coordinator's journal, read-only."""
        path = os.path.join(self._state, "coordinator.db")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def submit(self, text):
        path = os.path.join(self._dir, "run.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self._run = self._skerry("run", "submit", path).strip()

    def rounds_committed(self):
        rows = self._query("SELECT max(round) FROM round WHERE run_id = ? AND kind = 'train' AND "
                           "phase = 'committed'", self._run)
        return rows[0][0] or 0

    def wait_for_round(self, number, seconds, progress=None, poll=POLL_SECONDS):
        last = [time.monotonic()]

        def there():
            done = self.rounds_committed()
            if progress and time.monotonic() - last[0] > 2:
                last[0] = time.monotonic()
                progress(done)
            if done >= number:
                return True
            state, reason = self._query("SELECT state, reason FROM run WHERE run_id = ?", self._run)[0]
            if state not in ("pending", "running", "completed"):
                raise RuntimeError(f"the run is {state}: {reason}")
            return False

        self._until(there, seconds, f"round {number}", poll)

    def sample(self):
        return Sample(time.monotonic(), self.rounds_committed(),
                      processes.cpu_seconds(self.coordinator_pid),
                      sum(processes.cpu_seconds(pid) for pid in self.client_pids))

    def cost_between(self, first, last):
        """Of the rounds that were committed after the sample `first`, up to `last`."""
        rows = self._query(
            "SELECT round, ended_unix_ms FROM round WHERE run_id = ? AND phase = 'committed' AND "
            "kind = 'train' AND round BETWEEN ? AND ? ORDER BY round", self._run, first.rounds,
            last.rounds)
        times = [end for _, end in rows]
        rounds = len(times) - 1
        model_bytes = self._query("SELECT max(model_size_bytes) FROM round WHERE run_id = ?",
                                  self._run)[0][0]
        return RoundCost(
            rounds=rounds,
            seconds=(times[-1] - times[0]) / 1000 / rounds,
            seconds_best_half=_best_half(times) / 1000,
            coordinator_cpu=(last.coordinator_cpu - first.coordinator_cpu) / rounds,
            clients_cpu=(last.clients_cpu - first.clients_cpu) / rounds,
            coordinator_rss=processes.peak_rss_bytes(self.coordinator_pid),
            client_rss=max(processes.peak_rss_bytes(pid) for pid in self.client_pids),
            model_bytes=model_bytes)


def _best_half(times):
    """Milliseconds a round in the fastest stretch of half the rounds: what others do on the machine
    shows less."""
    span = max(1, (len(times) - 1) // 2)
    return min((times[i + span] - times[i]) / span for i in range(len(times) - span))


def measure_rounds(bin_dir, directory, clients, parameters, rounds, warmup, tls=True, seconds=600):
    """One run of warmup + rounds training rounds. Raises when it takes longer than `seconds`."""
    label = f"{clients} clients x {parameters * 4 / 1e6:g} MB"
    with Federation(bin_dir, directory, clients, tls) as federation:
        federation.submit(run_file(parameters, warmup + rounds))
        tell = lambda done: processes.say(f"  {label}: round {done} of {warmup + rounds}")
        federation.wait_for_round(max(1, warmup), seconds, tell)
        first = federation.sample()
        federation.wait_for_round(warmup + rounds, seconds, tell, MEASURING_POLL_SECONDS)
        return federation.cost_between(first, federation.sample())


def round_ends(bin_dir, directory, clients, parameters, rounds, seconds=900):
    """When each round of a run was committed, in seconds since its first, from round 1 on (the first entry is
    round 0's or None), and how many bytes its coordinator's database and folders have at the end."""
    with Federation(bin_dir, directory, clients) as federation:
        federation.submit(run_file(parameters, rounds))
        tell = lambda done: processes.say(f"  round {done} of {rounds}")
        federation.wait_for_round(rounds, seconds, tell, MEASURING_POLL_SECONDS)
        rows = federation._query("SELECT round, ended_unix_ms FROM round WHERE run_id = ? AND phase = "
                                 "'committed' AND kind = 'train' ORDER BY round", federation._run)
        begin = rows[0][1]
        ends = [0.0] + [(end - begin) / 1000 for _, end in rows]
        sizes = {name: _bytes_below(os.path.join(federation._state, path)) for name, path in
                 (("database", "coordinator.db"), ("spool", "spool"), ("versions", "runs"))}
        return ends, sizes


def _bytes_below(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(path) for name in names)
