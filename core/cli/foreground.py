"""A job in the command's own process, under a lease like any worker's."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import click

from core import db, jobs
from core.jobs import lease, run


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
