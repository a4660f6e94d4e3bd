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
from core.plugins import hangs

_MANY = 1_000_000  # attempts; no job has so many


class LeaseLost(MaktabError):
    """Another worker took the job over; roll back, its result is the one that counts."""


def moment(seconds: float = 0) -> datetime:
    """Now plus `seconds` on the one clock of the install: PostgreSQL's, or with SQLite the host's own."""
    present: Any = Job.due_at.python_value(_CLOCK.run().fetchone()[0]) if db.is_postgres() else utcnow()
    return present + timedelta(seconds=seconds)  # type: ignore[no-any-return]


_CLOCK = db.Kept(lambda: peewee.Select(columns=[peewee.fn.timezone("UTC", peewee.fn.clock_timestamp())]))


def lease_end() -> datetime:
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
    return not hangs.is_alive(int(pid)) if born == "?" else _born(int(pid)) != born


def put_back(seconds: float) -> None:
    """The host's clock went back by `seconds`: what was due by the old time is due, and need not wait for it again."""
    if not db.is_postgres():
        Job.update(due_at=moment()).where(Job.status == "waiting", Job.due_at <= moment(seconds)).execute()


def tried_of_next() -> int | None:
    """How often the oldest due job was tried (waiting and due, or running with an expired lease); None: there is none.

    A plain read: no write lock for nothing.
    """
    found = _NEXT.run(now=Job.due_at.db_value(moment())).fetchall()
    return found[0][0] if found else None


def claim(job_id: int | None = None) -> Job | None:
    """Take the oldest due job, or the one just made; None when there is none."""
    if job_id is None:
        return next(iter(claim_some(1)), None)
    wanted = Job.select(Job.id).where(Job.id == job_id, Job.status == "waiting")
    return next(iter(_taken(db.Kept(lambda: _take(wanted)), 1)), None)


def claim_some(most: int) -> list[Job]:
    """Take the oldest due jobs, `most` at most: lease, one new token for them, one attempt more for each.

    What was tried before comes alone: the worker may have died of it, and the others must not die with it each time.
    """
    tried = tried_of_next()
    if tried is None:
        return []
    return _taken(_TAKE, 1) if most == 1 or tried else _taken(_TAKE, most, 0)


def _taken(take: db.Kept, most: int, tried: int = _MANY) -> list[Job]:
    """The jobs that `take` gives, of those that were tried at most `tried` times."""
    now = moment()
    end = now + timedelta(seconds=runtime.current().settings.job_lease_s)
    times = {"now": now, "end": end, "started_at": utcnow()}
    bound = {name: Job.due_at.db_value(time) for name, time in times.items()}
    rows = take.run(most=most, tried=tried, token=secrets.token_hex(8), worker=worker_id(), **bound).fetchall()
    (jobs,) = bulk.records_in(rows, Job)
    return sorted(jobs, key=lambda job: job.id)


def _due(field: Any) -> Any:
    return Job.select(field).where(Job.due_at <= db.slot("now")).order_by(Job.due_at, Job.id)


def _take(wanted: Any) -> Any:
    taken = {
        "status": "running", "due_at": db.slot("end"), "token": db.slot("token"), "worker": db.slot("worker"),
        "attempts": Job.attempts + 1, "started_at": db.slot("started_at"),
        "started_from": Job.done + Job.failed + Job.skipped,
    }  # fmt: skip
    some = wanted.where(Job.attempts <= db.slot("tried")).limit(db.slot("most"))
    if db.is_postgres():  # as an array, which is made once: PostgreSQL may run a subselect again, and lock more
        these = Job.id == peewee.fn.ANY(peewee.fn.ARRAY(some.for_update(skip_locked=True)))
    else:
        these = Job.id.in_(some)
    return Job.update(taken).where(these).returning(*Job._meta.sorted_fields)


_NEXT, _TAKE = db.Kept(lambda: _due(Job.attempts).limit(1)), db.Kept(lambda: _take(_due(Job.id)))


def is_any_working() -> bool:
    """Whether a worker holds a job and has renewed its lease."""
    return bool(Job.select().where(Job.status == "running", Job.due_at > moment()).exists())


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
    """Claimed together, but not begun: as if they had not been claimed."""
    if jobs:
        mine = (Job.token == jobs[0].token) & Job.id.in_([job.id for job in jobs])
        _free(mine, attempts=Job.attempts - 1)


def free_dead() -> int:
    """Take leases from killed workers of this host, so that nobody waits for their ends."""
    holders = [job.worker for job in Job.select(Job.worker).where(Job.status == "running").distinct()]
    dead = [worker for worker in holders if _is_dead(worker)]
    return _free(Job.worker.in_(dead)) if dead else 0
