"""Who may work on a job: claims with a lease and a random token, on one clock."""

from __future__ import annotations

import functools
import os
import secrets
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import peewee

from core import db, runtime
from core.db import bulk, utcnow
from core.errors import MaktabError
from core.jobs.models import Job

_MANY = 1_000_000  # attempts; no job has so many


class LeaseLost(MaktabError):
    """Another worker took the job over; roll back, its result is the one that counts."""


def moment(seconds: float = 0) -> Any:
    """Now plus `seconds` on the one clock of the install: PostgreSQL's, or with SQLite the host's own."""
    if not db.is_postgres():
        return utcnow() + timedelta(seconds=seconds)
    return peewee.fn.timezone("UTC", peewee.fn.clock_timestamp()) + peewee.fn.make_interval(0, 0, 0, 0, 0, 0, seconds)


def now() -> datetime:
    """The present moment by that clock, as a value."""
    if not db.is_postgres():
        return utcnow()
    return Job.due_at.python_value(_CLOCK.run().fetchone()[0])  # type: ignore[return-value]


_CLOCK = db.Kept(lambda: peewee.Select(columns=[moment(0)]))


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
    """Take the oldest due job, or the one just made; None when there is none."""
    return next(iter(claim_some(1, job_id)), None)


def claim_some(most: int, job_id: int | None = None) -> list[Job]:
    """Take the oldest due jobs, `most` at most: lease, one new token for them, one attempt more for each.

    What was tried before comes alone: the worker may have died of it, and the others must not die with it each time.
    """
    found, take = (_FIND_DUE, _TAKE_DUE) if job_id is None else (_FIND_NEW, _TAKE_NEW)
    asked: dict[str, Any] = {"now": _bound(0), "id": job_id}
    oldest = found.run(**asked).fetchall()
    if not oldest:  # a plain read: no write lock for nothing
        return []
    alone = most == 1 or oldest[0][1] > 0
    asked |= {"most": 1, "tried": _MANY} if alone else {"most": most, "tried": 0}
    end = _bound(runtime.current().settings.job_lease_s)
    given = {"token": secrets.token_hex(8), "worker": worker_id(), "started_at": Job.started_at.db_value(utcnow())}
    (taken,) = bulk.records_in(take.run(**asked, **given, end=end).fetchall(), Job)
    return sorted(taken, key=lambda job: job.id)


def _moment_slot(name: str) -> Any:
    return moment(db.slot(name)) if db.is_postgres() else db.slot(name)


def _bound(seconds: float) -> Any:
    """What goes into the slot of `_moment_slot` for now plus `seconds`."""
    return seconds if db.is_postgres() else Job.due_at.db_value(moment(seconds))


def _due(*fields: Any) -> Any:
    return Job.select(Job.id, *fields).where(Job.due_at <= _moment_slot("now")).order_by(Job.due_at, Job.id)


def _new(*fields: Any) -> Any:
    return Job.select(Job.id, *fields).where(Job.id == db.slot("id"), Job.status == "waiting")


def _take(wanted: Any) -> Any:
    taken = {
        "status": "running", "due_at": _moment_slot("end"), "token": db.slot("token"), "worker": db.slot("worker"),
        "attempts": Job.attempts + 1, "started_at": db.slot("started_at"),
        "started_from": Job.done + Job.failed + Job.skipped,
    }  # fmt: skip
    some = wanted.where(Job.attempts <= db.slot("tried")).limit(db.slot("most"))
    if db.is_postgres():  # as an array, which is made once: PostgreSQL may run a subselect again, and lock more
        these = Job.id == peewee.fn.ANY(peewee.fn.ARRAY(some.for_update(skip_locked=True)))
    else:
        these = Job.id.in_(some)
    return Job.update(taken).where(these).returning(*Job._meta.sorted_fields)


_FIND_DUE, _FIND_NEW = db.Kept(lambda: _due(Job.attempts).limit(1)), db.Kept(lambda: _new(Job.attempts))
_TAKE_DUE, _TAKE_NEW = db.Kept(lambda: _take(_due())), db.Kept(lambda: _take(_new()))


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


def give_back(jobs: Sequence[Job]) -> None:
    """Claimed, but not begun: as if they had not been claimed."""
    for token in {job.token for job in jobs}:
        mine = [job.id for job in jobs if job.token == token]
        _free((Job.token == token) & Job.id.in_(mine), attempts=Job.attempts - 1)


def free_dead() -> int:
    """Take leases from killed workers of this host, so that nobody waits for their ends."""
    holders = [job.worker for job in Job.select(Job.worker).where(Job.status == "running").distinct()]
    dead = [worker for worker in holders if _is_dead(worker)]
    return _free(Job.worker.in_(dead)) if dead else 0
