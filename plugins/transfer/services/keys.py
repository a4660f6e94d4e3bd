"""Records that a file names by their key, as by the code of a supplier instead of our number for him."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from typing import Any

import marshmallow as ma

from core import access, runtime
from core.context import Context
from core.i18n import _
from core.resources import Resource, Selection, references, select, service_of
from plugins.transfer.reading.named import places
from plugins.transfer.reading.values import BadCell

Wanted = tuple[str, str]
"""The name of a resource and the key of a record of it."""


class Keys:
    """What the cells of a chunk name, found in a fixed number of statements: `look_up` first, then one by one."""

    def __init__(self, ctx: Context) -> None:
        self.ctx, self._found = ctx, dict[Wanted, int | None]()

    def look_up(self, wanted: Iterable[Wanted]) -> None:
        """Forget what was found, and find these."""
        self._found = self._find(wanted)

    def __call__(self, target: str, key: str) -> int:
        """The id of the record `key`, when the actor may open it. Raises BadCell."""
        if (target, key) not in self._found:  # what a format has made of its cells
            self._found |= self._find([(target, key)])
        found = self._found[target, key]
        if found is None:
            raise BadCell(_("There is no record %(key)s; name it by its number or its key.", key=key[:50]))
        return found

    def _find(self, wanted: Iterable[Wanted]) -> dict[Wanted, int | None]:
        keys: defaultdict[str, set[str]] = defaultdict(set)
        for target, key in wanted:
            keys[target].add(key)
        ids = {(target, key): row for target, some in keys.items() for key, row in _ids(target, some).items()}
        seen = references.reachable(self.ctx, [(target, row) for (target, _key), row in ids.items()])
        known = {named: row for named, row in ids.items() if (named[0], row) in seen}
        return {(target, key): known.get((target, key)) for target, some in keys.items() for key in some}


def name(ctx: Context, resource: Resource, documents: Sequence[Any]) -> None:
    """Put keys for the numbers by which `documents` name records that the actor may open, where an import takes them
    for these: another shop has other numbers. A statement for each resource that they name."""
    found = [one for document in documents for one in places(resource.schema, document) if type(one.value) is int]
    known = _keys(ctx, {(one.target, one.value) for one in found})
    for one in found:
        one.node[one.name] = known.get((one.target, one.value), one.value)


def _keys(ctx: Context, wanted: Set[references.Named]) -> dict[references.Named, str]:
    keys: dict[references.Named, str] = {}
    for target in {target for target, _id in wanted}:
        resource = runtime.current().resources.get(target)
        if resource is None or len(resource.key) != 1 or not ctx.actor.can(resource.permission("view")):
            continue
        model, ids = resource.model, [row for name, row in wanted if name == target]
        field = getattr(model, resource.key[0])
        rows = select(ctx, resource, Selection(target, ids=ids)).select(model.id, field).order_by()
        denied = access.denied(ctx.actor, resource.permission("view"), target, ids)
        keys |= {(target, row): key for row, key in rows.tuples() if key and type(key) is str and row not in denied}
    return keys


def _ids(target: str, keys: Iterable[str]) -> dict[str, int]:
    """{key: id}; nothing of a resource of which one field alone does not name a record."""
    resource = runtime.current().resources.get(target)
    if resource is None or len(resource.key) != 1:
        return {}
    values = {key: value for key in keys if (value := _value(resource, key)) is not None}
    found = service_of(resource).find({(value,) for value in values.values()}) if values else {}
    return {key: found[(value,)] for key, value in values.items() if (value,) in found}


def _value(resource: Resource, key: str) -> object:
    """`key` as the field has it, None when it cannot be one."""
    try:
        return resource.schema().fields[resource.key[0]].deserialize(key)
    except ma.ValidationError:
        return None
