"""The outbox: events committed with the change they tell of, turned into delivery jobs exactly once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import peewee

from core import db, runtime
from core.context import Context
from core.db import JSONField, Model, UTCDateTimeField, utcnow
from core.errors import MaktabError

if TYPE_CHECKING:
    from core.jobs.run import JobRun


class DeliveryFailed(Exception):
    """A handler refused an event."""


class Event(Model):
    """One thing that happened. `relayed_at`: when its delivery jobs were made (NULL: not yet)."""

    audit_exempt = "an event tells of a change that is audited itself"
    created_at = UTCDateTimeField(default=utcnow)
    name = peewee.CharField(160)
    payload = JSONField()
    context = JSONField()
    relayed_at = UTCDateTimeField(null=True, index=True)

    class Meta:
        table_name = "core_event"


def emit(ctx: Context, name: str, payload: Mapping[str, Any]) -> None:
    """Put the event `name` (`<plugin>.<noun>_<past tense>.v1`) into the outbox, inside the change's transaction.

    `payload`: ids, never personal data; a handler reads the present state.
    """
    Event.insert(name=name, payload=dict(payload), context=ctx.to_json()).execute()
    if name in runtime.current().subscriptions:  # nobody waits for the others: the next sweep marks them in one UPDATE
        from core.jobs import bell  # every room that changes records emits; jobs stand above them

        db.after_commit(bell.ring)


def relay(limit: int = 500) -> int:
    """Turn up to `limit` waiting events into one delivery job per subscriber; gives how many events there were."""
    from core.jobs.models import Job  # jobs stand above events

    waiting = Event.select().where(Event.relayed_at.is_null()).order_by(Event.id).limit(limit)
    if not waiting.exists():  # a plain read: an idle worker must not take SQLite's write lock
        return 0
    with db.transaction():
        events = list(waiting.for_update(skip_locked=True) if db.is_postgres() else waiting)
        rows = [row for event in events for row in _deliveries(event)]
        for start in range(0, len(rows), 200):
            Job.insert_many(rows[start : start + 200]).on_conflict_ignore().execute()
        Event.update(relayed_at=utcnow()).where(Event.id.in_([event.id for event in events])).execute()
    return len(events)


def _deliveries(event: Event) -> list[dict[str, Any]]:
    from core.jobs import lease

    return [
        {
            "kind": "core.deliver", "title": event.name, "plugin": plugin,
            "context": event.context, "user_id": None,  # in his name, but nobody's own job
            "due_at": lease.moment(),  # by the clock of the install: this host's may be ahead
            "key": f"event:{event.id}:{plugin}:{handler.__qualname__}"[:200],
            "args": {"event": event.id, "handler": handler.__qualname__},
        }
        for plugin, handler in runtime.current().subscriptions.get(event.name, ())
    ]  # fmt: skip


def deliver(run: JobRun) -> str | None:
    """Job `core.deliver`: hand one event to one subscriber."""
    event = Event.get_by_id(run.args["event"])
    for plugin, handler in runtime.current().subscriptions.get(event.name, ()):
        if plugin == run.job.plugin and handler.__qualname__ == run.args["handler"]:
            try:
                handler(run.ctx, event.payload)
            except MaktabError as refusal:  # for a job of a person a refusal is an answer; a delivery is tried again
                raise DeliveryFailed(f"{plugin} could not take {event.name}") from refusal
            return None
    return "no longer subscribed"
