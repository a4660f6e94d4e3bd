"""Outbox, jobs with their items and schedule slots, stored files."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, JSONField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db

    class Event(Base):
        created_at = UTCDateTimeField()
        name = peewee.CharField(160)
        payload = JSONField()
        context = JSONField()
        relayed_at = UTCDateTimeField(null=True, index=True)

        class Meta:
            table_name = "core_event"

    class Job(Base):
        created_at = UTCDateTimeField()
        kind = peewee.CharField(120)
        plugin = peewee.CharField(80, index=True)
        resource = peewee.CharField(120)
        key = peewee.CharField(200, null=True, unique=True)
        title = peewee.CharField(300)
        permission = peewee.CharField(120)
        user_id = peewee.BigIntegerField(null=True, index=True)
        context = JSONField()
        args = JSONField()
        parent_id = peewee.BigIntegerField(null=True)
        status = peewee.CharField(20, index=True)
        due_at = UTCDateTimeField(null=True, index=True)
        token = peewee.CharField(32)
        worker = peewee.CharField(200, index=True)
        attempts = peewee.IntegerField()
        is_canceling = peewee.BooleanField()
        checkpoint = JSONField()
        total = peewee.IntegerField(null=True)
        done = peewee.IntegerField()
        failed = peewee.IntegerField()
        skipped = peewee.IntegerField()
        started_from = peewee.IntegerField()
        started_at = UTCDateTimeField(null=True)
        finished_at = UTCDateTimeField(null=True, index=True)
        result = JSONField(null=True)
        error = peewee.TextField()
        log = peewee.TextField()

        class Meta:
            table_name = "core_job"

    class JobItem(Base):
        job_id = peewee.BigIntegerField()
        record_id = peewee.BigIntegerField()
        state = peewee.CharField(10)
        reason = peewee.TextField()
        version = peewee.IntegerField(null=True)
        undo = JSONField(null=True)

        class Meta:
            table_name = "core_job_item"
            indexes = ((("job_id", "record_id"), True), (("job_id", "state", "id"), False))

    class ScheduleSlot(Base):
        task = peewee.CharField(200)
        slot = peewee.BigIntegerField()
        created_at = UTCDateTimeField(index=True)

        class Meta:
            table_name = "core_schedule_slot"
            indexes = ((("task", "slot"), True),)

    class StoredFile(Base):
        created_at = UTCDateTimeField()
        key = peewee.CharField(64, unique=True)
        name = peewee.CharField(255)
        size = peewee.BigIntegerField()
        sha256 = peewee.CharField(64)
        content_type = peewee.CharField(120)
        user_id = peewee.BigIntegerField(null=True, index=True)
        expires_at = UTCDateTimeField(null=True, index=True)

        class Meta:
            table_name = "core_file"

    return [Event, Job, JobItem, ScheduleSlot, StoredFile]


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
