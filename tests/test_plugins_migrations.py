"""Migrations: once over all processes, whole or not at all, refused after a change of the file, equal to the models."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import core
from core import boot, db
from core.db import migrate
from core.settings import Settings

FIRST = """
import peewee, time

def up(migrator, db):
    time.sleep({wait})
    db.execute_sql("CREATE TABLE acme_thing (id integer PRIMARY KEY, name varchar(20) NOT NULL)")
    db.execute_sql("INSERT INTO acme_thing VALUES (1, 'one')")

def down(migrator, db):
    db.execute_sql("DROP TABLE acme_thing")
"""
SECOND = """
import peewee

def up(migrator, db):
    migrator.migrate(migrator.add_column("acme_thing", "note", peewee.TextField(default="")))

def down(migrator, db):
    migrator.migrate(migrator.drop_column("acme_thing", "note"))
"""
APPLY = """
import sys
from pathlib import Path
from core import db
from core.db import migrate
db.connect(sys.argv[1])
print(*migrate.apply("acme", Path(sys.argv[2])))
"""


@pytest.fixture
def steps(app_db: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_first.py").write_text(FIRST.format(wait=0))
    return folder


def rows(table: str) -> int:
    return int(db.database.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_of_four_processes_at_once_exactly_one_applies(steps: Path, settings: Settings) -> None:
    (steps / "0001_first.py").write_text(FIRST.format(wait=0.5))
    (steps / "0002_second.py").write_text(SECOND)
    command = [sys.executable, "-c", APPLY, settings.url, str(steps)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=90) for process in running]
    assert [process.returncode for process in running] == [0] * 4, answers
    assert sorted(out.strip() for out, _ in answers) == ["", "", "", "0001_first 0002_second"]
    assert rows("acme_thing") == 1


def test_up_down_up_keeps_to_the_files(steps: Path) -> None:
    (steps / "0002_second.py").write_text(SECOND)
    assert migrate.pending("acme", steps) == ["0001_first", "0002_second"]
    assert migrate.apply("acme", steps) == ["0001_first", "0002_second"]
    assert migrate.pending("acme", steps) == []
    migrate.take_back("acme", steps, "0002_second")
    assert rows("acme_thing") == 1
    assert migrate.apply("acme", steps) == ["0002_second"]
    for step in ("0002_second", "0001_first"):
        migrate.take_back("acme", steps, step)
    assert "acme_thing" not in db.database.get_tables()


def test_a_folder_without_migrations_is_nothing_to_do(app_db: Any, tmp_path: Path) -> None:
    assert migrate.apply("acme", tmp_path / "none") == []


def test_a_changed_file_is_refused_by_name(steps: Path) -> None:
    migrate.apply("acme", steps)
    (steps / "0001_first.py").write_text(FIRST.format(wait=0) + "\n# harmless?\n")
    (steps / "0002_second.py").write_text(SECOND)
    with pytest.raises(migrate.MigrationRefused, match=r"0001_first\.py was changed"):
        migrate.apply("acme", steps)
    assert migrate.pending("acme", steps) == ["0002_second"]


def test_a_failing_step_leaves_nothing_and_can_be_mended(steps: Path) -> None:
    broken = SECOND.replace("def down", '    db.execute_sql("nonsense")\n\ndef down')
    (steps / "0002_second.py").write_text(broken)
    with pytest.raises(Exception, match="nonsense"):
        migrate.apply("acme", steps)
    assert [column.name for column in db.database.get_columns("acme_thing")] == ["id", "name"]
    (steps / "0002_second.py").write_text(SECOND)
    assert migrate.apply("acme", steps) == ["0002_second"]


@pytest.mark.parametrize("drop", ["DROP TABLE acme_thing", "DELETE FROM acme_thing"])
def test_a_step_may_not_pull_the_ground_from_under_others(steps: Path, drop: str) -> None:
    migrate.apply("acme", steps)
    db.database.execute_sql("CREATE TABLE other_part (id integer PRIMARY KEY, x integer REFERENCES acme_thing (id))")
    db.database.execute_sql("INSERT INTO other_part VALUES (1, 1)")
    (steps / "0002_drop.py").write_text(f'def up(migrator, db):\n    db.execute_sql("{drop}")\n')
    with pytest.raises(Exception, match="other_part"):
        migrate.apply("acme", steps)
    assert rows("acme_thing") == rows("other_part") == 1


def test_a_migration_inside_a_transaction_is_refused(steps: Path) -> None:
    with db.transaction(), pytest.raises(migrate.MigrationRefused, match="transaction"):
        migrate.apply("acme", steps)


def test_foreign_keys_hold_again_after_a_migration(steps: Path) -> None:
    migrate.apply("acme", steps)
    if not db.is_postgres():
        assert db.database.execute_sql("PRAGMA foreign_keys").fetchone()[0] == 1


def our_models() -> Iterator[Any]:
    """The tables of core and of our own plugins."""
    for module in pkgutil.walk_packages(core.__path__, "core."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting: list[Any] = [db.Model]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        room, plugin = model.__module__.split(".")[:2]
        owner = {"core": "core", "plugins": plugin}.get(room, "of a test")
        if model._meta.table_name.startswith(f"{owner}_"):
            yield model


def schema_of(table: str) -> dict[str, Any]:
    found = db.database.get_columns(table)
    columns = {column.name: (column.data_type.lower(), column.null, column.primary_key) for column in found}
    indexes = {(tuple(index.columns), index.unique) for index in db.database.get_indexes(table)}
    keys = {(key.column, key.dest_table, key.dest_column) for key in db.database.get_foreign_keys(table)}
    once = None
    if not db.is_postgres():
        sql = db.database.execute_sql("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        once = "AUTOINCREMENT" in sql
    return {"columns": columns, "indexes": indexes, "foreign keys": keys, "numbers are given once": once}


def test_the_migrated_schema_equals_the_models(runtime: Any, tmp_path: Path) -> None:
    models = list(our_models())
    assert {model.__module__.split(".")[0] for model in models} == {"core", "plugins"}
    tables = [model._meta.table_name for model in models]
    assert len(set(tables)) == len(tables)
    migrated = {table: schema_of(table) for table in tables}
    if db.is_postgres():
        db.database.execute_sql("DROP SCHEMA public CASCADE")
        db.database.execute_sql("CREATE SCHEMA public")
    else:
        db.connect(f"sqlite:///{tmp_path / 'second.db'}")
    db.database.create_tables(models)
    for table in tables:
        assert migrated[table] == schema_of(table), table


def test_core_migrates_down_to_nothing_and_up_again(app_db: Any) -> None:
    names = [path.stem for path in sorted(boot.CORE_MIGRATIONS.glob("0*.py"))]
    assert migrate.pending("core", boot.CORE_MIGRATIONS) == []
    for name in reversed(names):
        migrate.take_back("core", boot.CORE_MIGRATIONS, name)
    assert [
        table
        for table in db.database.get_tables()
        if table not in ("core_migration", "sqlite_sequence") and "_search" not in table
    ] == []
    assert migrate.apply("core", boot.CORE_MIGRATIONS) == names


UP = "import peewee\n\ndef up(migrator, db):\n    note = peewee.TextField(default='')\n    "
FORGOTTEN = UP + 'migrator.add_column("acme_thing", "note", note)\n'
RETURNED = UP + 'return migrator.add_column("acme_thing", "note", note)\n'
YIELDED = UP + (
    'yield migrator.add_column("acme_thing", "note", note)\n'
    '    db.execute_sql("UPDATE acme_thing SET note = name")\n'
    '    yield migrator.add_index("acme_thing", ("note", "id"))\n'
)


def test_a_change_that_was_made_and_never_run_is_refused(steps: Path) -> None:
    (steps / "0002_note.py").write_text(FORGOTTEN)
    with pytest.raises(migrate.MigrationRefused, match=r"add_column\('acme_thing', 'note', …\) was made and never run"):
        migrate.apply("acme", steps)
    assert migrate.pending("acme", steps) == ["0002_note"]


@pytest.mark.parametrize("text", [RETURNED, YIELDED], ids=["returned", "yielded"])
def test_a_change_that_is_returned_or_yielded_is_run(steps: Path, text: str) -> None:
    (steps / "0002_note.py").write_text(text)
    assert migrate.apply("acme", steps) == ["0001_first", "0002_note"]
    assert "note" in [column.name for column in db.database.get_columns("acme_thing")]


def test_a_playhouse_call_of_its_own_counts_as_run(steps: Path) -> None:
    text = FORGOTTEN.replace("migrator.add_column", "migrate(migrator.add_column").replace(", note)", ", note))")
    (steps / "0002_note.py").write_text("from playhouse.migrate import migrate\n" + text)
    assert migrate.apply("acme", steps) == ["0001_first", "0002_note"]


def test_the_newest_migration_is_taken_back_though_its_file_was_changed(steps: Path) -> None:
    (steps / "0002_second.py").write_text(SECOND.replace('"note"', '"nota"', 1))
    migrate.apply("acme", steps)
    (steps / "0002_second.py").write_text(SECOND.replace('"note"', '"nota"'))
    migrate.take_back("acme", steps, "0002_second")
    (steps / "0002_second.py").write_text(SECOND)
    assert migrate.apply("acme", steps) == ["0002_second"]
    assert [column.name for column in db.database.get_columns("acme_thing")] == ["id", "name", "note"]


def test_an_older_migration_or_one_beside_a_changed_one_is_not_taken_back(steps: Path) -> None:
    (steps / "0002_second.py").write_text(SECOND)
    migrate.apply("acme", steps)
    with pytest.raises(migrate.MigrationRefused, match=r"the newest one is acme\.0002_second"):
        migrate.take_back("acme", steps, "0001_first")
    with pytest.raises(migrate.MigrationRefused, match="none of ghost is"):
        migrate.take_back("ghost", steps, "0001_first")
    (steps / "0001_first.py").write_text(FIRST.format(wait=0) + "\n# harmless?\n")
    with pytest.raises(migrate.MigrationRefused, match=r"0001_first\.py was changed"):
        migrate.take_back("acme", steps, "0002_second")
