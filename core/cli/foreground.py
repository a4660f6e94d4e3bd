"""Imports in the command's own process: the same engine and job as an upload, under a lease like any worker's."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from core import db, files, jobs, transfer
from core.cli.frame import context
from core.errors import Invalid
from core.jobs import lease, run
from core.runtime import current


def find_mapping(resource: str, path: Path, name: str) -> tuple[transfer.Mapping, str]:
    """Mapping and format name: known by the file's header, or named (format, saved mapping, JSON file)."""
    if name:
        file = Path(name)
        found = (transfer.Mapping.from_json(json.loads(file.read_text())), "") if file.is_file() else None
        return found or transfer.find_mapping(resource, name)
    preview = transfer.inspect(path)
    if preview.format and preview.format.resource == resource:
        return preview.format.mapping, preview.format.name
    native = transfer.native_mapping(current().resource(resource), preview)
    if native is None:
        names = ", ".join(known.name for known in current().import_formats if known.resource == resource)
        raise Invalid(f"The header of {path.name} is not known: give --mapping ({names or 'a JSON file'}).")
    return native, ""


def run_import(resource: str, path: Path, mapping: transfer.Mapping | str, dry_run: bool = False) -> dict[str, Any]:
    """Import `path` and wait for it; what became of it."""
    current().resource(resource)
    chosen, known = find_mapping(resource, path, mapping) if isinstance(mapping, str) else (mapping, "")
    with path.open("rb") as stream:
        stored = files.store(context(), stream, path.name)

    def start() -> int:
        made = transfer.start(context(), resource, stored.id, chosen, dry_run, file_name=path.name, format=known)
        return int(made.job_id)

    job = run_here(start)
    done = transfer.Import.get(transfer.Import.job_id == job.id)
    counts = ("state", "rows", "total", "created", "updated", "unchanged", "rejected", "rejects_file_id")
    answer = {"import": done.id, "job": job.id, "file": path.name} | {name: getattr(done, name) for name in counts}
    return answer | {"error": done.error or job.error}


def run_here(start: Callable[[], int]) -> jobs.Job:
    """Start a job with `start() -> its id` and run it to its end here; Ctrl-C gives it to the workers."""
    with db.transaction():  # row and claim together: no worker can take it in between
        job = lease.claim(start())
    assert job is not None  # noqa: S101 - the row was made one line above
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(job.id, ended), daemon=True)
    watcher.start()
    try:
        run.execute(job)
    except BaseException:
        lease.release_all()
        raise
    finally:
        ended.set()
        watcher.join()
    return jobs.Job.get_by_id(job.id)  # type: ignore[no-any-return]


def _watch(job_id: int, ended: threading.Event) -> None:
    """Heartbeat of the lease and, on a terminal, a line of progress."""
    while not ended.wait(2):
        lease.renew([job_id])
        if sys.stderr.isatty():
            now = jobs.Job.get_by_id(job_id)
            text = f"\r{now.title}: {now.done + now.failed + now.skipped} of {now.total or '?'}   "
            click.echo(text, err=True, nl=False)
    if sys.stderr.isatty():
        click.echo(err=True)
    db.database.close()
