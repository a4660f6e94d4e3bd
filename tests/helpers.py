"""Small tools for tests: counting statements, and an install with the test plugin `suppliers`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import access, boot, db, plugins, runtime
from core.context import system_context
from core.db import migrate, search
from core.plugins.discovery import discover
from core.plugins.models import PluginState
from core.resources import service_of
from core.runtime import Runtime, bound
from core.settings import Settings

PLUGINS = Path(__file__).parent / "plugins"


@contextmanager
def count_statements() -> Iterator[list[str]]:
    """The SQL statements that this thread and others send meanwhile, without BEGIN, COMMIT and savepoints."""
    seen: list[str] = []

    class Counter(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            sql = record.msg[0] if isinstance(record.msg, tuple) else str(record.msg)
            if not sql.upper().startswith(("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")):
                seen.append(sql)

    logger, handler = logging.getLogger("peewee"), Counter(logging.DEBUG)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield seen
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def turn_on(settings: Settings, *names: str) -> None:
    """Migrate plugins and enable them, in a database that may have none."""
    found = discover(settings)
    for name in names:
        PluginState.insert(name=name, version="1").on_conflict_ignore().execute()
        migrate.apply(name, found[name].path / "migrations")


def install_suppliers(settings: Settings, *others: str) -> Runtime:
    """The core, the test plugin `suppliers` and `others` alone, migrated and installed as this process's generation."""
    settings = replace(settings, plugin_dir=str(PLUGINS))
    turn_on(settings, "suppliers", *others)
    built = plugins.build(settings)
    runtime.install(built)
    assert "suppliers.supplier" in built.resources, built.plugins
    search.ensure(built.resource("suppliers.supplier"))
    return built


def on_sqlite() -> Any:
    """The fixture `database_kind` of tests that one database is enough for: what they look at is the same on both."""

    @pytest.fixture
    def database_kind() -> str:
        return "sqlite"

    return database_kind


def suppliers_on(*others: str) -> Any:
    """The fixture `runtime` of tests about the plugin `suppliers`: with it and `others`, and the default roles."""

    @pytest.fixture
    def runtime(app_db: Any, settings: Settings) -> Iterator[Runtime]:
        boot.migrate_all(settings)
        built = install_suppliers(settings, *others)
        with bound(built):
            access.ensure_default_roles(system_context("cli"))
            yield built

    return runtime


def make_suppliers(*docs: dict[str, Any], count: int = 0) -> list[int]:
    """Suppliers with these documents, or `count` of them named S-0001 …; their ids."""
    resource = runtime.current().resource("suppliers.supplier")
    given = list(docs) or [{"code": f"S-{n:04}", "name": f"Supplier {n}"} for n in range(1, count + 1)]
    with db.transaction():
        outcomes = [
            outcome
            for at in range(0, len(given), 200)
            for outcome in service_of(resource).create(system_context("cli"), given[at : at + 200])
        ]
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes if not outcome.ok]
    return [outcome.id for outcome in outcomes if outcome.id is not None]


@contextmanager
def taking_no_writes() -> Iterator[None]:
    """The databases' own read-only modes; a disk that is truly full is in tests/prove."""
    off, on = (
        ("SET default_transaction_read_only = off", "SET default_transaction_read_only = on")
        if db.is_postgres()
        else ("PRAGMA query_only = off", "PRAGMA query_only = on")
    )
    db.database.execute_sql(on)
    try:
        yield
    finally:
        db.database.execute_sql(off)
