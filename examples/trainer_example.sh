#!/usr/bin/env bash
# Runs the example in the current folder: trainer_example.sh PACKAGE MODULE TRAINER. Used by their run.sh.
set -euo pipefail
package=$1 module=$2 trainer=$3
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${SKERRY_EXAMPLE_OUT:-$PWD/out}

skip() { echo "SKIPPED: $*"; exit 0; }

mkdir -p "$out"
python=${SKERRY_PYTHON:-}
if [ -z "$python" ]; then
  command -v python3 >/dev/null || skip "there is no python3"
  python=$out/venv/bin/python
  if ! "$python" -c "import $module, numpy" 2>/dev/null; then
    echo "== a virtual environment with $package"
    python3 -m venv "$out/venv" >"$out/pip.log" 2>&1 || skip "python3 -m venv does not work; see $out/pip.log"
    "$python" -m pip install --quiet --disable-pip-version-check numpy "$package" >>"$out/pip.log" 2>&1 ||
      skip "$package cannot be installed; see $out/pip.log"
  fi
fi
"$python" -c "import $module, numpy" 2>/dev/null || skip "$python has no $module"

bin=${SKERRY_BIN:-}
for folder in "$root/build/release/bin" "$root/build/dev/bin"; do
  if [ -z "$bin" ] && [ -x "$folder/skerry" ]; then bin=$folder; fi
done
[ -n "$bin" ] || skip "skerry is not built: cmake --preset release && cmake --build --preset release"

echo "== what a site would write into its agent.toml"
cat >"$out/trainers.toml" <<END
[trainer.$trainer]
command = ["$python", "$PWD/train.py"]
sha256 = { "$PWD/train.py" = "$(sha256sum train.py | cut -d' ' -f1)" }
environment.PYTHONPATH = "$root/python"    # or install it: pip install $root/python
environment.OMP_NUM_THREADS = "1"
time_limit = "10m"
END
cat "$out/trainers.toml"

echo "== six sites, 20 rounds"
"$bin/skerry" simulate run.toml --trainers "$out/trainers.toml" --out "$out" --threads 2 | tee "$out/said.txt"

# Words until somebody checks them.
"$python" - "$out/rounds.csv" <<'END'
import csv, sys
with open(sys.argv[1], newline="") as file:
    rows = list(csv.DictReader(file))
losses = [float(row["test.loss"]) for row in rows if row.get("test.loss")]
print(f"test loss: {losses[0]:.4f} at first, {losses[-1]:.4f} at last")
sys.exit(0 if losses[-1] < losses[0] - 0.05 else "MISSED: the model did not learn")
END
