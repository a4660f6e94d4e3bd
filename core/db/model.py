"""Base of every table."""

from __future__ import annotations

from typing import Any, ClassVar

import peewee

from core.db.engine import database
from core.db.fields import IdField, UTCDateTimeField, utcnow


class Model(peewee.Model):  # type: ignore[misc]
    """A table. `Meta.table_name` is `<plugin>_<noun>`.

    `audit_exempt`: why writes of this table leave no audit entry (sessions, queues, caches); empty = audited.
    """

    id: Any = IdField()
    audit_exempt: ClassVar[str] = ""

    class Meta:
        database = database
        legacy_table_names = False


class Record(Model):
    """A table that people edit: times, and `version` for optimistic locking, which every change raises."""

    created_at = UTCDateTimeField(default=utcnow)
    updated_at = UTCDateTimeField(default=utcnow)
    version = peewee.IntegerField(default=1)

    @classmethod
    def change(cls, **values: Any) -> Any:
        """An UPDATE of `values` that raises the version and the time of change; the caller says where."""
        return cls.update(**values, version=cls.version + 1, updated_at=utcnow())
