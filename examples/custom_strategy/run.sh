#!/usr/bin/env bash
# Installs Skerry into out/skerry, builds half_step against it, and simulates the hospitals of examples/icu with its
# strategy. Usage: examples/custom_strategy/run.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
out=$PWD/out

"$root/cmake/install-packages.sh"
cmake -S "$root" --preset release -DSKERRY_TESTS=OFF >/dev/null
cmake --build "$root/build/release"
cmake --install "$root/build/release" --prefix "$out/skerry" >/dev/null

cmake -S . -B "$out/build" -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=$out/skerry" >/dev/null
cmake --build "$out/build"

sed 's/"fedavg"/"half_step"/' "$root/examples/icu/run.toml" >"$out/run.toml"
"$out/build/half_step" simulate "$out/run.toml" --sites "$root/examples/icu/data" --out "$out/half_step"
