"""What a row function is given."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field

from .flower import Venv


@dataclass
class Context:
    bin_dir: str
    quick: bool = False
    venv: Venv | None = None       # None: without peers
    legacy: bool = False           # the peer still has its legacy entry points
    scratch: str | None = None     # where temporary folders go; None: the system's
    notes: list = field(default_factory=list)  # printed below the table

    @property
    def peers(self):
        return self.venv is not None

    def program(self, name):
        """The path of a program, or None when this build does not have it."""
        path = os.path.join(self.bin_dir, name)
        return path if os.path.exists(path) else None

    @contextlib.contextmanager
    def folder(self):
        path = tempfile.mkdtemp(prefix="skerry-bench-", dir=self.scratch)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
