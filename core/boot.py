"""Start of every process: connect the database, build the present generation, install it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core import access, db, plugins, runtime
from core.context import system_context
from core.db import migrate
from core.errors import MaktabError
from core.plugins.manifest import Plugin
from core.runtime import Runtime
from core.settings import Settings

CORE_MIGRATIONS = Path(__file__).parent / "migrations"


class OldSchema(MaktabError):
    """The database is older than this code; the code of before, on a newer database, goes on."""


def start(settings: Settings) -> Runtime:
    """Connect, build the present generation from the database and make it the process's own."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    db.connect(settings.url)
    built = plugins.build(settings)
    runtime.install(built)
    return built


def prepare(settings: Settings) -> list[str]:
    """Make a new install, or bring an old one to this version; returns the names of the migrations applied."""
    start(settings)
    applied = migrate.apply("core", CORE_MIGRATIONS)
    plugins.install_defaults()
    applied += migrate_all(settings)
    runtime.install(plugins.build(settings))
    access.ensure_default_roles(system_context("cli"))
    return applied


def waiting(running: Mapping[str, Plugin]) -> list[str]:
    """Names of the migrations that `migrate_all` would apply for core and these plugins."""
    steps = [(name, step) for name, one in running.items() for step in migrate.pending(name, one.path / "migrations")]
    return [*migrate.pending("core", CORE_MIGRATIONS), *(f"{name}.{step}" for name, step in steps)]


def demand_schema(settings: Settings) -> None:
    """Raise OldSchema when migrations wait in the database that is connected. Imports no plugin."""
    if names := waiting(plugins.running(settings)):
        raise OldSchema(f"The database is older than this version ({', '.join(names)}). Run: maktab migrate")


def migrate_all(settings: Settings) -> list[str]:
    """Apply what is pending, core first, then enabled plugins in load order; returns the names of what was applied."""
    applied = migrate.apply("core", CORE_MIGRATIONS)
    built = plugins.build(settings)
    for name in built.running:
        applied += plugins.migrate_tables(built, name)
    return applied
