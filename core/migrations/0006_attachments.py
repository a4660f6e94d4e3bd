"""Files that a note carries."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> Any:
    return migrator.add_column("core_note", "attachments", peewee.TextField(default="[]"))


def down(migrator: Any, db: peewee.Database) -> Any:
    return migrator.drop_column("core_note", "attachments")
