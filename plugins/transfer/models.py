"""Imports, their rejected rows and what a rollback needs, and mappings saved by name."""

from __future__ import annotations

import peewee

from core.db import JSONField, Model, Record
from core.i18n import KeptText

STATES = (
    *("uploaded", "mapped", "validated", "running", "paused", "completed", "completed_with_errors"),
    *("failed", "canceled", "rolled_back"),
)


class Import(Record):
    """One file on its way into one resource. Counts are documents; `rows` are lines of the file.

    `position`: first line of the last document that is in, -1 before the first; `indexed`: last change whose record
    is in the search; both move in the transaction of the work they stand for.
    """

    audit_exempt = "a job's own progress; start, end and rollback are audited as commands"
    resource = peewee.CharField(100)
    file_id = peewee.BigIntegerField()
    file_name = peewee.CharField(255, default="")
    state = peewee.CharField(30, default="uploaded")
    mapping = JSONField(default=dict)
    format = peewee.CharField(100, default="")
    dry_run = peewee.BooleanField(default=False)
    user_id = peewee.BigIntegerField(null=True)
    job_id = peewee.BigIntegerField(null=True)
    rows = peewee.BigIntegerField(default=0)
    total = peewee.BigIntegerField(default=0)
    created = peewee.BigIntegerField(default=0)
    updated = peewee.BigIntegerField(default=0)
    unchanged = peewee.BigIntegerField(default=0)
    rejected = peewee.BigIntegerField(default=0)
    position = peewee.BigIntegerField(default=-1)
    indexed = peewee.BigIntegerField(default=0)
    error = KeptText(default="")
    rejects_file_id = peewee.BigIntegerField(null=True)
    diff_file_id = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "transfer_import"
        indexes = ((("resource", "id"), False),)


class SavedMapping(Record):
    """A mapping under a name that the merchant chose."""

    resource = peewee.CharField(100)
    name = peewee.CharField(100)
    mapping = JSONField(default=dict)

    class Meta:
        table_name = "transfer_mapping"
        indexes = ((("resource", "name"), True),)


class Reject(Model):
    """A problem on one line of a document that was not taken; `first_line` names the document."""

    audit_exempt = "a result of a job"
    import_id = peewee.BigIntegerField()
    first_line = peewee.BigIntegerField()
    line = peewee.BigIntegerField()
    reason = peewee.TextField()

    class Meta:
        table_name = "transfer_reject"
        indexes = ((("import_id", "line"), False),)


class ImportChange(Model):
    """A record that an import made (`before` null) or changed, the version it left, and the document before."""

    audit_exempt = "undo data of a job"
    import_id = peewee.BigIntegerField()
    record_id = peewee.BigIntegerField()
    version_after = peewee.IntegerField()
    before = JSONField(null=True)

    class Meta:
        table_name = "transfer_change"
        indexes = ((("import_id", "record_id"), True),)


MODELS = (Import, SavedMapping, Reject, ImportChange)
