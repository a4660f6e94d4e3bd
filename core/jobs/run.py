"""One run of a job: what the job function is handed, and what becomes of the row afterwards."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from typing import Any

import peewee

from core import access, db, runtime
from core.auth.models import User
from core.context import NOBODY, SYSTEM, Actor, Context
from core.db import utcnow
from core.errors import MaktabError
from core.i18n import _, remembering, speaking, written
from core.jobs import lease
from core.jobs.lease import LeaseLost
from core.jobs.models import Job, status_after
from core.jobs.told import tell_end

log = logging.getLogger("maktab.jobs")
ATTEMPTS = 8
stopping = threading.Event()
"""Set when this worker ends: jobs go back to the queue at their next `canceled()`."""


class Stopped(BaseException):
    """The worker ends. Not an Exception: a job function's own error handling must not see it."""


class JobRun:
    """What a job function gets. `args`: what it was started with; `state`: its checkpoint, a dict that `save` keeps."""

    def __init__(self, job: Job) -> None:
        self.job, self.args = job, job.args
        self.state: dict[str, Any] = dict(job.checkpoint)
        self.ctx = context_of(job)
        self.was_canceled = False
        self._lines: list[str] = []

    def save(
        self,
        state: dict[str, Any] | None = None,
        done: int | None = None,
        failed: int | None = None,
        total: int | None = None,
        skipped: int | None = None,
    ) -> None:
        """Keep checkpoint and counts (absolute, None = as before) and renew the lease.

        Call it inside the transaction of the work it counts. Raises LeaseLost, which rolls the work back, when
        another worker has taken over.
        """
        self.state = self.state if state is None else dict(state)
        counts = {"done": done, "failed": failed, "total": total, "skipped": skipped}
        changed = {name: value for name, value in counts.items() if value is not None}
        values = changed | {"checkpoint": self.state, "due_at": lease.lease_end()} | self._log()
        if any(value != getattr(self.job, name) for name, value in changed.items()):
            values["attempts"] = changed["attempts"] = 1  # progress: earlier kills do not count against what is left
        _update(self.job, values)
        self.job.__data__.update(changed)

    def canceled(self) -> bool:
        """Ask between chunks, outside a transaction. True: someone canceled, return now. Leaves the job function
        (by Stopped) when the worker ends; the job goes on elsewhere from its checkpoint."""
        if stopping.is_set():
            raise Stopped
        row = Job.select(Job.is_canceling, Job.token).where(Job.id == self.job.id).first()
        if row is None or row.token != self.job.token:
            raise LeaseLost(f"Job {self.job.id} was taken over.")
        self.was_canceled = row.is_canceling
        return self.was_canceled

    def log(self, text: str) -> None:
        """A line for the job page, written with the next `save` or the end; whoever reads it has his own language."""
        lines = written(text).replace("\n", " ")
        self._lines.append(f"{utcnow():%Y-%m-%d %H:%M:%S} {lines}\n")

    def taken_lines(self) -> str:
        lines, self._lines = "".join(self._lines), []
        return lines

    def _log(self) -> dict[str, Any]:
        lines = self.taken_lines()
        return {"log": Job.log.concat(lines)} if lines else {}


def context_of(job: Job) -> Context:
    """The starter's context, with the rights that he has now."""
    kept = dict(job.context)
    user_id, name = kept.pop("user_id"), kept.pop("actor")
    if user_id is None:
        return Context(actor=SYSTEM if name == SYSTEM.name else NOBODY, **kept | {"source": "job"})
    active = User.select().where(User.id == user_id, User.is_active).exists()
    grants = access.grants_of([user_id])[user_id] if active else ()
    return Context(actor=Actor(user_id, name, grants), **kept | {"source": "job"})


def _update(job: Job, values: dict[str, Any]) -> None:
    mine = (Job.id == job.id) & (Job.token == job.token) & (Job.status == "running")
    if not Job.update(values).where(mine).execute():
        raise LeaseLost(f"Job {job.id} was taken over by another worker.")


_End = tuple[JobRun, dict[str, Any]]


class Ends:
    """Ends of jobs, written together: a transaction for each takes longer than a short job itself."""

    def __init__(self) -> None:
        self._waiting: list[_End] = []
        self._lock = threading.Lock()

    def add(self, run: JobRun, status: str, result: Any = None, error: str = "") -> None:
        values = {"status": status, "result": result, "error": error, "finished_at": utcnow()}
        bound = {name: Job._meta.fields[name].db_value(value) for name, value in values.items()}
        with self._lock:
            self._waiting.append((run, bound | {"id": run.job.id, "token": run.job.token}))

    def write(self) -> None:
        """From any thread. Jobs that another worker has taken over are left to it."""
        with self._lock:
            ended, self._waiting = self._waiting, []
        if ended:
            _write(ended)


def _write(ended: Sequence[_End]) -> None:
    try:
        with db.transaction():
            for run, values in ended:
                if _end.run(**values, log=run.taken_lines()).rowcount:
                    tell_end(run.job, values["status"])
                else:
                    log.warning("Job %s was taken over by another worker.", run.job.id)
    except (peewee.DataError, peewee.IntegrityError, UnicodeError) as problem:  # a result that the database cannot hold
        if len(ended) == 1:
            _retry_or_bury(ended[0][0], problem)
            return
        for one in ended:
            _write([one])


@db.Kept
def _end() -> Any:
    names = ("status", "result", "error", "finished_at")
    values = {name: db.slot(name) for name in names}
    values |= {"due_at": None, "token": "", "log": Job.log.concat(db.slot("log"))}
    return Job.update(values).where(Job.id == db.slot("id"), Job.token == db.slot("token"), Job.status == "running")


def _retry_or_bury(run: JobRun, problem: BaseException) -> None:
    """Back-off 3 s x 4^n with jitter: eight attempts take about four hours."""
    # The class alone: messages of unknown errors may carry personal data or secrets. The log has the whole chain.
    about = {"kind": type(problem).__name__, "id": run.job.id}
    with speaking(run.ctx.locale), remembering():
        text = _("Unexpected error (%(kind)s); details are in the server log under job %(id)s.", **about)
    if run.job.attempts >= ATTEMPTS:
        dead = {"status": "dead", "due_at": None, "finished_at": utcnow(), "token": "", "error": text}
        with db.transaction():
            _update(run.job, dead)
            tell_end(run.job, "dead")
        return
    delay = 3 * 4 ** (run.job.attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - only to spread
    waiting = {"status": "waiting", "due_at": lease.moment(delay), "token": "", "worker": "", "error": text}
    _update(run.job, waiting | run._log())


def unpark() -> None:
    """Jobs whose plugin is back may run."""
    Job.update(status="waiting", due_at=lease.moment()).where(
        Job.status == "parked", Job.plugin.in_(["core", *runtime.current().running])
    ).execute()


def execute(job: Job, ends: Ends | None = None) -> None:
    """Run a claimed job to its end, which is written at once, or with others by the holder of `ends`.

    Never raises for what the job does; Stopped and LeaseLost leave the row alone.
    """
    if not {job.plugin, job.kind.split(".", 1)[0]} <= {"core", *runtime.current().running}:  # whose records and work
        _update(job, {"status": "parked", "due_at": None, "token": "", "worker": "", "attempts": Job.attempts - 1})
        return
    run, together = JobRun(job), Ends() if ends is None else ends
    try:
        if job.attempts > ATTEMPTS:
            with speaking(run.ctx.locale), remembering():
                error = _("%(n)s workers died while they ran it; the server log says why.", n=ATTEMPTS)
            together.add(run, "dead", error=error)
        else:
            _work(run, together)
        if ends is None:
            together.write()
    except LeaseLost as lost:
        log.warning("%s", lost)


def _work(run: JobRun, ends: Ends) -> None:
    kind = runtime.current().jobs.get(run.job.kind)
    try:
        with speaking(run.ctx.locale, digits=run.ctx.digits), remembering():
            if kind is None:
                raise MaktabError(_("There is no job %(kind)s in this version.", kind=run.job.kind))
            result = kind.run(run)
        status = "canceled" if run.was_canceled else status_after(run.job.done, run.job.failed)
        ends.add(run, status, result)
    except LeaseLost:
        raise
    except MaktabError as refusal:
        ends.add(run, "failed", error=str(refusal))
    except (Exception, SystemExit) as problem:  # the border: whatever a job raises must not end the worker
        log.exception("job %s (%s) failed", run.job.id, run.job.kind)
        _retry_or_bury(run, problem)
