"""What the harness learns from a server under measurement."""

import json
import os
import time

LONGEST_LOOK_SECONDS = 30


class RoundLog:
    """A line of JSON at the end of each round: when. After the last round it waits until the harness
    has looked at the processes (PATH.seen)."""

    def __init__(self, path, rounds):
        self._path, self._rounds = path, rounds
        self._out = open(path, "w", encoding="ascii")

    def end_of_round(self, number):
        line = {"round": number, "seconds": time.monotonic()}
        print(json.dumps(line), file=self._out, flush=True)
        end = time.monotonic() + LONGEST_LOOK_SECONDS
        while number == self._rounds and time.monotonic() < end:
            if os.path.exists(self._path + ".seen"):
                return
            time.sleep(0.01)
