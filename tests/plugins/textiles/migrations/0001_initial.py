"""The table of fabrics."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, JSONField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Fabric(peewee.Model):
        id = IdField()
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()
        code = peewee.CharField(max_length=32, unique=True)
        currency = peewee.CharField(max_length=3)
        variants = JSONField()
        counted = JSONField()

        class Meta:
            database = db
            table_name = "textiles_fabric"

    return [Fabric]


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
