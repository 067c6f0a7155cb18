#!/usr/bin/env bash
# Builds the release and prints published figures beside ours: one table for each script in
# bench/published/, which gets the folder of the built programs and, with --quick, that word. A script
# exits with 1 when a figure is missed, and so does this. Data that are not in the tree come by
# SKERRY_DATA; tables without their data say that they are skipped.
# Usage: SKERRY_DATA=DIR bench/published.sh [--quick] [TABLE...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
quick=() tables=()
for argument in "$@"; do
  case $argument in
    --quick) quick=(--quick) ;;
    -h | --help) sed -n '2,6s/^# //p' "$0"; exit ;;
    *) tables+=("$root/bench/published/$argument.sh") ;;
  esac
done
((${#tables[@]})) || tables=("$root"/bench/published/*.sh)

build=${SKERRY_BUILD:-$root/build/release}
if [[ -z ${SKERRY_BUILD:-} ]]; then
  cmake -S "$root" --preset release -DSKERRY_BENCH=ON >/dev/null
fi
cmake --build "$build" --target skerry_published >&2

missed=0
for table in "${tables[@]}"; do
  echo "== $(basename "$table" .sh)"
  "$table" "$build/bin" "${quick[@]}" || missed=1
done
exit $missed
