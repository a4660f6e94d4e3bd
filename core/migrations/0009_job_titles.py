"""Titles of jobs by their parts, so that each reads them in his own language."""

from __future__ import annotations

from typing import Any

import peewee


def up(migrator: Any, db: peewee.Database) -> Any:
    return migrator.add_column("core_job", "title_parts", peewee.TextField(null=True))


def down(migrator: Any, db: peewee.Database) -> Any:
    return migrator.drop_column("core_job", "title_parts")
