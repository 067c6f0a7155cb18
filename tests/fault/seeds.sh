#!/usr/bin/env bash
# Random faults from seeds, for as long as one likes; builds what it needs (preset dev, or $PRESET).
# The last line says how many seeds ran, how many failed, and how many that is in a minute.
# Usage: tests/fault/seeds.sh [--seconds N] [--start S] [--count N] [--keep-going]
#        tests/fault/seeds.sh --seed S [--trace]    one seed again, step by step
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
preset=${PRESET:-dev}
[ -d "build/$preset" ] || cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" --target fault_seeds >/dev/null
exec "build/$preset/tests/fault/fault_seeds" "$@"
