"""A model of gigabytes, whose transfers are killed half way."""

import glob
import json
import os
import time
from dataclasses import dataclass

from . import federation, processes
from .federation import Federation

CHUNK = 1 << 20
SECONDS = 3600  # for a round: the machine may be busy


@dataclass
class Resumed:
    """A transfer that a kill interrupted."""
    whole: int     # bytes of what was transferred
    before: int    # that were there when the process was killed
    again: int     # that the other side, or the process that came after, handled from then on

    def waste(self):
        """Bytes that went over the line twice."""
        return self.again - (self.whole - self.before)


def _bytes_of(folder):
    """On the disk, in files that may go while they are looked at."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                continue
    return total


class LargeFederation(Federation):
    """Clients that stream. Kills one side in the middle of a transfer, starts it again, and counts."""

    step_seconds = 600  # a coordinator that begins again looks at all of the version first

    def __init__(self, bin_dir, directory, clients):
        super().__init__(bin_dir, directory, clients)
        self.coordinator_peak = 0
        self.client_peak = 0
        self.disk_peak = 0
        self.disk_told = 0

    def submit(self, text):
        path = os.path.join(self._dir, "run.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        told = json.loads(self._skerry("run", "submit", path, "--format", "json"))
        self._run = told["run"]
        self.disk_told = told["disk_bytes"]

    def note_peaks(self):
        self.coordinator_peak = max(self.coordinator_peak, processes.peak_rss_bytes(self.coordinator_pid))
        self.client_peak = max([self.client_peak, *map(processes.peak_rss_bytes, self.client_pids)])
        self.disk_peak = max(self.disk_peak, _bytes_of(self._state))

    def wait(self, condition, what, seconds=SECONDS):
        def looked():
            self.note_peaks()
            return condition()
        self._until(looked, seconds, what, 0.2)

    def model_file(self, site):
        found = glob.glob(os.path.join(self._kits, site, "state", "models", "*.safetensors"))
        return found[0] if found else None

    def arrived_of_model(self, site):
        path = self.model_file(site)
        return os.path.getsize(path) if path else 0

    def task_of(self, site, round_number=1):
        rows = self._query("SELECT task_id FROM task WHERE site = ? AND round = ?", site, round_number)
        return rows[0][0] if rows else None

    def arrived_of_result(self, site, round_number=1):
        task = self.task_of(site, round_number)
        path = os.path.join(self._state, "spool", f"{task}.result")
        if task is None or not os.path.exists(path):
            return 0
        stored = os.path.join(self._state, "spool", f"{task}.stored")
        if not os.path.exists(stored):
            return os.path.getsize(path)
        with open(stored, "rb") as file:
            return int.from_bytes(file.read(8), "little")

    def reported(self, site, round_number=1):
        rows = self._query("SELECT state FROM task WHERE site = ? AND round = ?", site, round_number)
        return bool(rows) and rows[0][0] == "reported"

    def restart_client(self, place):
        site = self._sites[place]
        self._processes.kill(site)
        config = os.path.join(self._kits, site, "agent.toml")
        self.client_pids[place] = self._processes.start(
            site, [os.path.join(self._bin, self._client_program), "--config", config])

    def restart_coordinator(self):
        self._processes.kill("coordinator")
        os.remove(os.path.join(self._state, "admin.sock"))
        self._start_coordinator()

    def kill_client_in_download(self, place, size):
        """Kills it once a third of the model is there; the next process fetches the rest."""
        site = self._sites[place]
        self.wait(lambda: self.arrived_of_model(site) > size // 3, "a third of the model")
        self.restart_client(place)
        before = self.arrived_of_model(site) // CHUNK * CHUNK
        self.wait(lambda: self.arrived_of_model(site) >= size, "the whole model")
        time.sleep(0.5)
        results = glob.glob(os.path.join(self._kits, site, "state", "results", "*.result"))
        result = sum(os.path.getsize(path) for path in results)
        return Resumed(size, before, processes.bytes_written(self.client_pids[place]) - result)

    def kill_client_in_upload(self, place, size, round_number):
        """The next process reads of its result what it sends."""
        site = self._sites[place]
        arrived = lambda: self.arrived_of_result(site, round_number)
        self.wait(lambda: arrived() > size // 3, "a third of a result")
        self.restart_client(place)
        before = arrived() // CHUNK * CHUNK
        self.wait(lambda: self.reported(site, round_number), "the whole result")
        return Resumed(size, before, processes.bytes_read(self.client_pids[place]))

    def kill_coordinator_in_upload(self, place, size):
        """All results on their way are interrupted; the one of `place` is watched."""
        site = self._sites[place]
        self.wait(lambda: self.arrived_of_result(site) > size // 3, "a third of a result")
        others = [self._sites[i] for i in range(len(self._sites)) if i != place]
        self.restart_coordinator()
        before = {one: self.arrived_of_result(one) // CHUNK * CHUNK for one in self._sites}
        self.wait(lambda: self.reported(site) and all(map(self.reported, others)), "all results")
        written = processes.bytes_written(self.coordinator_pid)
        return Resumed(size * len(self._sites), sum(before.values()), written)


@dataclass
class LargeCost:
    model_bytes: int
    seconds: float            # of two rounds, with three kills in them
    coordinator_rss: int
    client_rss: int
    disk_bytes: int           # of the coordinator, at most
    transfers: dict           # what was killed -> Resumed
    disk_told: int            # that `skerry run submit` said the coordinator needs


def measure(bin_dir, directory, parameters, clients=3):
    with LargeFederation(bin_dir, directory, clients) as large:
        size = federation.num_parameters(federation.hidden_units(parameters)) * 4
        begin = time.monotonic()
        large.submit(federation.run_file(parameters, 2))
        transfers = {"a client in its download": large.kill_client_in_download(0, size)}
        processes.say(f"  {transfers}")
        transfers["the coordinator in an upload"] = large.kill_coordinator_in_upload(1, size)
        processes.say(f"  {transfers}")
        large.wait(lambda: large.rounds_committed() >= 1, "round 1")
        processes.say(f"  round 1 after {time.monotonic() - begin:.0f} s")
        transfers["a client in its upload"] = large.kill_client_in_upload(2, size, 2)
        processes.say(f"  {transfers}")
        large.wait(lambda: large.rounds_committed() >= 2, "round 2")
        return LargeCost(size, time.monotonic() - begin, large.coordinator_peak, large.client_peak,
                         large.disk_peak, transfers, large.disk_told)
