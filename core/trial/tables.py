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
from core.plugins.manifest import Plugin, blaming
from core.resources import Resource
from core.runtime import Runtime
from core.trial.findings import Finding, declared


def check(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    resources = [one for one in built.resources.values() if one.plugin == plugin.name]
    models = {one.model for one in resources} | set(_own_models(plugin))
    yield from _names(sorted(models, key=lambda model: str(model.__name__)), plugin)
    needed = _needed(built, plugin)
    if not migrate.pending(plugin.name, _steps(plugin)):
        yield from _stored(resources)
    elif all("sqlite" in each.databases for each in needed):
        with _scratch(built, needed):
            yield from list(_stored(resources))
    # Else the tables are compared when they are made: `plugins.enable`.


def _own_models(plugin: Plugin) -> list[Any]:
    """Models of the plugin's own that are a table of our database, not the base of others."""
    classes: list[Any] = [one for one in declared(plugin, type) if issubclass(one, peewee.Model)]
    own = f"{plugin.module}."
    ours = [one for one in classes if f"{one.__module__}.".startswith(own) and one._meta.database is db.database]
    return [one for one in ours if not one.__subclasses__()]


def _names(models: list[Any], plugin: Plugin) -> Iterator[Finding]:
    for model in models:
        table = model._meta.table_name
        if not table.startswith(f"{plugin.name}_"):
            text = f"its table {table!r} must be called {plugin.name}_…: table_name in its class Meta."
            yield Finding(f"Model {model.__name__}: {text}")
        elif table not in plugin.data.get("tables", ()):
            text = f"its table {table!r} does not stand in tables of [data] in plugin.toml."
            yield Finding(f"Model {model.__name__}: {text}", is_hint=True)


def _stored(resources: list[Resource]) -> Iterator[Finding]:
    for resource in resources:
        lacking = schema.lacking(resource.model)
        if lacking:
            yield Finding(f"{resource.name}: {lacking}, which the model has: write the migration that makes it.")
        else:
            yield from _indexes(resource)


def _indexes(resource: Resource) -> Iterator[Finding]:
    model, fields = resource.model, resource.model._meta.fields
    for column in resource.columns:
        if (
            column.sortable
            and column.name in fields
            and column.name != "id"
            and not schema.is_sorted(model, column.name)
        ):
            text = f"sortable needs an index on ({column.name}, id), or a unique one on {column.name}."
            yield Finding(f"{resource.name}: Column {column.name}: {text}")
    looked_for = {one.name: f"Filter {one.name}" for one in resource.filters if one.kind not in ("tag", "bool")}
    looked_for |= dict.fromkeys(resource.search_exact, "search_exact")
    order = resource.default_sort.removeprefix("-")
    for name, where in looked_for.items():
        if name in fields and name not in ("id", order) and not schema.is_indexed(model, name):
            best = f"({name}, {order}, id)" if order != "id" else f"({name}, id)"
            yield Finding(f"{resource.name}: {where}: on a large table {name} wants an index on {best}.", is_hint=True)


def _steps(plugin: Plugin) -> Path:
    return plugin.path / "migrations"


def _needed(built: Runtime, plugin: Plugin) -> list[Plugin]:
    """`plugin` and those whose tables it may stand on, in load order."""
    names = [plugin.name]
    for name in names:
        wanted = (*built.plugins[name].requires, *built.plugins[name].optional)
        names += [one for one in wanted if one not in names and one in built.plugins]
    return [each for each in built.plugins.values() if each.name in names and each.status == "healthy"]


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
