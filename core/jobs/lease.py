"""Who may work on a job: claims with a lease and a random token, on one clock."""

from __future__ import annotations

import functools
import os
import secrets
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import peewee

from core import db, runtime
from core.db import utcnow
from core.errors import MaktabError
from core.jobs.models import Job


class LeaseLost(MaktabError):
    """Another worker took the job over; roll back, its result is the one that counts."""


def moment(seconds: float = 0) -> Any:
    """Now plus `seconds` on the one clock of the install: PostgreSQL's, or with SQLite the host's own."""
    if not db.is_postgres():
        return utcnow() + timedelta(seconds=seconds)
    return peewee.fn.timezone("UTC", peewee.fn.clock_timestamp()) + peewee.fn.make_interval(0, 0, 0, 0, 0, 0, seconds)


def lease_end() -> Any:
    return moment(runtime.current().settings.job_lease_s)


def _born(pid: int) -> str:
    """When the process began, in ticks since boot ("" when nobody has that number, "?" where /proc is missing)."""
    if not Path("/proc/self/stat").exists():
        return "?"
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


@functools.cache
def host() -> str:
    """This machine and its process numbers: two containers may share a host name, never the name space of pids."""
    try:
        return f"{socket.gethostname()}/{Path('/proc/self/ns/pid').readlink()}"[:140]
    except OSError:
        return socket.gethostname()[:140]


def worker_id() -> str:
    return f"{host()}|{os.getpid()}|{_born(os.getpid())}"


def _is_dead(worker: str) -> bool:
    place, pid, born = worker.split("|")
    if place != host():
        return False
    if born != "?":
        return _born(int(pid)) != born
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    return False


def due() -> Any:
    """Jobs that a worker may take now: waiting and due, or running with an expired lease."""
    return Job.select(Job.id).where(Job.due_at <= moment()).order_by(Job.due_at, Job.id)


def put_back(seconds: float) -> None:
    """The host's clock went back by `seconds`: what was due by the old time is due, and need not wait for it again."""
    if not db.is_postgres():
        Job.update(due_at=moment()).where(Job.status == "waiting", Job.due_at <= moment(seconds)).execute()


def claim(job_id: int | None = None) -> Job | None:
    """Take the oldest due job, or the one just made: lease, new token, one attempt more. None when there is none."""
    wanted = (due() if job_id is None else Job.select(Job.id).where(Job.id == job_id, Job.status == "waiting")).limit(1)
    if not wanted.exists():  # a plain read: no write lock for nothing
        return None
    taken = {
        "status": "running", "due_at": lease_end(), "token": secrets.token_hex(8), "worker": worker_id(),
        "attempts": Job.attempts + 1, "started_at": utcnow(), "started_from": Job.done + Job.failed + Job.skipped,
    }  # fmt: skip
    one = wanted.for_update(skip_locked=True) if db.is_postgres() else wanted
    claimed: list[Job] = list(Job.update(taken).where(Job.id == one).returning(Job).execute())
    return claimed[0] if claimed else None


def renew(ids: list[int]) -> None:
    """Heartbeat: move the ends of this process's leases."""
    if ids:
        mine = (Job.worker == worker_id()) & (Job.status == "running")
        Job.update(due_at=lease_end()).where(Job.id.in_(ids), mine).execute()


def _free(condition: Any, **also: Any) -> int:
    # The token goes too: a thread of the old holder that still lives can no longer save.
    freed = {"status": "waiting", "due_at": moment(), "token": "", "worker": ""}
    return int(Job.update(freed | also).where(Job.status == "running", condition).execute())


def release_all() -> int:
    """A worker that stops gives its jobs back, and the attempts with them."""
    return _free(Job.worker == worker_id(), attempts=Job.attempts - 1)


def free_dead() -> int:
    """Take leases from killed workers of this host, so that nobody waits for their ends."""
    holders = [job.worker for job in Job.select(Job.worker).where(Job.status == "running").distinct()]
    dead = [worker for worker in holders if _is_dead(worker)]
    return _free(Job.worker.in_(dead)) if dead else 0
