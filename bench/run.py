"""The whole matrix in one run: Maktab beside floor, Django admin and stock Flask-Admin, on both databases.

    .venv/bin/python bench/run.py                       # 10,000 orders, as `make bench` and CI do
    .venv/bin/python bench/run.py --size 1m,100k,10k    # all that docs/performance.md asks for

Needs the harness; README.md beside this file says more. What else is missing is made in the scratch folder and kept
there. The answer is SCRATCH/report.md and report.json; exit code 1 when an operation failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import cases
import goals
import load
import servers

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
TARGETS = ("floor", "django-admin", "flask-admin", "maktab")
# What the harness's setup_peers.sh installs, without the peers that are not compared here.
PEERS = (
    "django==5.2.*", "django-import-export", "flask==3.1.*", "flask-admin==2.2.*", "peewee==4.5.*", "wtf-peewee",
    "psycopg[binary]", "psycopg2-binary", "gunicorn", "psutil", "huey==3.5.*", "redis", "celery", "packaging",
)  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """One run over `sizes`. `pg`: libpq DSN without a database name; empty: SQLite alone."""

    harness: Path
    scratch: Path
    pg: str
    sizes: Sequence[int]
    targets: list[str]
    only: str = ""

    @property
    def needs_peers(self) -> bool:
        return self.targets != ["maktab"]

    @property
    def python(self) -> str:
        """What the harness runs in: where the peers are, or ours when none is asked for."""
        return str(self.scratch / "venv" / "bin" / "python") if self.needs_peers else sys.executable

    @property
    def results(self) -> Path:
        return self.scratch / "results.jsonl"

    @property
    def databases(self) -> list[str]:
        return ["", self.pg] if self.pg else [""]

    def call(self, script: str, *arguments: object, environ: dict[str, str] | None = None) -> int:
        """Run a script of the harness; its exit code. One that fails leaves a line in the results."""
        command = [self.python, str(self.harness / script), str(self.scratch), *map(str, arguments)]
        adapter = str(Path(__file__).with_name("adapter.py"))
        given = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "BENCH_ADAPTER": adapter} | (environ or {})
        code = subprocess.run(command, env=given, check=False, cwd=self.harness).returncode
        if code:
            with self.results.open("a") as out:
                out.write(json.dumps({"case": " ".join(command[1:]), "error": f"exit code {code}"}) + "\n")
        return code


def run(bench: Bench) -> None:
    if bench.needs_peers:
        _install_peers(bench)
    bench.results.unlink(missing_ok=True)
    for rows in bench.sizes:
        _make_data(bench, rows)
        for pg in bench.databases:
            for target in bench.targets:
                _time(bench, target, rows, pg)
    if not bench.only:
        _time_without_http(bench)


def _install_peers(bench: Bench) -> None:
    if not (bench.scratch / "venv" / "bin" / "gunicorn").exists():
        venv.create(bench.scratch / "venv", with_pip=True)
        subprocess.run([bench.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PEERS], check=True)


def _make_source(bench: Bench, rows: int) -> None:
    """The harness's own data."""
    made = bench.scratch / f"made_{rows}_{'both' if bench.pg else 'sqlite'}"
    if not made.exists():
        if bench.call("data.py", rows, *(["--pg", bench.pg] if bench.pg else [])):
            sys.exit("The harness could not make its data.")
        made.touch()


def _make_data(bench: Bench, rows: int) -> None:
    """The harness's data, and Maktab's from the same."""
    _make_source(bench, rows)
    for pg in bench.databases:
        done = load.load(load.Place(bench.scratch, rows, pg))
        print(f"Maktab, {rows} orders, {'pg' if pg else 'sqlite'}: {done['seconds']} s", flush=True)


def _time(bench: Bench, target: str, rows: int, pg: str) -> None:
    port, seconds = servers.free_port(), (2 if rows < 100_000 else 5) if shutil.which("wrk") else 0
    given = [target, rows, "pg" if pg else "sqlite", "--pg", pg, "--port", port, "--load", seconds]
    given += ["--only", bench.only] if bench.only else []
    if target != "maktab":
        bench.call("bench.py", *given)
        return
    with servers.maktab(load.Place(bench.scratch, rows, pg), port) as running:
        bench.call("bench.py", *given, environ=running.environ())


def _time_without_http(bench: Bench) -> None:
    """Imports, exports, jobs; in a small run ours alone, the peers' take longer than all the rest."""
    rows = max(bench.sizes)
    if rows > SIZES["10k"] and bench.needs_peers:
        _time_peers_without_http(bench)
    for pg in bench.databases:
        cases.run(load.Place(bench.scratch, rows, pg), bench.results)


def _time_peers_without_http(bench: Bench) -> None:
    _make_source(bench, SIZES["10k"])  # what the harness's own cases read
    micro = ["--pg", bench.pg] if bench.pg else []
    kinds = "import_floor_sqlite,import_django_import_export" + (",import_floor_pg" if bench.pg else "")
    bench.call("micro.py", "io", *micro, "--only", kinds)
    with servers.redis(bench.scratch) as port:
        if port:
            bench.call("micro.py", "queue", "--redis", port, "--only", "celery,huey-sqlite")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = os.environ.get("BENCH_HARNESS") or load.ROOT.parent / "shared" / "bench"
    options.add_argument("--size", default="10k", help="10k, 100k, 1m; several with commas")
    options.add_argument("--harness", type=Path, default=shared, help="its folder [BENCH_HARNESS]")
    options.add_argument("--scratch", type=Path, default=load.ROOT / ".bench", help="where everything is kept")
    options.add_argument("--pg", default="", help="libpq DSN without dbname; empty: a cluster of our own; none")
    options.add_argument("--targets", default=",".join(TARGETS))
    options.add_argument("--only", default="", help="operations, with commas; nothing else is timed then")
    given = options.parse_args()
    if not (given.harness / "bench.py").exists():
        sys.exit(f"The harness is not at {given.harness}: give --harness or BENCH_HARNESS.")
    scratch = given.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    own = servers.postgres(scratch) if not given.pg else nullcontext("" if given.pg == "none" else given.pg)
    with own as pg:
        sizes = sorted((SIZES[name] for name in given.size.lower().split(",")), reverse=True)
        run(Bench(given.harness, scratch, pg, sizes, given.targets.split(","), given.only))
    sys.exit(goals.report(scratch, given.harness, {"sizes": given.size}))


if __name__ == "__main__":
    main()
