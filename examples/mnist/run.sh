#!/usr/bin/env bash
# A hundred simulated sites learn to read digits, ten of them in each round; then ten learn the same
# with a convolutional network. Needs Debian 12, git and npm; installs the rest.
# Usage: examples/mnist/run.sh      writes to examples/mnist/out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
out=$PWD/out
bin=$root/build/release/bin

step() { printf '\n== %s\n' "$*"; }

step "1. packages, build, data"
"$root/cmake/install-packages.sh"
cmake -S "$root" --preset release -DSKERRY_TESTS=OFF >/dev/null
cmake --build "$root/build/release" --target skerry
./fetch.sh "$out/data"

step "2. a network of two hidden layers at a hundred sites, ten a round"
"$bin/skerry" simulate run.toml --sites 100 --out "$out/2nn"

step "3. LeNet at ten sites"
"$bin/skerry" simulate lenet.toml --sites 10 --out "$out/lenet"

step "4. the learning curves"
ls -l "$out"/*/curve.svg

# Numbers are words until somebody checks them: the last line of rounds.csv that has an accuracy.
last_accuracy() {
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "test.accuracy") column = i; next }
           column && $column != "" { value = $column } END { print value + 0 }' "$1/rounds.csv"
}
for run in 2nn:0.96 lenet:0.97; do
  accuracy=$(last_accuracy "$out/${run%:*}")
  echo "${run%:*}: accuracy $accuracy on held-out digits of the sites"
  awk -v found="$accuracy" -v least="${run#*:}" 'BEGIN { exit !(found >= least) }' ||
    { echo "MISSED: less than ${run#*:}"; exit 1; }
done
