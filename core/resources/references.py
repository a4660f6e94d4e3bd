"""Fields that name another record: which ones, what they are called, and whether the actor may name them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import marshmallow as ma

from core import runtime
from core.context import Context
from core.errors import Invalid
from core.i18n import _
from core.resources import query
from core.resources.fields import schema_fields
from core.resources.sets import Selection

Named = tuple[str, int]
"""The name of a resource and the id of a record of it."""
Errors = dict[str, list[str]]


@lru_cache(maxsize=512)
def targets(schema: type[ma.Schema]) -> Mapping[str, str]:
    """{dotted path: resource} of the fields of `schema` that name a record."""
    return {info.path: info.target for info in schema_fields(schema) if info.target}


def named(schema: type[ma.Schema], document: Mapping[str, Any] | None) -> list[tuple[str, Named]]:
    """Every record that `document` names, with the path of its field; rows of lists with their numbers."""
    found = ((target, _values(document, path.split("."), "")) for path, target in targets(schema).items())
    return [(place, (target, key)) for target, some in found for place, key in some if isinstance(key, int)]


def _values(node: Any, steps: Sequence[str], place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _values(item, steps, f"{place}{number}.")
    elif not steps:
        yield place.removesuffix("."), node
    elif isinstance(node, Mapping):
        yield from _values(node.get(steps[0]), steps[1:], f"{place}{steps[0]}.")


def titles(ctx: Context, wanted: Iterable[Named]) -> dict[Named, str]:
    """What those of `wanted` are called that the actor may open; a statement a resource, and what its loader does."""
    known = runtime.current().resources
    return {
        (target, key): title
        for target, ids in _by_target(wanted).items() if target in known
        for key, title in query.titles(ctx, known[target], ids).items()
    }  # fmt: skip


def reachable(ctx: Context, wanted: Iterable[Named]) -> set[Named]:
    """Those of `wanted` that exist and that the actor may open; a statement a resource."""
    found: set[Named] = set()
    for target, ids in _by_target(wanted).items():
        resource = runtime.current().resources.get(target)
        if resource is None or not ctx.actor.can(resource.permission("view")):
            continue
        here = [row[0] for row in query.select(ctx, resource, Selection(target, ids=ids)).tuples()]
        found |= {(target, key) for key in query.open_to(ctx, resource, here)}
    return found


def _by_target(wanted: Iterable[Named]) -> dict[str, list[int]]:
    ids: defaultdict[str, set[int]] = defaultdict(set)
    for target, key in wanted:
        ids[target].add(key)
    return {target: sorted(some) for target, some in ids.items()}


def refused(
    ctx: Context, schema: type[ma.Schema], docs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]
) -> list[Errors]:
    """For each (document, what is stored): what it names that it did not name before and that the actor may not open.

    A statement for each resource that they name, however many they are.
    """
    if not targets(schema):
        return [{} for _doc in docs]
    new = []
    for doc, old in docs:
        had = {one for _place, one in named(schema, old)}
        new.append([(place, one) for place, one in named(schema, doc) if one not in had])
    known = reachable(ctx, [one for some in new for _place, one in some])
    return [{place: [_missing(*one)] for place, one in some if one not in known} for some in new]


def demand(ctx: Context, schema: type[ma.Schema], document: Mapping[str, Any]) -> None:
    """Raise Invalid, by field, when `document` names a record that the actor may not open."""
    (errors,) = refused(ctx, schema, [(document, None)])
    if errors:
        raise Invalid(errors)


def _missing(target: str, key: int) -> str:
    """The same text whether there is none, or it lies outside of what the actor may see."""
    resource = runtime.current().resources.get(target)
    if resource is None:
        return _("The plugin that this is of is off; it cannot be changed now.")
    return _("There is no %(label)s with the number %(id)s.", label=resource.label, id=key)
