"""The columns that a resource's schema means: one per leaf field, dotted, money as decimals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import marshmallow as ma

from core.resources import ExactDecimal, Reference, Tags, Utc

ABSENT: Any = object()
"""What a blank cell means to a field that has no blank: leave the field as it is."""

_KINDS: tuple[tuple[Any, str], ...] = (
    (ma.fields.Date, "day"), ((Utc, ma.fields.DateTime), "time"), (ma.fields.Boolean, "bool"), (Reference, "reference"),
    (ma.fields.Integer, "integer"), ((ExactDecimal, ma.fields.Number), "number"), (Tags, "tags"),
    ((ma.fields.Dict, ma.fields.List, ma.fields.Nested), "json"),
)  # fmt: skip


@dataclass(frozen=True)
class Leaf:
    """One column. `path`: its name in files; `items`: the list it repeats in ("": the head); `steps`: names from there
    in a document; `blank`: what a blank cell gives; `nullable_parent`: path of the object above that may be null;
    `target`: the resource of a record that a cell names."""

    path: str
    items: str
    steps: tuple[str, ...]
    kind: str
    blank: Any
    label: Any
    aliases: tuple[str, ...] = ()
    nullable_parent: str = ""
    target: str = ""


def _kind(name: str, field: Any) -> str:
    if name.endswith("_minor") and isinstance(field, ma.fields.Integer):
        return "money"
    if isinstance(field, ma.fields.List) and isinstance(field.inner, ma.fields.String):
        return "tags"
    return next((kind for classes, kind in _KINDS if isinstance(field, classes)), "text")


def _blank(kind: str, field: Any) -> Any:
    if field.allow_none:
        return None
    empty: Any = {"text": "", "tags": [], "json": [] if isinstance(field, ma.fields.List) else {}}.get(kind, ABSENT)
    try:
        return empty if empty is ABSENT else field.deserialize(empty)
    except ma.ValidationError:
        return ABSENT


def list_schema(field: Any) -> ma.Schema | None:
    inner = field.inner if isinstance(field, ma.fields.List) else field
    is_list = isinstance(field, ma.fields.List) or getattr(field, "many", False)
    return inner.schema if is_list and isinstance(inner, ma.fields.Nested) else None


def _walk(schema: ma.Schema, items: str, steps: tuple[str, ...], parent: str) -> Iterator[Leaf]:
    for name, field in schema.fields.items():
        inside = list_schema(field)
        if field.dump_only or field.load_only:
            continue
        if inside is not None and not items and not steps:
            yield from _walk(inside, name, (), "")
        elif inside is None and isinstance(field, ma.fields.Nested):
            nullable = parent or (".".join((*steps, name)) if field.allow_none else "")
            yield from _walk(field.schema, items, (*steps, name), nullable)
        else:
            kind = _kind(name, field)
            shown = name.removesuffix("_minor") if kind == "money" else name
            path = ".".join(filter(None, (items, *steps, shown)))
            names = field.metadata.get("label", ""), tuple(field.metadata.get("aliases", ()))
            yield Leaf(
                path, items, (*steps, name), kind, _blank(kind, field), *names, parent, getattr(field, "resource", "")
            )


@lru_cache(maxsize=256)
def leaves(schema: type[ma.Schema]) -> dict[str, Leaf]:
    """{column name: leaf} in the order of the schema; fields that only go one way are left out."""
    return {leaf.path: leaf for leaf in _walk(schema(), "", (), "")}


def parts(schema: type[ma.Schema], own: Any) -> dict[str, list[tuple[str, str]]]:
    """{part of a record: [(column name, label)]}: `own` fields first, then those of each object or list in it."""
    found: dict[str, list[tuple[str, str]]] = {str(own): []}
    for path, leaf in leaves(schema).items():
        name, inside, _rest = path.partition(".")
        label = str(leaf.label) or path
        if not inside:
            found[str(own)].append((path, label))
            continue
        title = str(schema._declared_fields[name].metadata.get("label") or name)
        found.setdefault(title, []).append((path, f"{title}: {label}"))
    return found
