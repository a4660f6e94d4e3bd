"""Sums of orders for the page Home. Those of a shop that has orders already are counted by the job `orders.tally`."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, MinorField

ALL = 2**62


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db

    class Tally(Base):
        measure = peewee.CharField(max_length=24)
        day = peewee.CharField(max_length=10)
        sales_channel = peewee.CharField(max_length=64)
        currency = peewee.CharField(max_length=3)
        orders = peewee.BigIntegerField()
        amount_minor = MinorField()

        class Meta:
            table_name = "orders_tally"
            indexes = ((("measure", "day"), False),)

    class TallyState(Base):
        counted_to = peewee.BigIntegerField()
        timezone = peewee.CharField(max_length=64)

        class Meta:
            table_name = "orders_tally_state"

    return [Tally, TallyState]


def up(migrator: Any, db: peewee.Database) -> None:
    models = _models(db)
    db.create_tables(models)
    has_orders = db.execute_sql("SELECT 1 FROM orders_order LIMIT 1").fetchone()
    models[1].create(counted_to=0 if has_orders else ALL, timezone="")


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
