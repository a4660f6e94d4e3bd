"""Tags and notes of any resource; answers kept for idempotency keys, and the rate counter of the API."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db

    class Tagging(Base):
        resource = peewee.CharField(max_length=80)
        record_id = peewee.BigIntegerField()
        tag = peewee.CharField(max_length=60)

        class Meta:
            table_name = "core_tagging"
            indexes = ((("resource", "record_id", "tag"), True), (("resource", "tag", "record_id"), False))

    class Note(Base):
        resource = peewee.CharField(max_length=80)
        record_id = peewee.BigIntegerField()
        user_id = peewee.BigIntegerField(null=True)
        actor = peewee.CharField(max_length=200)
        text = peewee.TextField()
        created_at = UTCDateTimeField()

        class Meta:
            table_name = "core_note"
            indexes = ((("resource", "record_id", "id"), False),)

    class KeptAnswer(Base):
        user_id = peewee.BigIntegerField()
        key = peewee.CharField(max_length=255)
        request_hash = peewee.CharField(max_length=64)
        status = peewee.IntegerField(null=True)
        headers = peewee.TextField(null=True)
        body = peewee.TextField(null=True)
        created_at = UTCDateTimeField(index=True)

        class Meta:
            table_name = "core_api_answer"
            indexes = ((("user_id", "key"), True),)

    class RateCounter(Base):
        key = peewee.CharField(max_length=80, unique=True)
        minute = peewee.BigIntegerField()
        calls = peewee.IntegerField()

        class Meta:
            table_name = "core_api_rate"

    return [Tagging, Note, KeptAnswer, RateCounter]


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
