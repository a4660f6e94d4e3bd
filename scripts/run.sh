#!/usr/bin/env bash
# Starts the install in MAKTAB_DATA_DIR (default .maktab); a new one gets its tables, a first user and the demo shop.
set -euo pipefail
cd "$(dirname "$0")/.."
export MAKTAB_DATA_DIR=${MAKTAB_DATA_DIR:-$PWD/.maktab}
maktab="$PWD/.venv/bin/maktab"
todo="$MAKTAB_DATA_DIR/demo-to-load"

made=$("$maktab" init --json)
field() { printf '%s' "$made" | .venv/bin/python -c "import json, sys; print(json.load(sys.stdin).get('$1') or '')"; }
if [ -n "$(field new)" ]; then
    touch "$todo"
    echo
    echo "  User:      $(field user)"
    echo "  Password:  $(field password)    (shown this once)"
    echo
fi
# The file stays when the load is interrupted: loading goes on at the next start, nothing comes in twice.
if [ -f "$todo" ]; then
    echo "Loading the demo shop …"
    "$maktab" demo
    rm -f "$todo"
fi
exec "$maktab" serve
