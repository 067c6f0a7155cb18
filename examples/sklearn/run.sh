#!/usr/bin/env bash
# Six hospitals and a model of scikit-learn's, simulated with the same trainer that a site would run.
# Needs python3 with venv and pip's index (or SKERRY_PYTHON, a python that has scikit-learn); says so and ends well where
# they are missing. Needs a built skerry: SKERRY_BIN, else build/release/bin or build/dev/bin.
# Usage: examples/sklearn/run.sh      writes to examples/sklearn/out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec ../trainer_example.sh scikit-learn sklearn sklearn-logistic
