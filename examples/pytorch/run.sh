#!/usr/bin/env bash
# Six hospitals and a network of PyTorch's, simulated with the same trainer that a site would run.
# Needs python3 with venv and pip's index (or SKERRY_PYTHON, a python that has torch); says so and ends well where they
# are missing. Needs a built skerry: SKERRY_BIN, else build/release/bin or build/dev/bin.
# Usage: examples/pytorch/run.sh      writes to examples/pytorch/out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec ../trainer_example.sh torch torch pytorch-net
