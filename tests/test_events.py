"""The outbox: with the change or not at all, one delivery per subscriber, tried again, then a dead letter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import db, events, jobs
from core.context import SYSTEM, Context
from core.events import Event
from core.jobs import deliveries, lease
from core.jobs.models import Job
from core.settings import Settings
from tests.ledger_kit import again, effects, install, make_due, work_off
from tests.test_jobs import counting, switch

CTX = Context(actor=SYSTEM, source="cli")
STAMPED = "ledger.thing_stamped.v1"


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Iterator[Settings]:
    return install(settings).settings


def happen(*ids: int, name: str = STAMPED) -> None:
    with db.transaction():
        events.emit(CTX, name, {"resource": "ledger.thing", "ids": list(ids)})


def test_an_event_goes_with_its_change(house: Settings) -> None:
    with pytest.raises(RuntimeError), db.transaction():
        events.emit(CTX, STAMPED, {"ids": [1]})
        raise RuntimeError
    assert deliveries.relay() == 0
    assert Event.select().count() == 0


def test_each_subscriber_gets_each_event_once_also_with_many_relays(house: Settings) -> None:
    for number in range(40):
        happen(number)
    relays = [threading.Thread(target=deliveries.relay, args=(7,)) for _ in range(12)]
    for relay in relays:
        relay.start()
    for relay in relays:
        relay.join()
    deliveries.relay()
    Event.update(relayed_at=None).execute()  # as after a crash between two databases: the key holds
    deliveries.relay()
    assert Job.select().where(Job.kind == "core.deliver").count() == 40
    work_off(house)
    assert effects("delivered") == list(range(40))


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_a_delivery_is_due_at_once_also_where_a_hosts_clock_is_ahead(
    house: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field in (Job.due_at, Job.created_at):
        monkeypatch.setitem(Job._meta.defaults, field, lambda: db.utcnow() + timedelta(minutes=5))
    happen(1)
    deliveries.relay()
    assert lease.claim() is not None


def test_events_without_a_subscriber_cost_one_update_a_batch(house: Settings) -> None:
    for number in range(50):
        happen(number, name="ledger.nobody_listens.v1")
    with counting() as statements:
        assert deliveries.relay() == 50
    assert sum(text.startswith(("UPDATE", "INSERT")) for text in statements) == 1
    assert len(statements) <= 5
    assert Job.select().count() == 0


def test_a_failing_subscriber_is_tried_eight_times_and_becomes_a_dead_letter(house: Settings) -> None:
    happen(1, name="ledger.fragile.v1")
    for _ in range(8):
        work_off(house)
        job = Job.get(Job.kind == "core.deliver")
        make_due(job)
    assert (again(job).status, again(job).attempts) == ("dead", 8)
    assert [found.id for found in jobs.visible(SYSTEM).where(Job.status == "dead")] == [job.id]
    jobs.cancel(CTX, again(job))
    assert again(job).status == "canceled"


def test_a_delivery_waits_for_its_plugin(house: Settings) -> None:
    happen(5)
    deliveries.relay()
    switch(False)
    work_off(house)
    assert Job.get().status == "parked"
    switch(True)
    work_off(house)
    from core.jobs import run

    run.unpark()
    work_off(house)
    assert effects("delivered") == [5]
