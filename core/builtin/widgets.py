"""Core's own cards of the page Home: what runs, and what went wrong."""

from __future__ import annotations

from datetime import timedelta

import flask

from core.builtin.job_pages import STATUS, progress
from core.context import Context
from core.dashboard import Entry, Widget
from core.db import utcnow
from core.i18n import __
from core.jobs import control
from core.jobs.models import Job

_SHOWN, _RECENT = 6, timedelta(days=7)


def _running(ctx: Context) -> list[Entry]:
    open_ones = control.visible(ctx.actor).where(Job.status.in_(["waiting", "running"]))
    return [_entry(job) for job in open_ones.limit(_SHOWN)]


def _failed(ctx: Context) -> list[Entry]:
    ended = control.visible(ctx.actor).where(Job.status.in_(["failed", "done_with_errors", "dead"]))
    return [_entry(job) for job in ended.where(Job.finished_at > utcnow() - _RECENT).limit(_SHOWN)]


def _entry(job: Job) -> Entry:
    percent = progress(job)["percent"] if job.status == "running" else None
    end = "" if percent is None else f"{percent}%"
    address = flask.url_for("core_jobs.details_view", job_id=job.id)
    at = job.finished_at or job.created_at
    return Entry(job.said, at=at, url=address, end=end, badge=STATUS[job.status])


def widgets() -> list[Widget]:
    jobs = "/admin/jobs/"
    return [
        Widget(
            "core.running", __("Running now"), _running, size="third", icon="loader-2", order=80,
            url=f"{jobs}?tab=open", empty=__("Nothing runs now."),
        ),
        Widget(
            "core.failed", __("Jobs with errors"), _failed, size="third", icon="alert-triangle", order=85,
            url=f"{jobs}?tab=trouble", empty=__("No job failed in the last 7 days."),
        ),
    ]  # fmt: skip
