"""Statements whose text is built once: for what runs so often that peewee's building would be most of its cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import peewee

from core.db.engine import database, is_postgres


class _Slot(NamedTuple):
    name: str


def slot(name: str) -> Any:
    """The place of a value in a kept statement; it is bound as it is given, so in the form that the database keeps."""
    return peewee.Value(_Slot(name), converter=False, unpack=False)


class Kept:
    """The statement that `build` makes, with slots for its values."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._texts: dict[bool, tuple[str, list[Any]]] = {}

    def run(self, **values: Any) -> Any:
        """The cursor, with all rows fetched by the caller: SQLite ends a statement with RETURNING by its last row."""
        kind = is_postgres()
        if kind not in self._texts:
            self._texts[kind] = self._build().bind(database).sql()
        text, bound = self._texts[kind]
        return database.execute_sql(text, [values[one.name] if type(one) is _Slot else one for one in bound])
