"""An index for the audit log's filter by action: without it a rare one reads the whole log."""

from __future__ import annotations

from typing import Any

import peewee

_INDEX = "core_audit_entry_action"


def up(migrator: Any, db: peewee.Database) -> None:
    db.execute_sql(f'CREATE INDEX "{_INDEX}" ON core_audit_entry (action, id)')


def down(migrator: Any, db: peewee.Database) -> None:
    db.execute_sql(f'DROP INDEX "{_INDEX}"')
