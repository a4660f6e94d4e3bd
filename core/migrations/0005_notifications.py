"""What users were told: of their jobs, of plugins that were switched off, by plugins."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField, database


class User(peewee.Model):  # type: ignore[misc]
    id = IdField()

    class Meta:
        database = database
        table_name = "core_user"


class Notification(peewee.Model):  # type: ignore[misc]
    id = IdField()
    user = peewee.ForeignKeyField(User, on_delete="CASCADE", index=False)
    at = UTCDateTimeField(index=True)
    text = peewee.TextField()
    arguments = peewee.TextField()
    url = peewee.TextField()
    tone = peewee.CharField(max_length=8)
    read_at = UTCDateTimeField(null=True)

    class Meta:
        database = database
        table_name = "core_notification"
        indexes = ((("user", "id"), False), (("user", "read_at"), False))


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables([Notification])


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables([Notification])
