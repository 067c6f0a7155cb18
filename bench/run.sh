#!/usr/bin/env bash
# Builds the release and measures it: rounds between real processes beside what the line can carry and,
# with --peers, beside Flower in the same run. Prints a table, writes bench/results.json.
# Usage: bench/run.sh [--quick] [--peers] [--peers-venv DIR] [--only rounds,...] [--dir DIR]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for argument in "$@"; do
  case $argument in -h | --help) exec python3 "$root/bench/run.py" --help ;; esac
done

"$root/cmake/install-packages.sh" python3 python3-venv >&2
cmake -S "$root" --preset release -DSKERRY_TESTS=OFF -DSKERRY_BENCH=ON >/dev/null
cmake --build "$root/build/release" --target skerry skerry-coordinator skerry-client skerry_benches >&2
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$root/bench/run.py" "$@"
