"""The goals of docs/performance.md, judged by the figures of one run, beside the harness's own tables."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SMALLEST, LARGEST, ROWS = 10_000, 1_000_000, 150_000
SORTS = ("placed_at", "number", "customer_name", "items", "total_minor", "updated_at")
LISTS = (
    "list_first", "list_mid", "list_status", "sort_total",
    *(f"first_{name}_{way}" for name in SORTS for way in ("down", "up")), *(f"mid_{name}" for name in SORTS),
)  # fmt: skip
FLOOR_LISTS = ("list_first", "list_mid", "list_status", "sort_total")
PARTS = ("search_name", "search_email", "search_part_name", "search_part_number")
WHOLE = ("search_number", "search_whole_email")


@dataclass(frozen=True)
class Line:
    """One goal on one database. `measured` empty: not all of its figures were taken; `is_reached` None: not judged."""

    goal: str
    what: str
    database: str
    measured: str
    wanted: str
    is_reached: bool | None


class Figures:
    """What a run measured, by (operation, orders, database, target)."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.http = {(one["op"], one["rows"], one["db"], one["target"]): one for one in lines if "target" in one}
        self.cases = {one["case"]: one for one in lines if "case" in one}
        self.failed = [one for one in lines if "error" in one]
        self.largest = max((key[1] for key in self.http), default=0)
        """Goals are set for a million orders; a smaller run shows its figures and judges none of them."""

    def get(self, op: str, rows: int, database: str, target: str = "maktab", figure: str = "p50") -> float:
        """KeyError when it was not measured."""
        return float(self.http[op, rows, database, target][figure])

    def ratio(self, op: str, rows: int, database: str, other: str) -> float:
        """How many times Maktab's time is that of `other`."""
        return self.get(op, rows, database) / self.get(op, rows, database, other)

    def rate(self, case: str, figure: str = "rows_per_s") -> float:
        return float(self.cases[case][figure])


Measure = Callable[[Figures, str], float]
"""One figure on one database, the smaller the better."""


def _times(other: str, *ops: str) -> Measure:
    """The worst of these operations: how many times the time of `other` it takes."""
    return lambda figures, database: max(figures.ratio(op, figures.largest, database, other) for op in ops)


def _worst(*ops: str, figure: str = "p50") -> Measure:
    return lambda figures, database: max(figures.get(op, figures.largest, database, figure=figure) for op in ops)


def _growth(figures: Figures, database: str) -> float:
    return max(figures.get(op, LARGEST, database) / figures.get(op, SMALLEST, database) for op in LISTS)


def _requests(rows: int) -> Measure:
    def measure(figures: Figures, database: str) -> float:
        ours = figures.get("load_list_8clients", rows, database, figure="rps")
        return figures.get("load_list_8clients", rows, database, "django-admin", "rps") / ours

    return measure


def _export_growth(name: str) -> Measure:
    def measure(figures: Figures, database: str) -> float:
        found = figures.cases[f"export of maktab, memory {database}"]
        return float(found[name] - found["one_mb"])

    return measure


def _import(rows: int, database: str) -> str:
    return f"import of maktab, {rows} rows {database}"


def _import_times(other: str) -> Measure:
    """`other` may have {} for the database."""
    return lambda figures, database: (
        figures.rate(other.format(database)) / figures.rate(_import(ROWS, database), "rows_per_s")
    )


def _import_growth(rows: int) -> Measure:
    def measure(figures: Figures, database: str) -> float:
        found = figures.cases[_import(rows, database)]
        return float(found["rss_peak_mb"] - found["rss_start_mb"])

    return measure


def _queue_times(other: str) -> Measure:
    return lambda figures, database: (
        figures.rate(f"queue {other}", "done_per_s") / figures.rate(f"queue maktab {database}", "done_per_s")
    )


def _slowest_start(figures: Figures, database: str) -> float:
    return float(max(figures.cases[f"queue maktab {database}"]["idle_latency_ms"]))


def _busy(figures: Figures, database: str) -> float:
    busy, idle = (figures.get(op, figures.largest, database, figure="p95") for op in ("list_busy", "list_first"))
    return busy / idle


BOTH = ("sqlite", "pg")
GOALS: tuple[tuple[str, str, Measure, tuple[float, float]], ...] = (
    ("P1", "a list's growth from 10 k to 1 M orders", _growth, (1.3, 1.3)),
    ("P1", "a list, times the floor", _times("floor", *FLOOR_LISTS), (5, 5)),
    ("P1", "first page, times Django admin", _times("django-admin", "list_first"), (1 / 12, 1 / 12)),
    ("P1", "page at half depth, times Django admin", _times("django-admin", "list_mid"), (1 / 100, 1 / 100)),
    ("P2", "part of a text, times the floor", _times("floor", *PARTS), (2, 2)),
    ("P2", "a search, times Django admin", _times("django-admin", *PARTS, *WHOLE), (1 / 18, 1 / 18)),
    ("P2", "a search, times Flask-Admin", _times("flask-admin", *PARTS, *WHOLE), (1 / 18, 1 / 18)),
    ("P2", "a whole number or e-mail, ms", _worst(*WHOLE), (12, 12)),
    ("P3", "order page, times Django admin", _times("django-admin", "detail"), (1 / 3, 1 / 3)),
    ("P3", "order page, times Flask-Admin", _times("flask-admin", "detail"), (1 / 40, 1 / 40)),
    ("P4", "10,000 orders, ms", _worst("bulk_10000"), (1000, 1000)),
    ("P4", "10,000 orders, times Django admin", _times("django-admin", "bulk_10000"), (1 / 8, 1 / 8)),
    ("P4", "10,000 orders, times the floor", _times("floor", "bulk_10000"), (12, 8)),
    ("P4", "answer to the click, ms", _worst("bulk_click"), (50, 50)),
    ("P4", "longest write lock, ms", _worst("bulk_lock_held", figure="max"), (50, 50)),
    ("P5", "export of 100,000 orders, times the floor", _times("floor", "export_100k"), (3, 3)),
    ("P5", "export of 100,000 orders, times Flask-Admin", _times("flask-admin", "export_100k"), (1 / 15, 1 / 15)),
    ("P5", "growth of memory at 100,000 orders, MB", _export_growth("100k_mb"), (10, 10)),
    ("P5", "growth of memory at 1 M orders, MB", _export_growth("all_mb"), (10, 10)),
    ("P6", "seconds a row, times the floor", _import_times("import_floor_{}"), (10, 6)),
    ("P6", "seconds a row, times django-import-export", _import_times("import_django_import_export"), (1 / 12, 1 / 12)),
    ("P6", "growth of memory at 150 k rows, MB", _import_growth(ROWS), (30, 30)),
    ("P6", "growth of memory at 1.5 M rows, MB", _import_growth(10 * ROWS), (30, 30)),
    ("P8", "CPU of the web workers a list page, ms", _worst("list_first", figure="cpu"), (7, 7)),
    ("P8", "Django admin's requests/s, times ours, 10 k", _requests(SMALLEST), (1 / 4, 1 / 4)),
    ("P8", "Django admin's requests/s, times ours, 1 M", _requests(LARGEST), (1 / 20, 1 / 20)),
    ("P9", "jobs/s of Celery with Redis, times ours", _queue_times("celery"), (1, 1)),
    ("P9", "jobs/s of bare huey, times ours", _queue_times("huey-sqlite"), (3, 3)),
    ("P9", "rows of a bulk action noted, ms", _worst("bulk_noted", figure="max"), (1000, 1000)),
    ("P9", "a job's start after 4 s idle, ms", _slowest_start, (100, 100)),
    ("P12", "p95 of the first page while jobs run, times idle", _busy, (3, 3)),
)
"""Goal, what is measured (the worst case), how, and the most that it may be on SQLite and PostgreSQL."""


def judge(figures: Figures) -> Iterator[Line]:
    for goal, what, measure, limits in GOALS:
        for database, limit in zip(BOTH, limits, strict=True):
            try:
                found = measure(figures, database)
            except KeyError:
                yield Line(goal, what, database, "", _said(limit), None)
            else:
                is_judged = figures.largest >= LARGEST
                yield Line(goal, what, database, _said(found), _said(limit), found <= limit if is_judged else None)


def _said(value: float) -> str:
    return f"1/{1 / value:.1f}" if 0 < value < 1 else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def report(scratch: Path, harness: Path, about: Mapping[str, Any]) -> int:
    """Write SCRATCH/report.md and report.json from the results; exit code 1 when an operation failed."""
    text = (scratch / "results.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    figures = Figures(lines)
    judged, machine = list(judge(figures)), {**_machine(lines), **about}
    whole = {"machine": machine, "goals": [asdict(one) for one in judged], "results": lines}
    (scratch / "report.json").write_text(json.dumps(whole, indent=1))
    command = [sys.executable, str(harness / "report.py"), str(scratch)]
    tables = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (scratch / "report.md").write_text(_markdown(machine, judged, figures) + tables)
    print((scratch / "report.md").read_text())
    return 1 if figures.failed else 0


def _machine(lines: list[dict[str, Any]]) -> dict[str, Any]:
    loads = [one["loadavg"] for one in lines if "loadavg" in one]
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"), "cpus": os.cpu_count(), "system": platform.platform(),
        "python": platform.python_version(), "load_average": statistics.median(loads) if loads else None,
    }  # fmt: skip


def _markdown(machine: Mapping[str, Any], judged: list[Line], figures: Figures) -> str:
    marks = {True: "yes", False: "**no**", None: ""}
    text = ["# Performance of one run", "", ", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    text += ["| goal | what | database | measured | at most | reached |", "| --- | --- | --- | --- | --- | --- |"]
    for one in judged:
        cells = (one.goal, one.what, one.database, one.measured, one.wanted, marks[one.is_reached])
        if one.measured:
            text.append(f"| {' | '.join(cells)} |")
    left = dict.fromkeys(f"{one.goal} {one.what} ({one.database})" for one in judged if not one.measured)
    text += ["", f"Not measured: {'; '.join(left) or 'nothing'}."]
    if figures.largest < LARGEST:
        text += ["", "No goal is judged: they are set for a million orders."]
    text += [f"\n**Failed**: {json.dumps(failure)}" for failure in figures.failed]
    return "\n".join(text) + "\n"
