#!/usr/bin/env bash
# Makes .venv from a lock file, when it is missing or older than the lock. Usage: scripts/setup.sh requirements.lock
set -euo pipefail
cd "$(dirname "$0")/.."
lock=$1

stamp() { cat "$lock" pyproject.toml | cksum; }
if [ -f .venv/installed ]; then
    # The development lock holds all of the other one, with the same versions.
    grep -qxF "requirements-dev.lock $(cat requirements-dev.lock pyproject.toml | cksum)" .venv/installed && exit 0
    grep -qxF "$lock $(stamp)" .venv/installed && exit 0
fi

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python=""
for candidate in "${PYTHON:-}" python3.12 python3.11 python3.13 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null && new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Maktab needs Python 3.11 or newer; this machine has: $(python3 --version 2>/dev/null || echo none)." >&2
    echo "  Debian 12, Ubuntu 24.04:  sudo apt-get install python3 python3-venv" >&2
    echo "  macOS:                    brew install python@3.12" >&2
    echo "  another place:            make run PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if [ ! -x .venv/bin/python ] || ! new_enough .venv/bin/python; then
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "$python comes without the module venv. Please run:" >&2
        echo "  sudo apt-get install python${version}-venv" >&2
        exit 1
    fi
    "$python" -m venv --clear .venv
fi
echo "Installing from $lock (the first time takes a minute) …"
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
echo "$lock $(stamp)" >.venv/installed
