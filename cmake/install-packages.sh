#!/usr/bin/env bash
# Installs the Debian packages that Skerry needs and that are missing, through sudo when not root.
# Usage: cmake/install-packages.sh [FURTHER-PACKAGE...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "error: this machine has no apt; Skerry is built on Debian 12" >&2
  echo "hint: install the libraries of $here/debian-packages.txt by other means, then run cmake yourself" >&2
  exit 1
fi

missing=()
while read -r package; do
  case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    "install ok installed") ;;
    *) missing+=("$package") ;;
  esac
done < <(grep -v '^#' "$here/debian-packages.txt"; printf '%s\n' "$@" | sed '/^$/d')

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "error: these packages are missing, and there is neither root nor sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"
