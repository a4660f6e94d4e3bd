"""Core's own kinds of job and its schedules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from core import audit, db, files, notifications, runtime
from core.api import KeptAnswer
from core.auth.models import Confirmation, Session
from core.builtin import audit_checks
from core.db import search, utcnow
from core.errors import Conflict
from core.events import Event
from core.i18n import _, __
from core.jobs import actions, deliveries
from core.jobs.models import Job, JobItem, JobType, Schedule, ScheduleSlot
from core.jobs.run import JobRun
from core.notifications import Notification
from core.plugins.models import PluginCalls

KEEP_DAYS = 30  # finished jobs, their rows' results, relayed events
KEEP_DELIVERIES_DAYS = 1


def _reindex(run: JobRun) -> None:
    resource = runtime.current().resource(run.args["resource"])
    while not run.canceled():
        with db.transaction():
            after = run.state.get("after", 0)
            last = search.rebuild(resource, after, 200)
            run.save({"after": last or after})
        if not last:
            return


def _verify(run: JobRun) -> Mapping[str, Any]:
    report = audit_checks.check(run.ctx)
    if report.at is not None:  # else another process seals just now, and what is sealed holds
        raise Conflict(_("The audit chain does not hold: %(problem)s", problem=report.problem))
    return {"checked": report.checked}


def _clean_up(run: JobRun) -> Mapping[str, int]:
    """Rows that nobody may use any more, in small steps: the embedded database has one writer."""
    now, old = utcnow(), utcnow() - timedelta(days=KEEP_DAYS)
    hours = timedelta(hours=runtime.current().settings.session_hours)
    kept_short = Job.kind.in_(["core.deliver", "core.cleanup", "core.audit_anchor"]) & (Job.status == "done")
    ended = Job.finished_at < now - timedelta(days=KEEP_DELIVERIES_DAYS)
    return {
        "files": files.remove_expired(),
        "sessions": _delete(Session, Session.created_at < now - hours),
        "confirmations": _delete(Confirmation, Confirmation.expires_at < now),
        "answers": _delete(KeptAnswer, KeptAnswer.created_at < now - timedelta(days=2)),
        "notifications": _delete(Notification, Notification.at < now - timedelta(days=notifications.KEEP_DAYS)),
        "calls": _delete(PluginCalls, PluginCalls.day < old.date()),
        "slots": _delete(ScheduleSlot, ScheduleSlot.created_at < old),
        "events": _delete(Event, Event.relayed_at < old),
        # Items before their job: afterwards nobody could tell whose they were.
        "items": _delete(JobItem, JobItem.job_id.in_(Job.select(Job.id).where(Job.finished_at < old))),
        "jobs": _delete(Job, Job.finished_at < old) + _delete(Job, kept_short & ended),
    }


def _delete(model: Any, condition: Any) -> int:
    total = 0
    while gone := model.delete().where(model.id.in_(model.select(model.id).where(condition).limit(1000))).execute():
        total += gone
    return total


JOBS = (
    JobType("core.action", actions.run_action, __("Bulk action")),
    JobType("core.undo", actions.run_undo, __("Undo")),
    JobType("core.deliver", deliveries.deliver, __("Deliver an event")),
    JobType("core.cleanup", _clean_up, __("Remove what has expired")),
    JobType("core.audit_anchor", lambda run: audit.anchor(), __("Anchor the audit log")),
    JobType("core.audit_verify", _verify, __("Verify the audit log")),
    JobType("core.reindex", _reindex, __("Rebuild the search index"), permission="core.search.rebuild"),
)
SCHEDULES = (
    Schedule("core.cleanup", 3600), Schedule("core.audit_anchor", 3600), Schedule("core.audit_verify", 86_400),
)  # fmt: skip
