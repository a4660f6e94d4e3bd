"""Commands for plugins, imports and exports, jobs and the audit log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from core import audit, jobs, plugins, transfer
from core.cli.foreground import run_import
from core.cli.frame import REJECTED_ROWS, command, context, show
from core.errors import MaktabError
from core.resources import Selection
from core.runtime import current


@command("plugin list")
def list_plugins() -> Any:
    """All plugins that are there, with their state."""
    shown = ("name", "version", "status", "error")
    return [{name: getattr(each, name) for name in shown} for each in plugins.status()]


@command("plugin enable")
def enable(name: str) -> str:
    """Switch a plugin on, in every running process."""
    plugins.enable(context(), name)
    return f"{name} is on."


@command("plugin disable")
def disable(name: str) -> str:
    """Switch a plugin off, in every running process; its data stay."""
    plugins.disable(context(), name)
    return f"{name} is off."


@command("import")
def import_(resource: str, file: Path, *, mapping: str = "", dry_run: bool = False) -> None:
    """Import FILE (CSV, XLSX, JSON lines) into RESOURCE. Exit code 3 when rows were rejected.

    --mapping: a format, a saved mapping or a JSON file; without it the file's header decides.
    --dry-run: say what would happen and change nothing.
    """
    result = run_import(resource, file, mapping, dry_run)
    if result["state"] not in ("validated", "completed", "completed_with_errors"):
        raise MaktabError(result["error"] or f"The import ended as {result['state']}.")
    show(result)
    if result["rejected"]:
        sys.exit(REJECTED_ROWS)


@command("export")
def export(resource: str, *, out: Path, filter: tuple[str, ...] = (), search: str = "") -> Any:
    """Export all records of RESOURCE that match into a file: --out NAME.csv, .xlsx or .jsonl.

    --filter NAME=VALUE as in the address of the list; may be repeated.
    """
    format = out.suffix.lstrip(".").lower()
    if format not in ("csv", "xlsx", "jsonl") or not all("=" in each for each in filter):
        raise click.UsageError("--out needs a name that ends in .csv, .xlsx or .jsonl; --filter is NAME=VALUE.")
    asked = dict(each.split("=", 1) for each in filter)
    selection = Selection(resource, everything=True, filters=asked, search=search)
    draft = out.with_name(out.name + ".part")  # a broken export leaves no file that looks whole
    with draft.open("wb") as stream:
        rows = transfer.export_rows(context(), current().resource(resource), selection, format, stream)
    draft.replace(out)
    return {"file": out, "records": rows}


def _job(found: jobs.Job) -> dict[str, Any]:
    shown = ("id", "kind", "title", "status", "done", "failed", "total", "attempts", "created_at", "error")
    return {name: getattr(found, name) for name in shown}


@command("job list")
def list_jobs(*, limit: int = 20) -> Any:
    """The last jobs."""
    return [_job(each) for each in jobs.visible(context().actor).limit(limit)]


@command("job show")
def show_job(number: int) -> Any:
    """One job with its result and log."""
    found = jobs.find(context(), number)
    return _job(found) | {"result": found.result, "log": found.log}


@command("job retry")
def retry(number: int) -> Any:
    """Run the failed rows of a job again."""
    return _job(jobs.retry_failed(context(), jobs.find(context(), number)))


@command("job cancel")
def cancel(number: int) -> Any:
    """Stop a job after the rows it works on."""
    jobs.cancel(context(), jobs.find(context(), number))
    return _job(jobs.find(context(), number))


@command("audit verify")
def verify() -> Any:
    """Recompute the chain; exit code 1 when it does not hold."""
    audit.seal()  # without a worker the last entries wait, and that alone is no tampering
    report = audit.verify()
    if not report.ok:
        raise MaktabError(f"The audit chain does not hold: {report.problem} (at {report.at}).")
    return {"ok": True, "checked": report.checked}


@command("audit export")
def export_audit(*, out: Path, format: str = "jsonl") -> Any:
    """Write all entries to a file; --format jsonl or csv."""
    if format not in ("jsonl", "csv"):
        raise click.UsageError("--format is jsonl or csv.")
    with out.open("w", encoding="utf-8", newline="") as stream:
        return {"file": out, "entries": audit.export(stream, "csv" if format == "csv" else "jsonl")}
