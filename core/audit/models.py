"""The audit log: one row per change of a record, and the head of their chain."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import JSONField, Model, UTCDateTimeField, utcnow


class Entry(Model):
    """Who changed what. Append-only by triggers: later only seal (`seq`, `hash`) and erasure (`diff`, `salt` to NULL).

    `actor_id`: user, NULL = the system, 0 = nobody signed in. `diff`: {"before", "after"} with secrets masked; the
    chain seals `digest` = sha256(salt + diff) only, so that personal data can go while the chain holds.
    """

    audit_exempt = "is the audit log"
    at = UTCDateTimeField(default=utcnow)
    actor_id = peewee.BigIntegerField(null=True)
    on_behalf_of = peewee.CharField(200, default="")
    ip = peewee.CharField(64, default="")
    session_id = peewee.BigIntegerField(null=True)
    source = peewee.CharField(10)
    request_id = peewee.CharField(64, default="")
    action = peewee.CharField(100)
    resource = peewee.CharField(100)
    record_id = peewee.BigIntegerField()
    reason = peewee.TextField(default="")
    digest = peewee.CharField(64)
    diff = JSONField(null=True)
    salt = peewee.CharField(32, null=True)
    seq = peewee.BigIntegerField(null=True, unique=True)
    hash = peewee.CharField(64, null=True)

    class Meta:
        table_name = "core_audit_entry"
        indexes = ((("resource", "record_id", "id"), False), (("actor_id", "id"), False), (("at", "id"), False))

    @property
    def changes(self) -> dict[str, tuple[Any, Any]]:
        """{field: (before, after)}; empty once it was erased."""
        diff: Any = self.diff or {}
        before, after = diff.get("before", {}), diff.get("after", {})
        return {name: (before.get(name), after.get(name)) for name in {**before, **after}}


Entry.add_index(Entry.index(Entry.action, Entry.id, name="core_audit_entry_action"))
# The sealer asks every second for what is unsealed; without this it would read the whole log.
Entry.add_index(Entry.index(Entry.id, where=Entry.seq.is_null(), name="core_audit_entry_unsealed"))


class Head(Model):
    """The last sealed entry (one row, id 1), itself signed, so that a cut tail shows."""

    audit_exempt = "is the audit log"
    seq = peewee.BigIntegerField()
    hash = peewee.CharField(64)
    mac = peewee.CharField(64)

    class Meta:
        table_name = "core_audit_head"
