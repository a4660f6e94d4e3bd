"""Resources: the fields that they name, the kinds and the icons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from core.plugins.manifest import Plugin
from core.resources import Column, Kind, Resource, Tone
from core.resources.query import OPERATORS
from core.runtime import Runtime
from core.trial.findings import Finding, unknown
from core.views import RESERVED
from core.web import theme


def check(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    for resource in built.resources.values():
        if resource.plugin == plugin.name:
            for part in (_names, _columns, _filters, _views, _sections, _icons, _document):
                yield from part(resource)


def _of_model(where: str, name: str, resource: Resource) -> Iterator[Finding]:
    model = resource.model
    yield from unknown(f"{resource.name}: {where}", name, model._meta.fields, f"a field of the model {model.__name__}")


def _of_schema(where: str, name: str, resource: Resource) -> Iterator[Finding]:
    schema = resource.schema
    yield from unknown(f"{resource.name}: {where}", name, schema().fields, f"a field of the schema {schema.__name__}")


def _names(resource: Resource) -> Iterator[Finding]:
    for scope in resource.scopes:
        yield from _of_model(f"Scope {scope.name}", scope.name, resource)
    for name in resource.search_exact:
        yield from _of_model("search_exact", name, resource)
    for name in resource.key:
        yield from _of_schema("key", name, resource)
        if resource.service is None:
            yield from _of_model("key", name, resource)
    for name in resource.form_fields:
        yield from _of_schema("form_fields", name, resource)
    sort = resource.default_sort.removeprefix("-")
    yield from unknown(f"{resource.name}: default_sort", sort, _sortable(resource), "id or a sortable column")


def _sortable(resource: Resource) -> set[str]:
    return {"id", *(column.name for column in resource.columns if column.sortable)}


def _columns(resource: Resource) -> Iterator[Finding]:
    fields = resource.model._meta.fields
    for column in resource.columns:
        where = f"Column {column.name}"
        yield from unknown(f"{resource.name}: {where}: kind", column.kind, get_args(Kind), "a kind of column")
        if column.sortable or not _can_be_read(resource, column):
            yield from _of_model(where, column.name, resource)
        for name in column.reads or ():
            yield from _of_model(f"{where}: reads", name, resource)
        for badge in column.badges.values():
            yield from unknown(f"{resource.name}: {where}: tone", badge.tone, get_args(Tone), "a tone of a badge")
        if column.kind == "money" and not (column.name.endswith("_minor") and "currency" in fields):
            text = "kind money needs a field that ends in _minor and, beside it, the field currency."
            yield Finding(f"{resource.name}: {where}: {text}")


def _can_be_read(resource: Resource, column: Column) -> bool:
    """From the record itself, by `value`, or as what the loader may have put there."""
    is_tags = column.kind == "tags" and resource.has_tags
    return bool(column.value or resource.loader or is_tags) or hasattr(resource.model, column.name)


def _filters(resource: Resource) -> Iterator[Finding]:
    for one in resource.filters:
        where = f"Filter {one.name}"
        yield from unknown(f"{resource.name}: {where}: kind", one.kind, OPERATORS, "a kind of filter")
        if one.kind != "tag":
            yield from _of_model(where, one.name, resource)
        elif not resource.has_tags:
            yield Finding(f"{resource.name}: {where}: kind tag needs has_tags=True.")
        if one.name in RESERVED:
            yield Finding(f"{resource.name}: {where}: the address of a list uses this name for something else.")


def _views(resource: Resource) -> Iterator[Finding]:
    filters, columns = {one.name for one in resource.filters}, {one.name for one in resource.columns}
    for one in resource.views:
        where = f"{resource.name}: View {one.name}"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", one.name) or one.name in ("all", "new"):
            yield Finding(f"{where}: its name is small letters, digits and _, a letter first, not all or new.")
        for argument in one.filters:
            yield from unknown(f"{where}: filters", argument.partition("__")[0], filters, "a filter of the resource")
        for name in one.columns:
            yield from unknown(f"{where}: columns", name, columns, "a column of the resource")
        if one.sort:
            yield from unknown(f"{where}: sort", one.sort.removeprefix("-"), _sortable(resource), "a sortable column")


def _sections(resource: Resource) -> Iterator[Finding]:
    for section in resource.detail:
        for name in section.fields:
            if resource.column(name) is None and not resource.loader and not hasattr(resource.model, name):
                yield from _of_model(f"Section {section.name}", name, resource)


def _icons(resource: Resource) -> Iterator[Finding]:
    yield from unknown(f"{resource.name}: icon", resource.icon, theme.ICONS, "an icon of the theme")
    for action in resource.actions:
        if action.icon:
            where = f"{resource.name}: Action {action.name}: icon"
            yield from unknown(where, action.icon, theme.ICONS, "an icon of the theme")


def _document(resource: Resource) -> Iterator[Finding]:
    """What the service of core writes: a row with the fields of the schema, unless the schema makes something else."""
    schema = resource.schema()
    if resource.service is not None or schema._hooks.get("post_load") or not (resource.can_create or resource.can_edit):
        return
    taken = {one.attribute or name for name, one in schema.fields.items() if not one.dump_only}
    for name in sorted(taken - ({"tags"} if resource.has_tags else set())):
        yield from _of_model(f"schema {resource.schema.__name__}", name, resource)
    for name, field in resource.model._meta.fields.items():
        if resource.can_create and _is_needed(field) and name not in taken:
            text = (
                f"schema {resource.schema.__name__} has no field {name!r} that may be written, and the model needs it"
            )
            yield Finding(f"{resource.name}: {text}: give it there, or a default in the model.")


def _is_needed(field: Any) -> bool:
    return not field.null and field.default is None and not field.primary_key
