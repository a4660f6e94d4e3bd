"""The table of suppliers."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Supplier(peewee.Model):
        id = IdField()
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()
        code = peewee.CharField(max_length=32, unique=True)
        name = peewee.CharField(max_length=200)
        country = peewee.CharField(max_length=2)
        currency = peewee.CharField(max_length=3)
        credit_minor = peewee.BigIntegerField()
        is_active = peewee.BooleanField()
        parent = peewee.ForeignKeyField("self", null=True, backref="+")

        class Meta:
            database = db
            table_name = "suppliers_supplier"
            indexes = ((("name", "id"), False), (("country", "id"), False), (("credit_minor", "id"), False))

    return [Supplier]


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
