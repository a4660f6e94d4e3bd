"""Commands on sets of records: a few at once, more as a job in chunks, with a result per row; retry and undo."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import peewee

from core import access, db, runtime
from core.context import Context
from core.db import bulk, search
from core.errors import Conflict, Invalid, MaktabError, NotFound
from core.i18n import _, __, remembering
from core.jobs.control import check_may_change, enqueue, titled
from core.jobs.lease import LeaseLost
from core.jobs.models import Job, JobItem, status_after
from core.jobs.run import JobRun
from core.resources import query, references
from core.resources.fields import loaded
from core.resources.sets import Outcome, Selection

log = logging.getLogger("maktab.jobs")
INLINE, CHUNK, NOTED = 20, 200, 1_000
_STATES = {"rejected": "failed", "skipped": "skipped", "unchanged": "skipped"}
Work = Callable[[Sequence[int]], Mapping[int, Outcome]]


class Outcomes(dict[int, Outcome]):
    """What became of each record; `job`: the ended job that remembers it, where there is something to undo."""

    job: Job | None = None


def start_action(
    ctx: Context, resource_name: str, action_name: str, selection: Selection, arguments: Mapping[str, Any]
) -> Job | Outcomes:
    """Do an action: up to 20 listed ids now, in one transaction, else as a job.

    `arguments`: as they came (JSON values), not yet loaded by the action's schema. Raises Forbidden, Invalid, NotFound.
    """
    command = _Command(ctx, resource_name, action_name)
    selection = replace(selection, ids=tuple(dict.fromkeys(selection.ids)))  # who names one twice means it once
    if not command.action.bulk and (selection.everything or len(selection.ids) != 1):  # arguments may not lie in a row
        raise Invalid(_("This is done for one record at a time."))
    work = command.work(arguments)
    if not selection.everything and len(selection.ids) <= INLINE:
        return _inline(command, selection, work)
    if selection.everything and selection.max_id is None:  # what arrives after the click is not meant
        selection = replace(selection, max_id=query.newest(command.resource))
    args = {"action": action_name, "arguments": dict(arguments), "selection": selection.to_json()}
    return enqueue(ctx, "core.action", args, title=command.title, resource=resource_name, permission=command.permission)


def undo(ctx: Context, job: Job) -> Job | dict[int, Outcome]:
    """Take `job` back for records that nobody changed since: up to 20 now, in one transaction, else as a job.

    The other records are reported as skipped. Raises Conflict when there is nothing to take back.
    """
    check_may_change(ctx, job)
    if not can_undo(job):
        raise Conflict(_("This job cannot be undone."))
    args = {"action": job.args["action"], "job": job.id}
    title, key = __("Undo: %(title)s", title=job.said), _undo_key(job)
    if job.done <= INLINE:
        return _undo_now(ctx, job, args, title, key)
    about = {"resource": job.resource, "permission": job.permission}
    return enqueue(ctx, "core.undo", args, title=title, key=key, **about)


def _undo_now(ctx: Context, job: Job, args: dict[str, Any], title: Any, key: str) -> dict[int, Outcome]:
    command = _Command(ctx, job.resource, job.args["action"])
    ids = [row[0] for row in _done_by(job.id).tuples()]
    with db.transaction():
        if db.is_postgres():  # of two clicks at once the second waits here, then sees what the first has done
            list(Job.select(Job.id).where(Job.id == job.id).for_update().tuples())
        if undone(job):
            raise Conflict(_("This was taken back already."))
        outcomes = command.outcomes(ids, lambda some: _take_back(command, job.id, some))
        _remember(command, outcomes, title, kind="core.undo", args=args, key=key)
    return outcomes


def undone(job: Job) -> int | None:
    """The number of the job that has taken `job` back as it now is."""
    found: int | None = Job.select(Job.id).where(Job.key == _undo_key(job)).scalar()
    return found


def _undo_key(job: Job) -> str:
    return f"undo:{job.id}:{job.done}"


def can_undo(job: Job) -> bool:
    """True for an ended action job whose action defines an undo and that did something."""
    resource = runtime.current().resources.get(job.resource)
    if job.kind != "core.action" or resource is None or job.finished_at is None or not job.done:
        return False
    action = resource.action(job.args["action"])
    return action is not None and action.undo is not None


def run_action(run: JobRun) -> None:
    """Job `core.action`."""
    command = _Command(run.ctx, run.job.resource, run.args["action"])
    work = command.work(run.args["arguments"])
    if not run.state.get("resolved"):
        _resolve(run, command.select(Selection.from_json(run.args["selection"])))
    _work_off(run, command, work)


def run_undo(run: JobRun) -> None:
    """Job `core.undo`: its records are those that the job it takes back has done."""
    command = _Command(run.ctx, run.job.resource, run.args["action"])
    if not run.state.get("resolved"):
        _resolve(run, _done_by(run.args["job"]))
    _work_off(run, command, lambda ids: _take_back(command, run.args["job"], ids))


class _Command:
    """An action of a resource in the name of `ctx.actor`, who holds its permission."""

    def __init__(self, ctx: Context, resource_name: str, action_name: str) -> None:
        self.ctx, self.resource = ctx, runtime.current().resource(resource_name)
        action = self.resource.action(action_name)
        if action is None:
            raise NotFound(f"{resource_name} has no action {action_name!r}.")
        self.action, self.permission = action, self.resource.permission(action_name)
        self.title = __("%(list)s: %(action)s", list=self.resource.label_plural, action=action.label)
        access.demand(ctx.actor, self.permission)

    def work(self, arguments: Mapping[str, Any]) -> Work:
        """The action with its arguments loaded; raises Invalid."""
        given = dict(arguments)
        if self.action.schema:
            given = loaded(self.action.schema(), arguments)
            references.demand(self.ctx, self.action.schema, given)
        ctx = self.ctx.because(given.pop("reason")) if self.action.reason else self.ctx
        return lambda ids: self.action.run(ctx, ids, given)

    def select(self, selection: Selection) -> Any:
        return query.select(self.ctx, self.resource, selection, self.action.name)

    def versions(self, ids: Any, lock: bool = False) -> dict[int, int]:
        model = self.resource.model
        rows = model.select(model.id, model.version).where(search.among(model.id, list(ids))).order_by(model.id)
        return dict((rows.for_update() if lock and db.is_postgres() else rows).tuples())

    def outcomes(self, ids: Sequence[int], work: Work) -> dict[int, Outcome]:
        """Results of `work` for `ids`, whose reasons every reader will read in his language; a set that raises is
        halved until only the bad rows are left out."""
        with remembering():
            return self._outcomes(ids, work)

    def _outcomes(self, ids: Sequence[int], work: Work) -> dict[int, Outcome]:
        denied = access.denied(self.ctx.actor, self.permission, self.resource.name, ids) | self._beyond(ids)
        allowed = [row_id for row_id in ids if row_id not in denied]
        try:
            with db.transaction():
                found = work(allowed) if allowed else {}
        except (LeaseLost, peewee.OperationalError, peewee.InterfaceError):
            raise  # the database, not a row: the job is tried again
        except (Exception, SystemExit) as problem:  # the border: an action is a plugin's, and may raise anything
            if len(ids) == 1:
                return {ids[0]: self._failure(problem)}
            half = len(ids) // 2
            return self._outcomes(ids[:half], work) | self._outcomes(ids[half:], work)
        refused = _rejected(_("You may not do this with this record."))
        return {
            row_id: refused if row_id in denied else found.get(row_id, Outcome("unchanged", row_id)) for row_id in ids
        }

    def _beyond(self, ids: Sequence[int]) -> set[int]:
        """Those of `ids` that the actor does not reach now; since the job began, a role or a record may have moved."""
        if access.rows(self.ctx.actor, self.permission, self.resource) is None:
            return set()
        return set(ids) - {row[0] for row in self.select(Selection(self.resource.name, ids=tuple(ids))).tuples()}

    def _failure(self, problem: BaseException) -> Outcome:
        if isinstance(problem, MaktabError):
            return Outcome("rejected", errors=problem.errors or {"": [str(problem)]})
        log.error("action %s failed on a row", self.action.name, exc_info=problem)
        return _rejected(_("Unexpected error (%(kind)s).", kind=type(problem).__name__))

    def items(self, job_id: int, outcomes: Mapping[int, Outcome]) -> list[dict[str, Any]]:
        versions = self.versions(outcomes)
        return [
            {
                "job_id": job_id, "record_id": row_id, "state": _STATES.get(outcome.status, "done"),
                "reason": outcome.reason, "version": versions.get(row_id), "undo": outcome.undo,
            }
            for row_id, outcome in outcomes.items()
        ]  # fmt: skip


def _rejected(text: str) -> Outcome:
    return Outcome("rejected", errors={"": [text]})


def _inline(command: _Command, selection: Selection, work: Work) -> Outcomes:
    with db.transaction():
        found = {row[0] for row in command.select(selection).tuples()}
        done = command.outcomes([row_id for row_id in selection.ids if row_id in found], work)
        undoable = {row_id: one for row_id, one in done.items() if command.action.undo and one.undo is not None}
        args = {"action": command.action.name, "arguments": {}}
        kept = _remember(command, undoable, command.title, args=args) if undoable else None
    missing = _rejected(_("This record does not exist, or you may not change it."))
    outcomes = Outcomes({row_id: done.get(row_id, missing) for row_id in selection.ids})
    outcomes.job = kept
    return outcomes


def _remember(
    command: _Command, outcomes: Mapping[int, Outcome], title: Any, kind: str = "core.action", **values: Any
) -> Job:
    """A job row that has ended already, so that what was done at once is shown and taken back like any job."""
    resource, ctx, now = command.resource, command.ctx, db.utcnow()
    states = [_STATES.get(one.status, "done") for one in outcomes.values()]
    tally = {state: states.count(state) for state in ("done", "failed", "skipped")}
    job: Job = Job.create(
        kind=kind, plugin=resource.plugin, resource=resource.name, permission=command.permission,
        user_id=ctx.actor.user_id, context=ctx.to_json(), checkpoint={"resolved": True}, due_at=None, total=len(states),
        status=status_after(tally["done"], tally["failed"]), started_at=now, finished_at=now,
        **tally, **titled(title), **values,
    )  # fmt: skip
    bulk.insert(JobItem, command.items(job.id, outcomes))
    return job


def _done_by(job_id: int) -> Any:
    """A select of the ids of the records that a job has done, in its order."""
    done = (JobItem.job_id == job_id) & (JobItem.state == "done")
    return JobItem.select(JobItem.record_id.alias("id")).where(done).order_by(JobItem.id)


def _resolve(run: JobRun, chosen: Any) -> None:
    """Turn a select of ids into items, some at a time: others write in between. Begun anew, it notes none twice."""
    ids = array("q", sorted(row_id for (row_id,) in chosen.order_by().tuples()))  # in any order: by the best index
    for start in range(0, len(ids), NOTED):
        rows = [{"job_id": run.job.id, "record_id": row_id} for row_id in ids[start : start + NOTED]]
        with db.transaction():
            bulk.insert(JobItem, rows, ignore=True)
            run.save()
    with db.transaction():
        total = JobItem.select().where(JobItem.job_id == run.job.id).count()
        run.save({"resolved": True}, total=total)


def _work_off(run: JobRun, command: _Command, work: Work) -> None:
    """Chunk by chunk: the action, its rows' results and the progress in one transaction, so exactly once."""
    waiting = (JobItem.job_id == run.job.id) & (JobItem.state == "waiting")
    chunk: Any = JobItem.select(JobItem.record_id).where(waiting).order_by(JobItem.id).limit(CHUNK)
    while not run.canceled():
        with db.transaction():
            ids = [row[0] for row in chunk.tuples()]
            if not ids:
                return
            rows = command.items(run.job.id, command.outcomes(ids, work))
            bulk.update(JobItem, ["job_id", "record_id"], rows)
            tally = {state: sum(row["state"] == state for row in rows) for state in ("done", "failed", "skipped")}
            run.save(**{state: getattr(run.job, state) + count for state, count in tally.items()})


def _take_back(command: _Command, job_id: int, ids: Sequence[int]) -> Mapping[int, Outcome]:
    """Undo what the job did with `ids`, where the version is still the one that it left."""
    items = JobItem.select().where(JobItem.job_id == job_id, search.among(JobItem.record_id, ids))
    noted = {item.record_id: item for item in items}
    now = command.versions(ids, lock=True)
    fresh = {row_id: item.undo for row_id, item in noted.items() if now.get(row_id) == item.version}
    changed = Outcome("skipped", errors={"": [_("Changed or deleted since.")]})
    done = command.action.undo(command.ctx, fresh) if fresh and command.action.undo else {}
    return {row_id: done.get(row_id, Outcome("done")) if row_id in fresh else changed for row_id in ids}
