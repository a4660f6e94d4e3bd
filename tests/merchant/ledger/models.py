"""Things, and what was done to them."""

from __future__ import annotations

import peewee

from core.db import Model, Record


class Thing(Record):
    name = peewee.CharField(80, index=True)
    stamps = peewee.IntegerField(default=0)

    class Meta:
        table_name = "ledger_thing"

    def __str__(self) -> str:
        return str(self.name)


class Effect(Model):
    """One row per effect; `what` names the run, so a second run of the same chunk shows as a second row."""

    audit_exempt = "test"
    what = peewee.CharField(80)
    thing_id = peewee.BigIntegerField()

    class Meta:
        table_name = "ledger_effect"
