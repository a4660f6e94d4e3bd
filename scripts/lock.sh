#!/usr/bin/env bash
# Writes both lock files anew: every platform, with hashes, without the address of an index.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url --no-header \
        --python-version 3.11 --extra postgres --extra redis --group build "$@"
}
command -v .venv/bin/uv >/dev/null || .venv/bin/python -m pip install --quiet uv
compile --output-file requirements.lock
compile --extra dev --constraint requirements.lock --output-file requirements-dev.lock
if grep -nE '://|index-url|find-links' requirements.lock requirements-dev.lock; then
    echo "A lock file names a place to download from; remove it." >&2
    exit 1
fi
