#!/usr/bin/env bash
# The unit tests of python/, if there is a python3 with numpy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../python"
python=${SKERRY_PYTHON:-python3}
if ! "$python" -c 'import numpy' 2>/dev/null; then
  echo "SKIPPED: $python has no numpy (SKERRY_PYTHON may name another)"
  exit 77
fi
PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 exec "$python" -m unittest discover -s tests
