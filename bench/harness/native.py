"""Clients that train for themselves, on rows of their own."""

import os

from . import federation, kits
from .federation import INPUTS, Federation

ROWS = 64


class NativeFederation(Federation):
    """skerry-client as it is installed, with a CSV file of a few rows for each site."""

    def __init__(self, bin_dir, directory, clients):
        super().__init__(bin_dir, directory, clients, client_program="skerry-client")

    def _make_kits(self):
        data = os.path.join(self._dir, "data.csv")
        with open(data, "w", encoding="ascii") as file:
            file.write(",".join(f"x{i}" for i in range(INPUTS)) + ",y\n")
            for row in range(ROWS):
                values = [((row * 7 + i * 3) % 11 - 5) / 5 for i in range(INPUTS)]
                file.write(",".join(str(value) for value in values) + f",{sum(values) / INPUTS:.3f}\n")
        kits.make(self._bin, self._dir, self._sites, data)


def measure_rounds(bin_dir, directory, clients, parameters, rounds, momentum=0.0, seconds=900):
    text = federation.run_file(parameters, rounds).replace(
        "learning_rate = 0.01", f"learning_rate = 0.0001\nmomentum = {momentum}")
    with NativeFederation(bin_dir, directory, clients) as native:
        native.submit(text)
        native.wait_for_round(1, seconds)
        first = native.sample()
        native.wait_for_round(rounds, seconds)
        return native.cost_between(first, native.sample())
