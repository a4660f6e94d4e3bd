"""What users and roles have chosen for the look and order of the admin."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, database


class User(peewee.Model):  # type: ignore[misc]
    id = IdField()

    class Meta:
        database = database
        table_name = "core_user"


class Role(peewee.Model):  # type: ignore[misc]
    id = IdField()

    class Meta:
        database = database
        table_name = "core_role"


class Preference(peewee.Model):  # type: ignore[misc]
    id = IdField()
    user = peewee.ForeignKeyField(User, null=True, on_delete="CASCADE")
    role = peewee.ForeignKeyField(Role, null=True, on_delete="CASCADE")
    name = peewee.CharField(max_length=150)
    value = peewee.TextField()

    class Meta:
        database = database
        table_name = "core_preference"
        indexes = ((("user", "name"), True), (("role", "name"), True))


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables([Preference])


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables([Preference])
