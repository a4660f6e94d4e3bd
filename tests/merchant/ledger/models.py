"""Things, and what was done to them."""

from __future__ import annotations

import peewee

from core.db import Model, Record


class Thing(Record):
    name = peewee.CharField(80, index=True)
    stamps = peewee.IntegerField(default=0)
    stock = peewee.IntegerField(default=0, constraints=[peewee.Check("stock >= 0")])  # the sum of its movements, kept

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


class Movement(Model):
    """What came into stock and went out of it: rows are added, never changed. `key`: one call writes once."""

    audit_exempt = "append-only, and its own record"
    thing_id = peewee.BigIntegerField()
    quantity = peewee.IntegerField()
    key = peewee.CharField(80)

    class Meta:
        table_name = "ledger_movement"
        indexes = ((("key", "thing_id"), True),)
