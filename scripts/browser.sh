#!/usr/bin/env bash
# A Chromium for the browser tests: the system's, else Debian's package, else Playwright's own.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -n "${MAKTAB_TEST_CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-core >/dev/null
elif .venv/bin/playwright install chromium; then
    exit 0
else
    echo "The browser tests need Chromium. Please run:  sudo apt-get install chromium" >&2
    exit 1
fi
