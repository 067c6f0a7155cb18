#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. From a clean clone on Debian 12: this and git.
# Usage: tests/run.sh [PRESET] [CTEST-ARGUMENT...]    presets: dev (default), release, asan, tsan, clang
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-dev}
shift || true

further=()
if [ "$preset" = clang ]; then further=(clang); fi
cmake/install-packages.sh ${further[@]+"${further[@]}"}
echo "configuring ($preset)"
cmake --preset "$preset" >/dev/null
echo "building"
cmake --build --preset "$preset"
echo "testing"
ctest --preset "$preset" --parallel "$(nproc)" "$@"
