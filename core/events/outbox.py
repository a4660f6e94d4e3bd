"""The outbox: events committed with the change they tell of; `core.jobs.deliveries` hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import peewee

from core import bell, db, runtime
from core.context import Context
from core.db import JSONField, Model, UTCDateTimeField, utcnow


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
        db.after_commit(bell.ring)
