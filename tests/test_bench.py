"""The benchmark still speaks the language of the application: every operation is answered, and answered right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HARNESS = Path(os.environ.get("BENCH_HARNESS") or ROOT.parent / "shared" / "bench")


OPERATIONS = {
    "list_first", "list_mid", "list_status", "search_name", "search_email", "search_number", "sort_total", "detail",
    "mid_customer_name", "filter_two", "count", "bulk_1000", "list_busy",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not (HARNESS / "bench.py").exists(), reason="no performance harness: set BENCH_HARNESS")
def test_the_benchmark_gets_the_right_rows_for_each_operation(tmp_path: Path) -> None:
    options = ["--harness", str(HARNESS), "--scratch", str(tmp_path), "--targets", "maktab", "--pg", "none"]
    command = [sys.executable, str(ROOT / "bench" / "run.py"), *options, "--only", ",".join(OPERATIONS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = json.loads((tmp_path / "report.json").read_text())["results"]
    assert {line["op"] for line in found if "p50" in line} >= OPERATIONS
