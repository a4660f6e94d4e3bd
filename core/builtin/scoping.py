"""Along which rows roles can be narrowed: what the form that limits them offers."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from core import runtime
from core.resources import Option, Resource, Scope


class Values(ma.fields.List[str]):
    """Values of a field: a list, or a text with commas between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ma.fields.String(validate=ma.validate.Length(1, 150)), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        found = list(filter(None, parts)) if isinstance(parts, list) else parts
        return super()._deserialize(found, attr, data, **options)


def resources() -> list[Option]:
    """Kinds of record that a role may reach in part."""
    return [Option(one.name, one.label_plural) for one in _scoped()]


def scopes() -> list[Option]:
    """By what: the field's name once, also where several kinds have it."""
    return [Option(name, label) for name, label in {one.name: one.label for _of, one in _all()}.items()]


def values() -> list[Option]:
    """The values that plugins declare; of more than one scope each says its own name before."""
    found = _all()
    return [
        Option(value, label if len(found) == 1 else f"{scope.label}: {label}")
        for _of, scope in found
        for value, label in scope.offered().items()
    ]


def are_typed() -> bool:
    """True when a scope has no values to choose: its plugin declares none, or there are none yet."""
    return any(not scope.offered() for _of, scope in _all())


def _scoped() -> list[Resource]:
    return [one for one in runtime.current().resources.values() if one.scopes]


def _all() -> list[tuple[Resource, Scope]]:
    return [(resource, scope) for resource in _scoped() for scope in resource.scopes]
