#!/usr/bin/env bash
# Builds the release and prints published figures beside ours: one table for each script in
# bench/published/, which gets the folder of the built programs and, with --quick, that word. A script
# exits with 1 when a figure is missed, and so does this. Data that are not in the tree come by
# SKERRY_DATA; without it, tables that need them say that they are skipped (a script exits with 77
# then), and so does this if all were. A SKERRY_DATA that lacks a table's data is an error.
# Recorded runs are compared for whatever seeds are in the data's folder (golden_seed*.json); --seed
# is that of the runs on MNIST, which draw their own (default 1).
# Usage: SKERRY_DATA=DIR bench/published.sh [--quick] [--seed N] [TABLE...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
quick=() tables=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --quick) quick=(--quick) ;;
    --seed)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "error: --seed needs a whole number" >&2; exit 2; }
      export SKERRY_SEED=$2
      shift ;;
    -h | --help) sed -n '2,9s/^# //p' "$0"; exit ;;
    *)
      table=$root/bench/published/$1.sh
      [[ -x $table ]] || { echo "error: there is no table $1" >&2; exit 2; }
      tables+=("$table") ;;
  esac
  shift
done
((${#tables[@]})) || tables=("$root"/bench/published/*.sh)

"$root/cmake/install-packages.sh" >&2  # libxgboost0, for one of the tables
build=${SKERRY_BUILD:-$root/build/release}
if [[ -z ${SKERRY_BUILD:-} ]]; then
  cmake -S "$root" --preset release -DSKERRY_BENCH=ON >/dev/null
fi
cmake --build "$build" --target skerry_published >&2

missed=0 skipped=0
for table in "${tables[@]}"; do
  echo "== $(basename "$table" .sh)"
  code=0
  "$table" "$build/bin" "${quick[@]}" || code=$?
  case $code in
    0) ;;
    77) skipped=$((skipped + 1)) ;;
    *) missed=1 ;;
  esac
done
if ((skipped == ${#tables[@]})); then
  echo "NOTHING COMPARED: all tables were skipped, for want of what is named above" >&2
  exit 77
fi
exit $missed
