"""How fast one core trains, beside PyTorch with one thread: examples per second of processor time."""

import json
import os
import subprocess

from harness import processes
from harness.table import row

PROGRAM = "skerry_training_bench"
SCRIPT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers", "torch_training.py")
# What it says, the arguments of both programs, those of --quick, and the ratio that is asked for.
WORK = [("2NN, batches of 10", ["2nn", "6000", "5", "10"], ["2nn", "3000", "2", "10"], 1.0),
        ("LeNet, batches of 64", ["lenet", "6000", "2", "64"], ["lenet", "2000", "1", "64"], None),
        ("CNN of 1.66 M parameters, batches of 10", ["cnn", "300", "2", "10"], ["cnn", "100", "1", "10"], None)]
REPEATS = 3


def measure(context):
    program = context.program(PROGRAM)
    if program is None:
        return
    python = _torch(context)
    for what, full, quick, asked in WORK:
        processes.say(f"training: {what}")
        arguments = quick if context.quick else full
        ours, peer = [], []
        for _ in range(REPEATS):  # in turn: both see the same neighbours
            ours.append(_speed([program, *arguments]))
            if python is not None:
                peer.append(_speed([python, SCRIPT, *arguments]))
        yield row(f"training on one core, {what}", max(ours), "examples/s", peer=max(peer, default=None),
                  more_is_better=True, at_least_times_peer=asked if python else None,
                  target=">= PyTorch" if asked else "")


def _speed(command):
    done = subprocess.run(command, text=True, capture_output=True, timeout=600, check=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
    return json.loads(done.stdout.splitlines()[-1])["examples_per_cpu_second"]


def _torch(context):
    """A Python with torch: SKERRY_TORCH_PYTHON, or with --peers a throw-away environment."""
    given = os.environ.get("SKERRY_TORCH_PYTHON")
    if given or not context.peers:
        return given
    if context.quick:  # to fetch it takes minutes
        context.notes.append("training: PyTorch is compared with without --quick, or with SKERRY_TORCH_PYTHON")
        return None
    path = os.path.join(os.path.dirname(context.venv.bin), "torch")
    try:
        if not os.path.exists(path):
            processes.say("  installing torch with pip into a throw-away environment")
            subprocess.run(["python3", "-m", "venv", path], check=True, timeout=300)
            subprocess.run([os.path.join(path, "bin", "pip"), "install", "-q", "--no-cache-dir", "torch"],
                           check=True, timeout=1800)
    except subprocess.SubprocessError as error:
        context.notes.append(f"training: torch could not be installed: {str(error).splitlines()[0]}")
        return None
    return os.path.join(path, "bin", "python")
