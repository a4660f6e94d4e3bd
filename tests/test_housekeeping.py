"""Core's own jobs: what has expired goes, what people still need stays."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest

from core import db, events, files, jobs, runtime
from core.api import KeptAnswer
from core.auth.models import Session, User
from core.context import SYSTEM, Context
from core.db import search
from core.events import Event
from core.jobs.models import Job, JobItem, ScheduleSlot
from core.plugins.models import PluginCalls
from core.resources.sets import Selection
from core.settings import Settings
from tests.ledger_kit import again, install, things, work_off

CTX = Context(actor=SYSTEM, source="cli")
LONG_AGO = db.utcnow() - timedelta(days=40)


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Settings:
    return install(settings).settings


def ended_job(house: Settings) -> Job:
    job = jobs.start_action(
        CTX, "ledger.thing", "stamp", Selection("ledger.thing", everything=True), {"label": "x"}
    )  # fmt: skip
    assert isinstance(job, Job)
    work_off(house)
    return job


def clean_up(house: Settings) -> dict[str, int]:
    job = jobs.enqueue(CTX, "core.cleanup", {})
    work_off(house)
    assert again(job).status == "done"
    return dict(again(job).result)


def test_what_ended_long_ago_goes_with_its_rows_and_the_rest_stays(house: Settings) -> None:
    things(30)
    old, young = ended_job(house), ended_job(house)
    Job.update(finished_at=LONG_AGO).where(Job.id == old.id).execute()
    waiting = jobs.enqueue(CTX, "ledger.walk", {"steps": 1}, run_at=db.utcnow() + timedelta(days=1))
    gone = clean_up(house)
    assert (gone["items"], gone["jobs"]) == (30, 1)
    assert {young.id, waiting.id} <= {job.id for job in Job.select()}
    assert JobItem.select().where(JobItem.job_id == young.id).count() == 30


def test_sessions_answers_slots_events_and_files_go_when_their_time_is_over(house: Settings) -> None:
    user = User.create(username="someone")
    for age in (LONG_AGO, db.utcnow()):
        Session.create(user=user, token_hash=str(age), created_at=age)
        KeptAnswer.create(user_id=1, key=str(age), request_hash="", created_at=age)
        ScheduleSlot.create(task=str(age), slot=1, created_at=age)
        PluginCalls.create(plugin="orders", day=age.date(), calls=1)
        files.store(CTX, io.BytesIO(b"x"), "a", expires_at=age + timedelta(days=1))
    events.emit(CTX, "ledger.nobody_listens.v1", {})
    events.emit(CTX, "ledger.nobody_listens.v1", {})
    Event.update(relayed_at=LONG_AGO).where(Event.id == Event.select(Event.id).limit(1)).execute()
    gone = clean_up(house)
    kept = {"items": 0, "jobs": 0, "notifications": 0, "confirmations": 0}
    assert gone == {"files": 1, "sessions": 1, "answers": 1, "calls": 1, "slots": 1, "events": 1, **kept}


def test_the_search_index_is_rebuilt_in_chunks(house: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def rebuild(resource: Any, after_id: int, limit: int) -> int:
        assert resource.name == "ledger.thing"
        seen.append(after_id)
        return {0: 200, 200: 350}.get(after_id, 0)

    monkeypatch.setattr(search, "rebuild", rebuild)
    job = jobs.enqueue(CTX, "core.reindex", {"resource": "ledger.thing"})
    work_off(runtime.current().settings)
    assert again(job).status == "done"
    assert seen == [0, 200, 350]
