"""A database that takes no writes (full, read-only, restarting, gone): told from other errors, and remembered."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peewee

from core.db.engine import database, is_postgres

# SQLite and the operating system name these states in words only.
_TEXTS = (
    "disk is full", "disk i/o error", "readonly database", "read-only transaction", "no space left",
    "unable to open database", "database is locked",
)  # fmt: skip
# sqlite3.Error: of a statement with RETURNING the rows are read past peewee, and the commit comes with the last one.
_BROKEN = (peewee.PeeweeException, sqlite3.Error, OSError)
_LEAST_BYTES = 64 * 1024
_refusing = threading.Event()


def takes_no_writes(error: BaseException) -> bool:
    """True when `error`, or what led to it, says that the database refused: nothing was changed, try again later."""
    seen: BaseException | None = error
    while seen is not None:  # after a full disk peewee raises "cannot rollback"; the true cause is its context
        if _refuses(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _refuses(error: BaseException) -> bool:
    # PostgreSQL keeps this class for what happens to the server and the connection; wrong statements have others.
    if is_postgres() and isinstance(error, peewee.OperationalError):
        return True
    return isinstance(error, _BROKEN) and any(text in str(error).lower() for text in _TEXTS)


def is_read_only() -> bool:
    """True from a refused write until the next `optional_write` that works in this process, and while SQLite's disk is
    full: a time stamp may then still fit into a page that is there already, what people save does not."""
    return _refusing.is_set() or _is_full()


def _is_full() -> bool:
    return not is_postgres() and shutil.disk_usage(Path(database.database).parent).free < _LEAST_BYTES


def note_refusal() -> None:
    _refusing.set()


@contextmanager
def optional_write() -> Iterator[None]:
    """Around a write that a page can do without (a time stamp, a counter): refused, it is only remembered."""
    try:
        yield
    except _BROKEN as error:
        if not takes_no_writes(error):
            raise
        note_refusal()
    else:
        _refusing.clear()
