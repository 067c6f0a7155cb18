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

is_missing() {
  case $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null || true) in
    "install ok installed") return 1 ;;
  esac
}

missing=() wanted=()
while read -r package note; do
  is_missing "$package" || continue
  if [ "$note" = "(wanted)" ]; then wanted+=("$package"); else missing+=("$package"); fi
done < <(grep -v '^#' "$here/debian-packages.txt"; printf '%s\n' "$@" | sed '/^$/d')

if [ ${#missing[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ]; then
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
install() {
  echo "installing $# Debian packages: $*"
  "${as_root[@]}" apt-get -q update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"
}

if [ ${#as_root[@]} -ne 0 ] && ! command -v sudo >/dev/null; then
  if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
  echo "error: these packages are missing, and there is neither root nor sudo: ${missing[*]}" >&2
  exit 1
fi
if [ ${#missing[@]} -ne 0 ]; then install "${missing[@]}"; fi
if [ ${#wanted[@]} -ne 0 ] && ! install "${wanted[@]}"; then
  echo "note: without ${wanted[*]}; tests that compare with it say that they are skipped" >&2
fi
