"""Imports, rejected rows, rollback data and saved mappings."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, JSONField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db

    class Kept(Base):
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()

    class Import(Kept):
        resource = peewee.CharField(100)
        file_id = peewee.BigIntegerField()
        file_name = peewee.CharField(255)
        state = peewee.CharField(30)
        mapping = JSONField()
        format = peewee.CharField(100)
        dry_run = peewee.BooleanField()
        user_id = peewee.BigIntegerField(null=True)
        job_id = peewee.BigIntegerField(null=True)
        rows = peewee.BigIntegerField()
        total = peewee.BigIntegerField()
        created = peewee.BigIntegerField()
        updated = peewee.BigIntegerField()
        unchanged = peewee.BigIntegerField()
        rejected = peewee.BigIntegerField()
        position = peewee.BigIntegerField()
        indexed = peewee.BigIntegerField()
        error = peewee.TextField()
        rejects_file_id = peewee.BigIntegerField(null=True)
        diff_file_id = peewee.BigIntegerField(null=True)

        class Meta:
            table_name = "transfer_import"
            indexes = ((("resource", "id"), False),)

    class SavedMapping(Kept):
        resource = peewee.CharField(100)
        name = peewee.CharField(100)
        mapping = JSONField()

        class Meta:
            table_name = "transfer_mapping"
            indexes = ((("resource", "name"), True),)

    class Reject(Base):
        import_id = peewee.BigIntegerField()
        first_line = peewee.BigIntegerField()
        line = peewee.BigIntegerField()
        reason = peewee.TextField()

        class Meta:
            table_name = "transfer_reject"
            indexes = ((("import_id", "line"), False),)

    class ImportChange(Base):
        import_id = peewee.BigIntegerField()
        record_id = peewee.BigIntegerField()
        version_after = peewee.IntegerField()
        before = JSONField(null=True)

        class Meta:
            table_name = "transfer_change"
            indexes = ((("import_id", "record_id"), True),)

    return [Import, SavedMapping, Reject, ImportChange]


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
