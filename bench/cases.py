"""What needs no HTTP: imports, memory of exports, and the job layer, in the form of the harness's micro.py.

Every figure is taken over the processes that a shop runs: the `maktab` command and a `maktab worker`.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import load
import servers
import sheet

from core import audit, boot, db, jobs
from core import settings as settings_room
from core.context import system_context
from plugins.orders.models import Order

PLUGINS = Path(__file__).with_name("merchant")
IMPORTED, FACTOR, SMALL = 150_000, 10, 15_000
JOBS, FEW_JOBS = 3_000, 300
_COMMAND = [sys.executable, "-P", "-m", "core.cli"]


@dataclass(frozen=True)
class Cost:
    """What one command took. `peak_mb`: the highest resident memory of its process."""

    seconds: float
    cpu_s: float
    peak_mb: float
    answer: Any


def run(place: load.Place, results: Path) -> None:
    """All cases on the database of `place`; of 10,000 orders small ones, fit for CI."""
    kind, is_small = "pg" if place.pg else "sqlite", place.rows < 100_000

    def emit(case: str, **figures: Any) -> None:
        line = {"case": f"{case} {kind}", **figures, "loadavg": round(os.getloadavg()[0], 1)}
        print(json.dumps(line), flush=True)
        with results.open("a") as out:
            out.write(json.dumps(line) + "\n")

    for rows in [SMALL] if is_small else [IMPORTED, IMPORTED * FACTOR] if place.rows >= 1_000_000 else [IMPORTED]:
        for name, figures in imports(place, rows).items():
            emit(f"{name} of maktab, {rows} rows", **figures)
    emit("export of maktab, memory", **export_memory(place))
    emit("queue maktab", **job_layer(place, FEW_JOBS if is_small else JOBS, samples=2 if is_small else 5))


def imports(place: load.Place, rows: int) -> dict[str, dict[str, Any]]:
    """A dry run and an import of `rows` rows into an empty shop, each in a process of its own."""
    file = sheet.write(place.scratch / f"orders_{rows}.csv", rows, "bench")
    few = sheet.write(place.scratch / "orders_few.csv", sheet.LINES, "few")
    with _empty_install(place) as environ:
        start = _maktab(environ, "import", "orders.order", few, "--json").peak_mb
        dry = _maktab(environ, "import", "orders.order", file, "--dry-run", "--json")
        real = _maktab(environ, "import", "orders.order", file, "--json")
        for done in (dry, real):
            right = rows // sheet.LINES - sheet.bad_orders(rows), sheet.bad_orders(rows)
            assert (done.answer["created"], done.answer["rejected"]) == right, done.answer
        _check_import(environ, rows)
    return {
        name: {
            "rows_per_s": round(rows / done.seconds), "s": round(done.seconds, 2), "cpu_s": round(done.cpu_s, 2),
            "rss_start_mb": round(start), "rss_peak_mb": round(done.peak_mb),
        }
        for name, done in (("dry run", dry), ("import", real))
    }  # fmt: skip


def _check_import(environ: dict[str, str], rows: int) -> None:
    """Every order is there, audited and searchable."""
    boot.start(settings_room.load(os.environ | environ))
    expected = rows // sheet.LINES - sheet.bad_orders(rows)
    made = Order.select().where(Order.sales_channel == "bench").count()
    entries = audit.Entry.select().where(audit.Entry.action == "created", audit.Entry.resource == "orders.order")
    found = db.database.execute_sql(f'SELECT count(*) FROM "{Order._meta.table_name}_search"').fetchone()[0]
    # One order more: that of the small file.
    assert (made, entries.count(), found) == (expected, expected + 1, expected + 1), (made, entries.count(), found)
    db.database.close_all()


def export_memory(place: load.Place) -> dict[str, Any]:
    """Peak memory of `maktab export` for one order, 100,000 and all of them: growth is what an export itself takes."""
    environ, _database = servers.copy_install(place)
    target = place.scratch / "export.csv"
    boot.start(settings_room.load(os.environ | environ))
    border = Order.get_by_id(min(100_000, place.rows)).placed_at.isoformat()
    number = Order.get_by_id(1).number
    db.database.close_all()
    chosen = {"one": ["--search", number], "100k": ["--filter", f"placed_at__lte={border}"], "all": []}
    figures: dict[str, Any] = {"orders": place.rows}
    for name, arguments in chosen.items():
        done = _maktab(environ, "export", "orders.order", "--out", target, *arguments, "--json")
        figures |= {f"{name}_mb": round(done.peak_mb, 1), f"{name}_s": round(done.seconds, 2)}
        figures[f"{name}_cpu_s"] = round(done.cpu_s, 2)
    return figures


def job_layer(place: load.Place, count: int, samples: int) -> dict[str, Any]:
    """The same as micro.py's `queue`: `count` jobs that do nothing, enqueued one by one, then single ones after 4 s."""
    with _empty_install(place) as environ:
        _maktab(environ, "plugin", "enable", "bench_jobs")
        worker = subprocess.Popen([*_COMMAND, "worker"], env=os.environ | environ, stderr=subprocess.DEVNULL)
        try:
            boot.start(settings_room.load(os.environ | environ))
            _enqueue(20)
            rounds = [_enqueue(count) for _ in range(3)]
            idle = [_latency_s(place.scratch / "mark") for _ in range(samples)]
        finally:
            db.database.close_all()
            servers.stop([worker], signal.SIGINT)
    made, done = (statistics.median(times) for times in zip(*rounds, strict=True))
    rates = {"enqueue_per_s": round(count / made), "done_per_s": round(count / done)}
    return {"n": count, **rates, "idle_latency_ms": [round(one * 1000, 1) for one in idle]}


def _enqueue(count: int) -> tuple[float, float]:
    """Seconds until all were enqueued, and until all were done."""
    ctx, began = system_context("cli"), time.perf_counter()
    for _ in range(count):
        jobs.enqueue(ctx, "bench_jobs.noop", {})
    made = time.perf_counter() - began
    while jobs.Job.select().where(jobs.Job.kind == "bench_jobs.noop", jobs.Job.status != "done").exists():
        time.sleep(0.02)
    return made, time.perf_counter() - began


def _latency_s(mark: Path) -> float:
    time.sleep(4)
    mark.unlink(missing_ok=True)
    began = time.time()
    jobs.enqueue(system_context("cli"), "bench_jobs.mark", {"file": str(mark)})
    while not mark.exists() or not (text := mark.read_text()):
        time.sleep(0.001)
    return float(text) - began


@contextmanager
def _empty_install(place: load.Place) -> Iterator[dict[str, str]]:
    """A new shop without orders; the environment of its commands."""
    # A folder of its own for each: this process keeps the doorbell's file open, also when it is deleted.
    home = Path(tempfile.mkdtemp(prefix="maktab_empty_", dir=place.scratch))
    environ = {"MAKTAB_DATA_DIR": str(home), "MAKTAB_PLUGIN_DIR": str(PLUGINS)}
    if place.pg:
        import psycopg

        with psycopg.connect(f"{place.pg} dbname=postgres", autocommit=True) as server:
            server.execute("DROP DATABASE IF EXISTS maktab_empty WITH (FORCE)")
            server.execute("CREATE DATABASE maktab_empty")
        environ["MAKTAB_DATABASE_URL"] = load.url_of(place.pg, "maktab_empty")
    _maktab(environ, "init")
    yield environ
    shutil.rmtree(home, ignore_errors=True)


def _maktab(environ: dict[str, str], *arguments: object) -> Cost:
    """Run a `maktab` command to its end (3: done, with rejected rows) and measure its process."""
    spent, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = subprocess.Popen(
        [*_COMMAND, *map(str, arguments)], env=os.environ | environ, stdout=subprocess.PIPE, text=True
    )
    status, peak = Path(f"/proc/{command.pid}/status"), 0
    while command.poll() is None:
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            peak = max(peak, int(found.group(1)) if found else 0)
        time.sleep(0.01)
    seconds, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    text = command.stdout.read() if command.stdout else ""
    if command.returncode not in (0, 3):
        raise RuntimeError(f"maktab {arguments[0]} ended with {command.returncode}: {text[-500:]}")
    cpu_s = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    return Cost(seconds, cpu_s, peak / 1024, json.loads(text) if "--json" in arguments else text)
