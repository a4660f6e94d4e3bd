"""Numbered migrations per plugin: playhouse's Runner with a lock over all processes and a hash per file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peewee
from playhouse.migrate import Operation
from playhouse.migrations import Runner

from core.db.engine import database, is_postgres
from core.db.fields import UTCDateTimeField, utcnow
from core.errors import MaktabError

_LOCK_KEY = 0x6D616B746162  # "maktab"


class MigrationRefused(MaktabError):
    """A migration may not run, or left the database with references that lead nowhere; nothing was changed."""


class _Step(Operation):  # type: ignore[misc]
    """One change of a table; `migrator.add_column(...)` only makes it, and nothing happens before it is run."""

    has_run = False

    def run(self) -> None:
        self.has_run = True
        super().run()


class _Migrator:
    """The migrator that `up` and `down` get: it remembers what they make, and runs what they return or yield."""

    def __init__(self, inner: Any) -> None:
        self._inner, self._made = inner, list[tuple[str, _Step]]()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)

        def make(*args: Any, **kwargs: Any) -> Any:
            made = found(*args, **kwargs)
            if not isinstance(made, Operation):
                return made
            step = _Step(made.migrator, made.fn, *made.args, **made.kwargs)
            self._made.append((f"{name}({', '.join(map(repr, args[:2]))}, …)", step))
            return step

        return make if callable(found) else found

    def finish(self, returned: Any) -> None:
        """Run what came back, one or several; raises MigrationRefused for what was made for nothing."""
        for one in returned if isinstance(returned, Iterable) else (returned,):
            if isinstance(one, _Step) and not one.has_run:
                one.run()
        waiting = [text for text, step in self._made if not step.has_run]
        if waiting:
            raise MigrationRefused(
                f"migrator.{waiting[0]} was made and never run: write migrator.migrate(migrator.{waiting[0]})."
            )


class _Runner(Runner):  # type: ignore[misc]
    """Keeps the sha256 of each file beside its name, and looks for dependents where the database does not."""

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(database.obj, str(directory), f"{name}_migration")
        self.digest = ""

        class History(peewee.Model):  # type: ignore[misc]
            name = peewee.CharField(unique=True)
            applied = UTCDateTimeField(default=utcnow)
            sha256 = peewee.CharField(max_length=64, default=lambda: self.digest)

            class Meta:
                database = self.database
                table_name = self.table_name

        self.History: Any = History

    def refuse_changed(self, but: str = "") -> None:
        """`but`: a migration that may have been changed since, as it is taken back."""
        if not self.History.table_exists():
            return
        files = {migration.name: migration.path for migration in self.migrations() if migration.name != but}
        for row in self.History.select():
            if row.name in files and _digest(files[row.name]) != row.sha256:
                raise MigrationRefused(
                    f"The migration {files[row.name]} was changed after it was applied on {row.applied:%Y-%m-%d}. "
                    "Put the file back as it was and write a new migration."
                )

    def _run(self, name: str, module: Any, direction: str, fake: bool = False) -> None:
        def checked(migrator: Any, db: peewee.Database) -> None:
            steps = _Migrator(migrator)
            steps.finish(getattr(module, direction)(steps, db))
            _refuse_dangling(db, name)

        self.digest = _digest(module.__file__)
        step = SimpleNamespace(atomic=getattr(module, "atomic", True), **{direction: checked})
        super()._run(name, step, direction, fake)


def apply(name: str, directory: Path) -> list[str]:
    """Apply what is pending in `directory` and return the names; of many processes at once, exactly one does it.

    Raises MigrationRefused when an applied file was changed. Must not be called inside a transaction.
    """
    return _locked(name, directory, lambda runner: list(runner.up()))


def take_back(name: str, directory: Path, step: str) -> None:
    """Undo `step`, the newest migration, while it is written: its file may have been changed since it was applied."""

    def newest(runner: _Runner) -> list[str]:
        applied = [migration.name for migration in runner.status() if migration.applied]
        if applied[-1:] != [step]:
            is_so = f"the newest one is {name}.{applied[-1]}" if applied else f"none of {name} is"
            raise MigrationRefused(f"Only the newest migration can be taken back, and {name}.{step} is not: {is_so}.")
        return list(runner.down())

    _locked(name, directory, newest, but=step)


def pending(name: str, directory: Path) -> list[str]:
    """Names of the migrations that `apply` would run now."""
    applied = _Runner(name, directory).status()
    return [migration.name for migration in applied if migration.path and not migration.applied]


def _locked(name: str, directory: Path, step: Callable[[_Runner], list[str]], but: str = "") -> list[str]:
    if database.in_transaction():
        raise MigrationRefused("Migrations need a connection without an open transaction.")
    with _lock():
        runner = _Runner(name, directory)
        runner.refuse_changed(but)
        return step(runner)


@contextmanager
def _lock() -> Iterator[None]:
    """One migrating process per database: the Runner takes no lock, and four at once failed in every round."""
    if is_postgres():
        database.execute_sql("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        try:
            # A migration that waits for a lock makes every later query of the table wait behind it.
            database.execute_sql("SET lock_timeout = '10s'")
            yield
        finally:
            database.execute_sql("RESET lock_timeout")
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (_LOCK_KEY,))
    else:
        # Not a transaction on the database itself: the steps need it for theirs, with foreign keys switched off.
        with closing(sqlite3.connect(f"{database.obj.database}.migrating", timeout=120, isolation_level=None)) as side:
            side.execute("BEGIN EXCLUSIVE")
            yield


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _refuse_dangling(db: Any, name: str) -> None:
    """SQLite lets a migration drop a table that others refer to; PostgreSQL refuses by itself."""
    if is_postgres():
        return
    tables = set(db.get_tables())
    for table in tables:
        for key in db.get_foreign_keys(table):
            if key.dest_table not in tables:
                raise MigrationRefused(f"{name} would remove {key.dest_table}, which {table}.{key.column} refers to.")
    broken = db.execute_sql("PRAGMA foreign_key_check").fetchone()
    if broken:
        raise MigrationRefused(f"{name} would leave rows of {broken[0]} that refer to missing rows of {broken[2]}.")
