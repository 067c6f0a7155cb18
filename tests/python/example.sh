#!/usr/bin/env bash
# example.sh NAME: runs examples/NAME with a python that has what it needs; installs nothing.
set -euo pipefail
export SKERRY_PYTHON=${SKERRY_PYTHON:-python3} PYTHONDONTWRITEBYTECODE=1
SKERRY_PYTHON=$(command -v "$SKERRY_PYTHON") || { echo "SKIPPED: there is no python3"; exit 77; }
export SKERRY_EXAMPLE_OUT=$SKERRY_TEST_OUT/$1
said=$("$(dirname "${BASH_SOURCE[0]}")/../../examples/$1/run.sh" 2>&1) || { echo "$said"; exit 1; }
echo "$said"
case $said in *SKIPPED:*) exit 77 ;; esac
