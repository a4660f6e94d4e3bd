"""Plugins' states, their caught failures, and the generation counter."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db

    class PluginState(Base):
        name = peewee.CharField(max_length=64, unique=True)
        enabled = peewee.BooleanField()
        version = peewee.CharField(max_length=64)
        status = peewee.CharField(max_length=16)
        error = peewee.TextField()
        changed_at = UTCDateTimeField()

        class Meta:
            table_name = "core_plugin"

    class PluginFailure(Base):
        plugin = peewee.CharField(max_length=64)
        hook = peewee.CharField(max_length=64)
        error = peewee.TextField()
        at = UTCDateTimeField()

        class Meta:
            table_name = "core_plugin_failure"
            indexes = ((("plugin", "at"), False),)

    class CoreState(Base):
        generation = peewee.BigIntegerField()

        class Meta:
            table_name = "core_state"

    return [PluginState, PluginFailure, CoreState]


def up(migrator: Any, db: peewee.Database) -> None:
    models = _models(db)
    db.create_tables(models)
    models[2].create(generation=1)


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
