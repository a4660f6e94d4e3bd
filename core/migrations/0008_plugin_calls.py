"""How often each plugin was called, and failed, day by day."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, database


class PluginCalls(peewee.Model):  # type: ignore[misc]
    id = IdField()
    plugin = peewee.CharField(max_length=64)
    day = peewee.DateField(index=True)
    calls = peewee.BigIntegerField()
    failures = peewee.BigIntegerField()

    class Meta:
        database = database
        table_name = "core_plugin_calls"
        indexes = ((("plugin", "day"), True),)


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables([PluginCalls])


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables([PluginCalls])
