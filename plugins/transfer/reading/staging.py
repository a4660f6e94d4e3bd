"""A file's rows in a scratch SQLite file: any number of rows in little memory, and rows of one document together.

The scratch file is the worker's own and can be made again from the upload at any time: it is written without safety.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from plugins.transfer.reading.mapping import Plan, Row

DOCUMENTS, ROWS, MOST_ROWS = 200, 2_000, 5_000
"""Per transaction at most so many documents and rows; a document of more rows than MOST_ROWS is refused unread."""

_BEFORE = (
    *("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-8000", "BEGIN"),
    "CREATE TABLE row (n INTEGER PRIMARY KEY, line INTEGER, key TEXT, data TEXT)",
    "CREATE TABLE note (name TEXT, value TEXT)",
)
_AFTER = (
    "CREATE INDEX row_key ON row (key)",
    "CREATE TABLE doc (first INTEGER PRIMARY KEY, n INTEGER, key TEXT)",
    "INSERT INTO doc SELECT min(line), count(*), key FROM row GROUP BY key ORDER BY 1",
    "COMMIT",
)
_NOTES = ("signs", "orders", "has_cards")
"""What a plan learns from all rows."""

_BATCH = "SELECT first, n FROM doc WHERE first > ? ORDER BY first LIMIT ?"
_READ = """SELECT d.first, r.line, CASE WHEN d.n > ? THEN NULL ELSE r.data END
FROM doc d CROSS JOIN row r ON r.key = d.key WHERE d.first > ? AND d.first <= ? ORDER BY d.first, r.n"""


class Staging:
    """The staged rows of one import."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        counts = "SELECT (SELECT count(*) FROM row), (SELECT count(*) FROM doc)"
        self.rows, self.total = connection.execute(counts).fetchone()

    def batch(self, after: int) -> list[list[Row]]:
        """Rows of the next documents in file order behind the one that begins on line `after`; [] at the end.

        A document with too many rows comes as its rows without data.
        """
        last = total = 0
        for first, count in self._db.execute(_BATCH, (after, DOCUMENTS)):
            total += min(count, MOST_ROWS)
            if last and total > ROWS:
                break
            last = first
        found = self._db.execute(_READ, (MOST_ROWS, after, last))
        return [self._rows(group) for _first, group in groupby(found, key=lambda row: row[0])]

    def _rows(self, group: Iterable[tuple[int, int, str | None]]) -> list[Row]:
        return [(line, None if data is None else json.loads(data)) for _first, line, data in group]

    def all_rows(self, first_line: int) -> Iterator[Row]:
        """Every row of one document, one at a time."""
        query = "SELECT r.line, r.data FROM doc d CROSS JOIN row r ON r.key = d.key WHERE d.first = ? ORDER BY r.n"
        for line, data in self._db.execute(query, (first_line,)):
            yield line, json.loads(data)


@contextmanager
def staged(target: Path, rows: Iterable[Row], plan: Plan) -> Iterator[Staging]:
    """Stage `rows` in the file `target` (what lies there complete is used) and tell `plan` what they prove."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        _fill(target, rows, plan)
    connection = sqlite3.connect(target)
    try:
        for name, value in connection.execute("SELECT name, value FROM note"):
            setattr(plan, name, json.loads(value))
        yield Staging(connection)
    finally:
        connection.close()


def _fill(target: Path, rows: Iterable[Row], plan: Plan) -> None:
    # Under a name of its own until complete: a killed worker leaves a part that nobody takes for the whole.
    part = target.with_suffix(f".{os.getpid()}.part")
    part.unlink(missing_ok=True)
    connection = sqlite3.connect(part, isolation_level=None)
    try:
        for statement in _BEFORE:
            connection.execute(statement)
        connection.executemany("INSERT INTO row (line, key, data) VALUES (?, ?, ?)", _staged_rows(rows, plan))
        notes = [(name, json.dumps(getattr(plan, name))) for name in _NOTES]
        connection.executemany("INSERT INTO note VALUES (?, ?)", notes)
        for statement in _AFTER:
            connection.execute(statement)
    except BaseException:
        connection.close()
        part.unlink(missing_ok=True)
        raise
    connection.close()
    part.replace(target)


def _staged_rows(rows: Iterable[Row], plan: Plan) -> Iterator[tuple[int, str, str]]:
    for line, row in rows:
        plan.see(row)
        yield line, plan.key_of(line, row), json.dumps(row)
