"""Time an import of the whole Online Retail file through the command line: seconds, rows/s, peak memory.

    .venv/bin/python bench/import_retail.py ../shared/data/orders/online_retail_uci.csv.gz

A fresh install in a temporary directory; MAKTAB_DATABASE_URL runs it on that (empty) PostgreSQL database instead.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAPPING = Path(__file__).parents[1] / "plugins" / "orders" / "demo" / "online_retail.json"


def maktab(*arguments: str, environ: dict[str, str]) -> str:
    command = [sys.executable, "-P", "-m", "core.cli", *arguments]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}")
    return done.stdout


def timed_import(file: str, environ: dict[str, str]) -> dict[str, object]:
    began = time.monotonic()
    answer = maktab("import", "orders.order", file, "--mapping", str(MAPPING), "--json", environ=environ)
    seconds = time.monotonic() - began
    result = json.loads(answer)
    counts = {name: result[name] for name in ("total", "created", "updated", "unchanged", "rejected")}
    # The largest child so far: the import itself is by far the largest.
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)
    speed = {"seconds": round(seconds, 1), "rows_per_s": round(result["rows"] / seconds), "peak_mb": peak_mb}
    return {"rows": result["rows"], **counts, **speed}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as home:
        environ = os.environ | {"MAKTAB_DATA_DIR": home}
        maktab("init", environ=environ)
        kind = "postgresql" if environ.get("MAKTAB_DATABASE_URL") else "sqlite"
        print(json.dumps({"database": kind, "python": platform.python_version(), "cpus": os.cpu_count()}))
        for name in ("first", "again"):
            print(json.dumps({"import": name} | timed_import(sys.argv[1], environ)), flush=True)


if __name__ == "__main__":
    main()
