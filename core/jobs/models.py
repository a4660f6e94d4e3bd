"""Tables of jobs, and what a plugin says about a kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import peewee

from core.db import JSONField, Model, UTCDateTimeField, utcnow
from core.i18n import KeptLines, KeptText, unpacked

if TYPE_CHECKING:
    from core.jobs.run import JobRun

_OWN_RECORD = "a job is its own record"


@dataclass(frozen=True)
class JobType:
    """A kind of job. `run(job_run)` loads by id, calls services and may run again; its result is kept on the row.

    `permission`: what the one who starts, retries or cancels it needs ("": the jobs's own starter checks).
    """

    name: str
    run: Callable[[JobRun], Any]
    title: Any = ""
    permission: str = ""


@dataclass(frozen=True)
class Schedule:
    """Start `job` every `every_s` seconds, once over all workers."""

    job: str
    every_s: int
    args: Mapping[str, Any] = field(default_factory=dict)


class Job(Model):
    """A job row. Status: waiting, running, done, done_with_errors, failed, canceled, dead, parked.

    `due_at`: when a worker may take it; start time of a waiting job, end of the lease of a running one, NULL when
    nobody may. `done`, `failed`, `skipped` count rows; `started_from` is their sum when the present run began.
    """

    audit_exempt = _OWN_RECORD
    created_at = UTCDateTimeField(default=utcnow)
    kind = peewee.CharField(120)
    plugin = peewee.CharField(80, index=True)
    resource = peewee.CharField(120, default="")
    key = peewee.CharField(200, null=True, unique=True)
    title = peewee.CharField(300, default="")
    title_parts = JSONField(null=True)
    permission = peewee.CharField(120, default="")
    user_id = peewee.BigIntegerField(null=True, index=True)
    context = JSONField()
    args = JSONField()
    status = peewee.CharField(20, default="waiting", index=True)
    due_at = UTCDateTimeField(null=True, default=utcnow, index=True)
    token = peewee.CharField(32, default="")
    worker = peewee.CharField(200, default="", index=True)
    attempts = peewee.IntegerField(default=0)
    is_canceling = peewee.BooleanField(default=False)
    checkpoint = JSONField(default=dict)
    total = peewee.IntegerField(null=True)
    done = peewee.IntegerField(default=0)
    failed = peewee.IntegerField(default=0)
    skipped = peewee.IntegerField(default=0)
    started_from = peewee.IntegerField(default=0)
    started_at = UTCDateTimeField(null=True)
    finished_at = UTCDateTimeField(null=True, index=True)
    result = JSONField(null=True)
    error = KeptText(default="")
    log = KeptLines(default="")

    class Meta:
        table_name = "core_job"

    @property
    def said(self) -> Any:
        """Its title in the language of whoever reads it; `title` is that of who started it, or English."""
        return self.title if self.title_parts is None else unpacked(self.title_parts)


class JobItem(Model):
    """One record of a bulk job. State: waiting, done, skipped, failed. `version`: the record's, after the action."""

    audit_exempt = _OWN_RECORD
    job_id = peewee.BigIntegerField()
    record_id = peewee.BigIntegerField()
    state = peewee.CharField(10, default="waiting")
    reason = KeptText(default="")
    version = peewee.IntegerField(null=True)
    undo = JSONField(null=True)

    class Meta:
        table_name = "core_job_item"
        indexes = ((("job_id", "record_id"), True), (("job_id", "state", "id"), False))


class ScheduleSlot(Model):
    """A start by the clock; the unique (task, slot) lets one worker win."""

    audit_exempt = _OWN_RECORD
    task = peewee.CharField(200)
    slot = peewee.BigIntegerField()
    created_at = UTCDateTimeField(default=utcnow, index=True)

    class Meta:
        table_name = "core_schedule_slot"
        indexes = ((("task", "slot"), True),)


def status_after(done: int, failed: int) -> str:
    """What a job is that has worked on all its rows: without one that went well it has failed."""
    if not failed:
        return "done"
    return "done_with_errors" if done else "failed"
