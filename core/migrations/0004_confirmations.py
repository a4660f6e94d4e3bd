"""One-time grants for costly acts, sessions that look at the admin as somebody else, and when users last came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField, database


class User(peewee.Model):  # type: ignore[misc]
    id = IdField()

    class Meta:
        database = database
        table_name = "core_user"


class Session(peewee.Model):  # type: ignore[misc]
    id = IdField()

    class Meta:
        database = database
        table_name = "core_session"


class Confirmation(peewee.Model):  # type: ignore[misc]
    id = IdField()
    token_hash = peewee.CharField(64, unique=True)
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    session = peewee.ForeignKeyField(Session, backref="+", on_delete="CASCADE")
    act = peewee.CharField(150)
    digest = peewee.CharField(64)
    expires_at = UTCDateTimeField(index=True)

    class Meta:
        database = database
        table_name = "core_confirmation"


def up(migrator: Any, db: peewee.Database) -> Iterator[Any]:
    db.create_tables([Confirmation])
    yield migrator.add_column("core_user", "last_sign_in_at", UTCDateTimeField(null=True))
    yield migrator.add_column("core_session", "view_as", peewee.CharField(160, null=True))
    yield migrator.add_column("core_session", "view_as_until", UTCDateTimeField(null=True))


def down(migrator: Any, db: peewee.Database) -> Iterator[Any]:
    db.drop_tables([Confirmation])
    yield migrator.drop_column("core_session", "view_as_until")
    yield migrator.drop_column("core_session", "view_as")
    yield migrator.drop_column("core_user", "last_sign_in_at")
