"""Core's own kinds of job and its schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from core import audit, db, files, runtime
from core.db import search, utcnow
from core.i18n import __
from core.jobs.models import Job, JobItem, JobType, Schedule, ScheduleSlot
from core.jobs.run import JobRun

KEEP_DAYS = 30  # finished jobs, their rows' results, relayed events
KEEP_DELIVERIES_DAYS = 1


def job_types() -> Sequence[JobType]:
    from core.events import outbox  # events start jobs, so they come after this room
    from core.jobs import actions

    return [
        JobType("core.action", actions.run_action, __("Bulk action")),
        JobType("core.undo", actions.run_undo, __("Undo")),
        JobType("core.deliver", outbox.deliver, __("Deliver an event")),
        JobType("core.cleanup", _clean_up, __("Remove what has expired")),
        JobType("core.audit_anchor", lambda run: audit.anchor(), __("Anchor the audit log")),
        JobType("core.reindex", _reindex, __("Rebuild the search index"), permission="core.search.rebuild"),
    ]


def schedules() -> Sequence[Schedule]:
    return [Schedule("core.cleanup", 3600), Schedule("core.audit_anchor", 3600)]


def _reindex(run: JobRun) -> None:
    resource = runtime.current().resource(run.args["resource"])
    while not run.canceled():
        with db.transaction():
            after = run.state.get("after", 0)
            last = search.rebuild(resource, after, 200)
            run.save({"after": last or after})
        if not last:
            return


def _clean_up(run: JobRun) -> Mapping[str, Any]:
    return {}
