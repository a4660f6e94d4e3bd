"""Tables: their names, and what stands in the database once all migrations are applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import peewee

from core import boot, db
from core.db import migrate, schema
from core.plugins.blame import blaming
from core.plugins.manifest import Plugin
from core.resources import Resource
from core.runtime import Runtime
from core.trial.case import Case, objects


def check(case: Case) -> None:
    plugin, needed = case.plugin, _needed(case.built, case.plugin)
    _names(case)
    if not migrate.pending(plugin.name, _steps(plugin)):
        _stored(case)
    elif all("sqlite" in each.databases for each in needed):
        with _scratch(case.built, needed):
            _stored(case)
    # Else the tables are compared when they are made: `plugins.enable`.


def _names(case: Case) -> None:
    plugin = case.plugin
    models = {one.model for one in case.resources} | set(_own_models(plugin))
    for model in sorted(models, key=lambda model: model.__name__):
        table = model._meta.table_name
        if not table.startswith(f"{plugin.name}_"):
            text = f"its table {table!r} must be called {plugin.name}_…: table_name in its class Meta."
            case.errors.append(f"Model {model.__name__}: {text}")
        elif table not in plugin.data.get("tables", ()):
            text = f"its table {table!r} does not stand in tables of [data] in plugin.toml."
            case.hints.append(f"Model {model.__name__}: {text}")


def _own_models(plugin: Plugin) -> list[Any]:
    """Models of the plugin's own that are a table of our database, not the base of others."""
    classes: list[Any] = [one for one in objects(plugin.module, type) if issubclass(one, peewee.Model)]
    own = f"{plugin.module}."
    ours = [one for one in classes if f"{one.__module__}.".startswith(own) and one._meta.database is db.database]
    return [one for one in ours if not one.__subclasses__()]


def _stored(case: Case) -> None:
    for resource in case.resources:
        lacking = schema.lacking(resource.model)
        if lacking:
            text = f"{resource.name}: {lacking}, which the model has: write the migration that makes it."
            case.errors.append(text)
        else:
            _indexes(case, resource)


def _indexes(case: Case, resource: Resource) -> None:
    model, fields = resource.model, resource.model._meta.fields.keys() - {"id"}
    sortable = [column.name for column in resource.columns if column.sortable and column.name in fields]
    for name in sortable:
        if not schema.is_sorted(model, name):
            text = f"sortable needs an index on ({name}, id), or a unique one on {name}."
            case.errors.append(f"{resource.name}: Column {name}: {text}")
    looked_for = {one.name: f"Filter {one.name}" for one in resource.filters if one.kind not in ("tag", "bool")}
    looked_for |= dict.fromkeys(resource.search_exact, "search_exact")
    order = resource.default_sort.removeprefix("-")
    for name, where in looked_for.items():
        if name in fields and name != order and not schema.is_indexed(model, name):
            best = f"({name}, {order}, id)" if order != "id" else f"({name}, id)"
            case.hints.append(f"{resource.name}: {where}: on a large table {name} wants an index on {best}.")


def _steps(plugin: Plugin) -> Path:
    return plugin.path / "migrations"


def _needed(built: Runtime, plugin: Plugin) -> list[Plugin]:
    """`plugin` and those whose tables it may stand on, in load order."""
    names = [plugin.name]
    for name in names:
        wanted = (*built.plugins[name].requires, *built.plugins[name].optional)
        names += [one for one in wanted if one not in names and one in built.plugins]
    return [each for name, each in built.running.items() if name in names]


@contextmanager
def _scratch(built: Runtime, plugins: list[Plugin]) -> Iterator[None]:
    """An empty SQLite database with the tables of core and `plugins` in place of the present one."""
    kept, where = db.database.obj, " on SQLite, which its `databases` name" if db.is_postgres() else ""
    with TemporaryDirectory(dir=built.settings.data_dir) as folder:
        opened = db.connect(f"sqlite:///{folder}/trial.db")
        try:
            migrate.apply("core", boot.CORE_MIGRATIONS)
            for each in plugins:
                with blaming(each.name, f"Its migration failed{where}"):
                    migrate.apply(each.name, _steps(each))
            yield
        finally:
            opened.close_all()
            db.database.initialize(kept)
