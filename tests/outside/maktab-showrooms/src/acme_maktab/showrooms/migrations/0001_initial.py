"""The table of showrooms."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField


def _showroom(db: peewee.Database) -> Any:
    class Showroom(peewee.Model):
        id = IdField()
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()
        code = peewee.CharField(max_length=16, unique=True)
        name = peewee.CharField(max_length=120)
        city = peewee.CharField(max_length=80)
        is_open = peewee.BooleanField()

        class Meta:
            database = db
            table_name = "showrooms_showroom"
            indexes = ((("name", "id"), False),)

    return Showroom


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables([_showroom(db)])


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables([_showroom(db)])
