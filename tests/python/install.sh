#!/usr/bin/env bash
# install.sh FOLDER: pip installs python/ into a venv in FOLDER, and the package's unit tests run against
# what was installed, away from the sources. Without venv or a way to PyPI (NumPy, setuptools): exit code 77.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../python" && pwd)
python=${SKERRY_PYTHON:-python3}
mkdir -p "$1"
cd "$1"
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

pip=venv/bin/pip
if ! venv/bin/python -c 'import numpy, setuptools, wheel' 2>/dev/null; then
  rm -rf venv
  "$python" -m venv venv >venv.log 2>&1 || { echo "skipped: $python has no venv"; exit 77; }
  timeout 300 "$pip" install --quiet numpy 'setuptools>=61' wheel >pip.log 2>&1 ||
    { tail -n 3 pip.log; echo "skipped: pip cannot install numpy"; exit 77; }
fi

# pip writes beside the sources that it builds, so it gets a copy, without what an earlier one wrote.
# What the package needs is there, and PyPI is not asked again: a failure from here on is the package's.
rm -rf package tests
cp -r "$source" package
rm -rf package/build package/*.egg-info
timeout 120 "$pip" install --quiet --no-index --no-build-isolation --force-reinstall --no-deps ./package
mv package/tests tests
rm -r package

where=$(venv/bin/python -c 'import skerry_trainer; print(skerry_trainer.__file__)')
case $where in
  "$PWD"/venv/*) ;;
  *) echo "error: the tests would run against $where, which pip did not install" >&2; exit 1 ;;
esac
"$pip" check
echo "testing $("$pip" list --format=freeze | grep '^skerry'), from $where"
exec venv/bin/python -m unittest discover -s tests
