#!/bin/sh
# run.sh SKERRY FOLDER: compares exported ONNX files with what a runtime from PyPI makes of them
# (compare.py). Without Python, venv or a way to PyPI there is nothing to compare with: exit code 77.
set -u
skerry=$1
folder=$2
here=$(dirname "$0")
mkdir -p "$folder" || exit 1

if ! python3 -c "import onnxruntime, numpy" 2>/dev/null; then
  python=$folder/venv/bin/python
  if ! "$python" -c "import onnxruntime, numpy" 2>/dev/null; then
    rm -rf "$folder/venv"
    python3 -m venv "$folder/venv" 2>/dev/null || { echo "skipped: python3 has no venv"; exit 77; }
    timeout 300 "$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime numpy \
      >"$folder/pip.log" 2>&1 || { echo "skipped: pip cannot install onnxruntime"; exit 77; }
  fi
else
  python=python3
fi
exec timeout 300 "$python" "$here/compare.py" "$skerry" "$folder/cases"
