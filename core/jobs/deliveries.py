"""From the outbox to the subscribers: one delivery job per event and subscriber, made exactly once."""

from __future__ import annotations

from typing import Any

from core import db, runtime
from core.db import bulk, utcnow
from core.errors import MaktabError
from core.events import Event
from core.jobs import lease
from core.jobs.models import Job
from core.jobs.run import JobRun


class DeliveryFailed(Exception):
    """A handler refused an event."""


def relay(limit: int = 500) -> int:
    """Turn up to `limit` waiting events into one delivery job per subscriber; gives how many events there were."""
    waiting = Event.select().where(Event.relayed_at.is_null()).order_by(Event.id).limit(limit)
    if not waiting.exists():  # a plain read: an idle worker must not take SQLite's write lock
        return 0
    with db.transaction():
        events = list(waiting.for_update(skip_locked=True) if db.is_postgres() else waiting)
        bulk.insert(Job, [row for event in events for row in _deliveries(event)], ignore=True)
        Event.update(relayed_at=utcnow()).where(Event.id.in_([event.id for event in events])).execute()
    return len(events)


def _deliveries(event: Event) -> list[dict[str, Any]]:
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
