"""Brings the test plugin `ledger` into an install, and works its jobs off in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from core import db, plugins, runtime
from core.jobs import lease, run
from core.jobs.models import Job
from core.jobs.worker import Worker
from core.runtime import Runtime
from core.settings import Settings
from tests.helpers import turn_on

MERCHANT = Path(__file__).parent / "merchant"


def install(settings: Settings, *others: str, **changed: Any) -> Runtime:
    """The core, `ledger` and `others` alone, migrated and installed as this process's generation."""
    settings = replace(settings, plugin_dir=str(MERCHANT), **changed)
    turn_on(settings, "ledger", *others)
    built = plugins.build(settings)
    runtime.install(built)
    return built


def things(count: int) -> list[int]:
    from ledger.models import Thing

    with db.transaction():
        for start in range(0, count, 500):
            Thing.insert_many([{"name": f"thing {n}"} for n in range(start, min(start + 500, count))]).execute()
    return [row[0] for row in Thing.select(Thing.id).order_by(Thing.id).tuples()]


def effects(what: str) -> list[int]:
    from ledger.models import Effect

    return [
        row[0] for row in Effect.select(Effect.thing_id).where(Effect.what == what).order_by(Effect.thing_id).tuples()
    ]


def work_off(settings: Settings) -> None:
    """What a worker does until nothing is due."""
    run.stopping.clear()
    Worker(settings).drain()


def again(job: Job) -> Job:
    return Job.get_by_id(job.id)


def make_due(job: Job) -> None:
    """As if the waiting time were over."""
    Job.update(due_at=lease.moment(-1)).where(Job.id == job.id).execute()
