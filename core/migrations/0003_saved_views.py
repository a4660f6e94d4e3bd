"""Views of lists that people keep."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField, database


class Base(peewee.Model):  # type: ignore[misc]
    id = IdField()

    class Meta:
        database = database


class User(Base):
    class Meta:
        table_name = "core_user"


class SavedView(Base):
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()
    version = peewee.IntegerField()
    resource = peewee.CharField(80)
    name = peewee.CharField(80)
    filters = peewee.TextField()
    search = peewee.CharField(200)
    sort = peewee.CharField(80)
    columns = peewee.TextField()
    density = peewee.CharField(12)
    position = peewee.IntegerField()
    owner = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    shared_with = peewee.CharField(100)

    class Meta:
        table_name = "core_saved_view"
        indexes = ((("resource", "owner", "name"), True),)


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables([SavedView])


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables([SavedView])
