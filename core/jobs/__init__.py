"""Jobs: a row first, a doorbell second; leases, chunks with a result per row, schedules, dead letters."""

from core.jobs.actions import start_action, undo
from core.jobs.control import cancel, enqueue, enqueue_many, find, retry_failed, visible
from core.jobs.lease import LeaseLost
from core.jobs.models import Job, JobItem, JobType, Schedule
from core.jobs.run import JobRun

__all__ = [
    "Job", "JobItem", "JobRun", "JobType", "LeaseLost", "Schedule", "cancel", "enqueue", "enqueue_many", "find",
    "retry_failed", "start_action", "undo", "visible",
]  # fmt: skip
