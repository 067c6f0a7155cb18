"""A coordinator, and thousands of sites in one process."""

import json
import os
import time
from dataclasses import dataclass

from . import federation, kits, processes
from .federation import Federation
from .processes import Timeout

POLL_SECONDS = 0.5
SECONDS_PER_SITE = 0.1  # to join, on a busy machine
SETTLE_SECONDS = 5


class Crowd(Federation):
    """`program`: bench/idle_sites.cc or bench/busy_sites.cc, which make the certificates."""

    def __init__(self, bin_dir, directory, sites, program, arguments=()):
        super().__init__(bin_dir, directory, sites)
        self._program = program
        self._arguments = arguments

    def _make_kits(self):
        self._port = kits.make(self._bin, self._dir, [])

    def _start_clients(self):
        self.client_pids = [self._processes.start(self._program, [
            os.path.join(self._bin, self._program), "--address", f"127.0.0.1:{self._port}",
            "--ca", os.path.join(self._dir, "ca"), "--sites", str(len(self._sites)),
            *self._arguments])]
        self._until(self._all_there, federation.STEP_SECONDS + SECONDS_PER_SITE * len(self._sites),
                    "all sites to join", POLL_SECONDS)

    def _all_there(self):
        return self._ready() == len(self._sites)


@dataclass
class IdleCost:
    """Of the coordinator, over the seconds that it was watched."""
    seconds: float
    cpu_percent: float      # of one core
    join_cpu_ms: float      # a connection with its handshake and its Join
    idle_rss: int           # before the first connection, the peak
    rss: int                # the peak
    hold_seconds: float     # how long an answered PullTask had been held, the mean
    answers_per_second: float
    lost: int               # sites without a held call at the end, and calls that failed meanwhile


class IdleCrowd(Crowd):
    """Sites that hold a PullTask, and nothing else."""

    def __init__(self, bin_dir, directory, sites):
        super().__init__(bin_dir, directory, sites, "idle_sites")

    def _start_clients(self):
        self._rss_before = processes.peak_rss_bytes(self.coordinator_pid)
        self._cpu_before = processes.cpu_seconds(self.coordinator_pid)
        super()._start_clients()
        self._join_cpu = processes.cpu_seconds(self.coordinator_pid) - self._cpu_before

    def _all_there(self):
        told = self._told()
        return told is not None and told["held"] == len(self._sites)

    def _told(self):
        """The newest whole line of the generator."""
        lines = self._processes.log_tail(self._program).split("\n")[:-1]
        return json.loads(lines[-1]) if lines else None

    def _sample(self):
        return time.monotonic(), processes.cpu_seconds(self.coordinator_pid), self._told()

    def watch(self, seconds):
        time.sleep(SETTLE_SECONDS)
        begin, cpu_before, before = self._sample()
        while time.monotonic() < begin + seconds:
            self._processes.check()
            time.sleep(POLL_SECONDS)
        end, cpu, after = self._sample()
        answers = after["answers"] - before["answers"]
        if answers == 0:
            raise Timeout(f"no held call was answered in {seconds} s")
        failures = after["failures"] - before["failures"]
        return IdleCost(
            seconds=end - begin, cpu_percent=100 * (cpu - cpu_before) / (end - begin),
            join_cpu_ms=1e3 * self._join_cpu / len(self._sites), idle_rss=self._rss_before,
            rss=processes.peak_rss_bytes(self.coordinator_pid),
            hold_seconds=(after["held_seconds"] - before["held_seconds"]) / answers,
            answers_per_second=answers / (after["seconds"] - before["seconds"]),
            lost=len(self._sites) - after["held"] + failures)


def measure_rounds(bin_dir, directory, sites, parameters, rounds, seconds=600):
    """The mean of `rounds` rounds after a first one."""
    state = os.path.join(directory, "sites")
    with Crowd(bin_dir, directory, sites, "busy_sites", ["--state", state]) as crowd:
        crowd.submit(federation.run_file(parameters, 1 + rounds))
        tell = lambda done: processes.say(f"  {sites} sites: round {done} of {1 + rounds}")
        crowd.wait_for_round(1, seconds, tell)
        first = crowd.sample()
        crowd.wait_for_round(1 + rounds, seconds, tell)
        return crowd.cost_between(first, crowd.sample())
