"""The one database of an install, SQLite or PostgreSQL from a URL, and its transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee
from playhouse import db_url
from playhouse.pool import PooledPostgresqlDatabase, PooledSqliteDatabase

from core.errors import MaktabError

database: Any = peewee.DatabaseProxy()
"""Bound by `connect`; every model uses it."""


class BadDatabaseUrl(MaktabError):
    """The database URL is neither sqlite:///path nor postgresql://…"""


def _sqlite(path: str) -> peewee.Database:
    # IMMEDIATE: a deferred transaction that reads before it writes fails with "database is locked" despite the timeout.
    # synchronous=2: NORMAL may lose the last commits on power loss, and we hold money.
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "cache_size": -32_000, "temp_store": 2}
    pragmas["busy_timeout"] = 30_000  # the pool takes `timeout` for itself and would leave SQLite at 5 s
    # check_same_thread: the pool hands a connection to another thread once the first has given it back.
    return PooledSqliteDatabase(
        path, max_connections=64, timeout=30, lock_type="IMMEDIATE", check_same_thread=False, pragmas=pragmas
    )


def _postgres(url: str) -> peewee.Database:
    options = db_url.parse(url, unquote_user=True, unquote_password=True)
    options["database"] = unquote(options["database"])
    return PooledPostgresqlDatabase(max_connections=64, stale_timeout=300, prefer_psycopg3=True, **options)


def connect(url: str) -> peewee.Database:
    """Bind `database` to `url` (`sqlite:///path` or `postgresql://user:password@host:port/name?host=/socket/dir`)."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        opened = _sqlite(url.removeprefix("sqlite:///"))
    elif scheme in ("postgresql", "postgres"):
        opened = _postgres(url)
    else:
        raise BadDatabaseUrl(f"{url!r} is not a database URL: use sqlite:///path or postgresql://user@host/name.")
    database.initialize(opened)
    return opened


def drop_connections() -> None:
    """Forget this thread's connection and the idle ones: after a restart of the database they are dead."""
    if database.obj is not None:
        database.close_idle()
        database.manual_close()


def give_back_pages() -> None:
    """Between the steps of a long walk: most of what it touched is not touched again, and SQLite would keep 32 MB."""
    if not is_postgres():
        database.execute_sql("PRAGMA shrink_memory")


def is_postgres() -> bool:
    return isinstance(database.obj, peewee.PostgresqlDatabase)


class _Pending(threading.local):
    def __init__(self) -> None:
        self.callbacks: list[Callable[[], None]] = []


_pending = _Pending()


@contextmanager
def transaction() -> Iterator[Any]:
    """One write transaction (nested: a savepoint); what it gives has `rollback()`.

    Callbacks of `after_commit` run once the outermost one is in.
    """
    mark = len(_pending.callbacks)
    try:
        with database.atomic() as opened:
            yield opened
    except BaseException:
        del _pending.callbacks[mark:]
        raise
    if not database.in_transaction():
        callbacks, _pending.callbacks = _pending.callbacks, []
        for callback in callbacks:
            callback()


def after_commit(callback: Callable[[], None]) -> None:
    """Run `callback` when the open transaction is committed, at once when none is open; dropped on rollback."""
    if not database.in_transaction():
        callback()
    elif callback not in _pending.callbacks:
        _pending.callbacks.append(callback)
