#!/usr/bin/env bash
# Kills the processes of a real federation (mutual TLS, real disks) at random times and checks that the
# run goes on by itself and ends in the same bits. Builds what it needs.
# Usage: tests/torture.sh [--kills N] [--seed S] [--quorum Q] [--sites K] [--rounds R] [--hidden LAYERS] [--pairs] [--orderly]
#   without --quorum: rounds wait for everybody, and the expected model is that of an undisturbed run
#   with --quorum Q:  rounds close with Q sites, and the expected model is the history replayed
#   with --orderly: SIGTERM instead of kill -9, and each must end with exit code 0
# Prints one line: kills=N resumed=N lost=0 duplicated=0 model=HEX expected=HEX; exit code 0 if all is well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ ! -x build/dev/tests/crash/skerry_torture ]; then
  cmake/install-packages.sh >&2
fi
cmake --preset dev >/dev/null
cmake --build --preset dev --target skerry_torture >&2
exec build/dev/tests/crash/skerry_torture "$@"
