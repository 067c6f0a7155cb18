"""Processes that end with whoever started them, and what the kernel counts of each."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Timeout(Exception):
    pass


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def cpu_seconds(pid):
    """User and system time of a process and of the children that it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_SECOND


def peak_rss_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def bytes_read(pid):
    """By read calls, sockets not counted."""
    return _io(pid, "rchar")


def bytes_written(pid):
    """By write calls, sockets not counted."""
    return _io(pid, "wchar")


def _io(pid, name):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))


def descendants(pid):
    """`pid`, its children, their children ..., as far as they live."""
    found = [pid]
    for one in found:
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children", encoding="ascii") as file:
                    found += [int(child) for child in file.read().split()]
        except OSError:
            continue
    return found


def tree_cpu_seconds(pid):
    total = 0.0
    for one in descendants(pid):
        try:
            total += cpu_seconds(one)
        except OSError:
            continue
    return total


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def say(text):
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def clean_up_on_sigterm():
    """SIGTERM ends this program as an exception does: its processes and folders go."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Processes:
    """Starts processes, and ends each of them by its own id. A context manager."""

    def __init__(self, log_dir):
        self._log_dir = log_dir
        self._running = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()

    def start(self, name, argv, env=None, family=False):
        """Returns the process id. Output goes to NAME.log of the log folder. `family`: for a program
        that starts others; stopping it ends them too."""
        with open(os.path.join(self._log_dir, name + ".log"), "ab") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(env or {})}, preexec_fn=_die_with_parent)
        self._running[name] = (process, family)
        return process.pid

    def kill(self, name):
        """kill -9, and waits until it is gone."""
        process, _ = self._running.pop(name)
        process.kill()
        process.wait(30)

    def check(self):
        """Raises when one has ended by itself; shows the end of its log."""
        for name, (process, _) in self._running.items():
            if process.poll() is not None:
                self._raise_ended(name, process)

    def wait(self, name, seconds):
        """Until one has ended well by itself. Raises when it, or another one, fails."""
        process, _ = self._running[name]
        end = time.monotonic() + seconds
        while process.poll() is None:
            for other, (started, _) in self._running.items():
                if started.poll():
                    self._raise_ended(other, started)
            if time.monotonic() > end:
                raise Timeout(f"{name} did not end in {seconds} s:\n{self.log_tail(name)}")
            time.sleep(0.02)
        if process.returncode != 0:
            self._raise_ended(name, process)
        del self._running[name]

    def _raise_ended(self, name, process):
        raise RuntimeError(f"{name} ended with {process.returncode}:\n{self.log_tail(name)}")

    def log_tail(self, name, size=2000):
        with open(os.path.join(self._log_dir, name + ".log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-size:]

    def stop_all(self):
        """Asks each to end, waits, and kills what is left, with all that families have started."""
        started = [(pid, _start_ticks(pid)) for process, family in self._running.values() if family
                   for pid in descendants(process.pid)]
        for sign, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            for process, _ in self._running.values():
                if process.poll() is None:
                    process.send_signal(sign)
            end = time.monotonic() + patience
            for process, _ in self._running.values():
                try:
                    process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    continue
        for pid, ticks in started:
            if ticks is not None and _start_ticks(pid) == ticks:
                _kill(pid)
        self._running = {}


def _start_ticks(pid):
    """Tells a process from a later one with its id."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return None


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
