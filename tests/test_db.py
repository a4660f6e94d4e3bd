"""The database room: the same answers on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import peewee
import pytest

from core import db


def test_after_commit_runs_once_the_outermost_transaction_is_in(app_db: Any) -> None:
    seen: list[str] = []
    with db.transaction():
        with db.transaction():
            db.after_commit(lambda: seen.append("inner"))
        assert seen == []
    assert seen == ["inner"]
