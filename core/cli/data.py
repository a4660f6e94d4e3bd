"""Commands for plugins, jobs and the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from core import audit, db, jobs, plugins, trial
from core.builtin import audit_checks
from core.cli.frame import command, context
from core.errors import MaktabError
from core.plugins import watch
from core.settings import load as config


@command("plugin list")
def list_plugins() -> Any:
    """All plugins that are there, with their state."""
    shown = ("name", "version", "status", "error")
    return [{name: getattr(each, name) for name in shown} for each in plugins.status()]


@command("plugin check", bare=True)
def check(name: str) -> str:
    """Load a plugin as `plugin enable` would, and say what is wrong with it; nothing is changed.

    Lines that begin with `hint:` are about what may be right all the same.
    """
    db.connect(config().url)
    watch.start(config().memory_mb, threads=1)
    try:
        hints = trial.examine(config(), name)
    except plugins.PluginFailed as failed:
        raise MaktabError(f"{failed.plugin}: {failed}") from failed
    for hint in hints:
        click.echo(f"hint: {hint}", err=True)
    return f"{name} can be enabled."


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
    report = audit_checks.check(context())
    if report.at is not None:
        raise MaktabError(f"The audit chain does not hold: {report.problem} (at {report.at}).")
    if not report.ok:
        raise MaktabError(f"What is sealed holds, but {report.problem}")
    return {"ok": True, "checked": report.checked}


@command("audit export")
def export_audit(*, out: Path, format: str = "jsonl") -> Any:
    """Write all entries to a file; --format jsonl or csv."""
    if format not in ("jsonl", "csv"):
        raise click.UsageError("--format is jsonl or csv.")
    with out.open("w", encoding="utf-8", newline="") as stream:
        return {"file": out, "entries": audit.export(stream, "csv" if format == "csv" else "jsonl")}
