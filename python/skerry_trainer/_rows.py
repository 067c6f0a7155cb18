"""The rows that Skerry prepared."""

from dataclasses import dataclass

import numpy

from ._safetensors import load_file


@dataclass
class Rows:
    """Rows of one split: filled in and standardised as the run says. Labels of classes are their
    numbers, 0 and up. They cannot be written to: take a copy() to change them."""

    features: numpy.ndarray  # float32 [rows, inputs]
    labels: numpy.ndarray    # float32 [rows]

    def __len__(self):
        return len(self.labels)


class RowsCache:
    """Reads a file of rows once: an agent gives the same file to all tasks of a run."""

    def __init__(self):
        self._path = None
        self._tensors = {}

    def split(self, path, name):
        """None when the trainer reads its data itself."""
        if path is None:
            return None
        if path != self._path:
            self._tensors = load_file(path)
            for array in self._tensors.values():
                array.flags.writeable = False  # the tasks that follow get the same rows
            self._path = path
        return Rows(self._tensors[name + ".features"], self._tensors[name + ".labels"])
