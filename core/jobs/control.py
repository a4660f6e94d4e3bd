"""Starting, reading, canceling and repeating jobs. The row comes first; the bell rings after the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core import access, audit, bell, db, runtime
from core.changes import Change
from core.context import Actor, Context
from core.db import bulk
from core.errors import Conflict, NotFound
from core.i18n import _, packed
from core.jobs import lease
from core.jobs.models import Job, JobItem

VIEW_ALL, MANAGE = "core.job.view_all", "core.job.manage"
_SET = 500  # rows of one INSERT


def enqueue(
    ctx: Context,
    kind: str,
    args: Mapping[str, Any],
    *,
    title: Any = "",
    key: str | None = None,
    run_at: datetime | None = None,
    resource: str = "",
    total: int | None = None,
    permission: str = "",
) -> Job:
    """Note a job; a worker starts it within 100 ms of the commit. With a `key` that exists, gives that job instead.

    `permission` (default: the kind's): demanded now, and of whoever cancels or repeats the job.
    """
    about, due_at = row(ctx, kind, title, resource, permission), run_at or lease.moment()
    job = Job(key=key, total=total, args=dict(args), due_at=due_at, **about)
    with db.transaction():
        db.after_commit(bell.ring)
        made = bulk.insert_returning(Job, [job.__data__], ignore=True)
    if not made:
        return Job.get(Job.key == key)  # type: ignore[no-any-return]
    job.id = made[0]
    return job


def enqueue_many(ctx: Context, kind: str, many: Sequence[Mapping[str, Any]]) -> list[int]:
    """A job for each of `many` arguments, in one transaction with one ring of the bell; their ids in that order."""
    ids: list[int] = []
    with db.transaction():
        db.after_commit(bell.ring)
        values = row(ctx, kind) | {"due_at": lease.moment()}
        for start in range(0, len(many), _SET):
            ids += bulk.insert_returning(Job, [values | {"args": args} for args in many[start : start + _SET]])
    return ids


def row(ctx: Context, kind: str, title: Any = "", resource: str = "", permission: str = "") -> dict[str, Any]:
    """What a job's row says about its kind and its starter. Raises Forbidden."""
    known = runtime.current().jobs.get(kind)
    permission = permission or (known.permission if known else "")
    if permission:
        access.demand(ctx.actor, permission)
    return {
        "kind": kind, "plugin": (resource or kind).split(".", 1)[0], "resource": resource, "permission": permission,
        "user_id": ctx.actor.user_id, "context": ctx.to_json(),
    } | titled(title or (known.title if known else "") or kind)  # fmt: skip


def titled(title: Any) -> dict[str, Any]:
    """The columns of a title; a lazy translation is kept by its parts, too."""
    parts = packed(title)
    return {"title": str(title), "title_parts": None if isinstance(parts, str) else parts}


def visible(actor: Actor) -> Any:
    """Jobs that `actor` may see, newest first: all with core.job.view_all, else his own."""
    jobs = Job.select().order_by(Job.id.desc())
    return jobs if actor.can(VIEW_ALL) else jobs.where(Job.user_id == actor.user_id, Job.user_id.is_null(False))


def find(ctx: Context, job_id: int) -> Job:
    """The job, if `ctx.actor` may see it; else NotFound."""
    job = visible(ctx.actor).where(Job.id == job_id).first()
    if job is None:
        raise NotFound(_("There is no job %(id)s, or it is not yours.", id=job_id))
    return job  # type: ignore[no-any-return]


def check_may_change(ctx: Context, job: Job) -> None:
    if job.user_id is None or job.user_id != ctx.actor.user_id:
        access.demand(ctx.actor, MANAGE)
    if job.permission:
        access.demand(ctx.actor, job.permission)


def cancel(ctx: Context, job: Job) -> None:
    """Stop `job`: at once when it waits or is a dead letter, else after its present chunk. Done rows stay."""
    check_may_change(ctx, job)
    gone = {"status": "canceled", "due_at": None, "finished_at": db.utcnow(), "is_canceling": True}
    with db.transaction():
        at_once = Job.update(gone).where(Job.id == job.id, Job.status.in_(["waiting", "parked", "dead"]))
        later = Job.update(is_canceling=True).where(Job.id == job.id, Job.status == "running")
        if not at_once.execute() and not later.execute():
            raise Conflict(_("This job has ended already."))
        _note(ctx, job, "canceled")


def retry_failed(ctx: Context, job: Job) -> Job:
    """Run the failed rows of `job` again and no others; a job that failed as a whole goes on from its checkpoint."""
    check_may_change(ctx, job)
    again = {
        "status": "waiting", "due_at": lease.moment(), "failed": 0, "attempts": 0, "error": "", "finished_at": None,
        "is_canceling": False,
    }  # fmt: skip
    with db.transaction():
        ended = Job.status.in_(["done_with_errors", "failed", "dead", "canceled"])
        if not Job.update(again).where(Job.id == job.id, ended).execute():
            raise Conflict(_("There is nothing to repeat in this job now."))
        JobItem.update(state="waiting", reason="").where(JobItem.job_id == job.id, JobItem.state == "failed").execute()
        _note(ctx, job, "repeated")
        db.after_commit(bell.ring)
    repeated: Job = Job.get_by_id(job.id)
    return repeated


def _note(ctx: Context, job: Job, action: str) -> None:
    """The row keeps what became of a job, the log who made it so."""
    audit.write(ctx, "core.job", action, [Change(job.id, after={"name": job.title})])
