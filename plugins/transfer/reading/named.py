"""Where a document names other records: by their numbers, or in a file by their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import marshmallow as ma

from core.resources import references


class Place(NamedTuple):
    """`node[name]` names a record of the resource `target`; `path`: dotted, with the numbers of rows."""

    node: dict[str, Any]
    name: str
    target: str
    path: str

    @property
    def value(self) -> Any:
        return self.node[self.name]


def places(schema: type[ma.Schema], document: Any) -> Iterator[Place]:
    """All of them that the document fills, also with what is no name."""
    for path, target in references.targets(schema).items():
        *steps, name = path.split(".")
        for node, prefix in _nodes(document, steps, ""):
            if node.get(name) is not None:
                yield Place(node, name, target, f"{prefix}{name}")


def _nodes(node: Any, steps: Sequence[str], prefix: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from _nodes(item, steps, f"{prefix}{number}.")
    elif isinstance(node, dict):
        if not steps:
            yield node, prefix
        else:
            yield from _nodes(node.get(steps[0]), steps[1:], f"{prefix}{steps[0]}.")
