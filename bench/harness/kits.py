"""A certificate authority with kits, made by skerry's own command."""

import os
import re
import subprocess

from . import processes

SECONDS = 60


def skerry(bin_dir, *arguments, env=None, seconds=SECONDS):
    """Standard output of one command. RuntimeError with its standard error when it fails."""
    done = subprocess.run([os.path.join(bin_dir, "skerry"), *arguments], text=True, check=False,
                          env={**os.environ, **(env or {})}, capture_output=True, timeout=seconds)
    if done.returncode != 0:
        raise RuntimeError(f"skerry {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def make(bin_dir, directory, sites, data=None):
    """Kits for a coordinator on loopback and for sites, in directory/kits. Returns the port."""
    kits = os.path.join(directory, "kits")
    port = processes.free_port()
    skerry(bin_dir, "ca", "init", "--federation", "bench", "--dir", os.path.join(directory, "ca"))
    named = [word for site in sites for word in ("--site", site)]
    skerry(bin_dir, "ca", "issue", "--dir", os.path.join(directory, "ca"), "--out", kits,
           "--coordinator", "127.0.0.1", "--port", str(port),
           *(["--data", f"bench={data}"] if data else []), *named)
    _listen_on_loopback(os.path.join(kits, "coordinator", "coordinator.toml"))
    return port


def _listen_on_loopback(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r'"0\.0\.0\.0:', '"127.0.0.1:', text))
