"""Whole records as table rows and JSON lines, from which an import makes the same records again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, groupby
from typing import Any

from core import runtime
from core.db import money
from core.db.fields import plain
from core.resources import Resource
from plugins.transfer.reading.shape import Leaf, leaves
from plugins.transfer.reading.values import escape

NUMBERS = ("money", "number", "integer", "reference")
Document = dict[str, Any]
Writers = Mapping[str, Callable[[Any], str]]
Plan = list[tuple[str, Callable[[Any], str]]]


def rows(resource: Resource, documents: Iterator[Document]) -> Iterator[list[str]]:
    """Table rows; the first is the header. A document has a row per list item, its own cells on the first row only
    and its key on each."""
    parts = _parts(resource)
    yield [leaf.path for part in parts for leaf in part.leaves]
    shop_currency, known = runtime.current().settings.currency, dict[str, list[Plan]]()
    for doc in documents:
        currency = doc.get("currency") or shop_currency
        if currency not in known:
            known[currency] = [part.plan(_writers(currency)) for part in parts]
        cells = [part.rows(doc, plan) for part, plan in zip(parts, known[currency], strict=True)]
        count = max(map(len, cells), default=0) or 1
        whole = [made + [part.rest(made)] * (count - len(made)) for part, made in zip(parts, cells, strict=True)]
        yield from map(list, map(chain.from_iterable, zip(*whole, strict=True)))


def lines(resource: Resource, documents: Iterator[Document]) -> Iterator[bytes]:
    """A JSON line for each document."""
    parts, encode = _parts(resource), json.JSONEncoder(ensure_ascii=False, default=plain).encode
    for doc in documents:
        made: Document = {}
        for part in parts:
            part.copy(doc, made)
        yield encode(made).encode() + b"\n"


def tags_text(tags: Sequence[str]) -> str:
    simple = all(tag == tag.strip() and tag and "," not in tag and tag[0] != "[" for tag in tags)
    return escape(", ".join(tags) if simple else json.dumps(tags, ensure_ascii=False))


def text(value: Any) -> str:
    return escape(value if type(value) is str else plain(value))


def truth(value: Any) -> str:
    return "true" if value else "false"


def number(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=plain) if value else ""


def _writers(currency: str) -> Writers:
    """How a value of each kind becomes a cell; only free text is escaped, numbers are left alone."""
    kinds: dict[str, Callable[[Any], str]] = {
        "money": money.writer(currency),
        "tags": tags_text,
        "json": _json,
        "bool": truth,
    }
    return kinds | dict.fromkeys(NUMBERS[1:], number) | dict.fromkeys(("text", "time", "day"), text)


class _Part:
    """Columns side by side that lie in one object of a document, or in each item of one of its lists."""

    def __init__(self, found: Sequence[Leaf], key: Sequence[str]) -> None:
        self.leaves, self.items, self.steps = found, found[0].items, found[0].steps[:-1]
        self.names = [leaf.steps[-1] for leaf in found]
        self.blank = [""] * len(found)
        self.repeated = [place for place, leaf in enumerate(found) if not self.items and leaf.path in key]

    def plan(self, writers: Writers) -> Plan:
        return [(leaf.steps[-1], writers[leaf.kind]) for leaf in self.leaves]

    def rows(self, doc: Document, plan: Plan) -> list[list[str]]:
        """The cells of each list item, or those of the document itself."""
        nodes = (doc.get(self.items) or ()) if self.items else (doc,)
        return [self._cells(node, plan) for node in nodes]

    def _cells(self, node: Any, plan: Plan) -> list[str]:
        for step in self.steps:
            node = node.get(step) if node else None
        if not node:
            return self.blank
        return ["" if (value := node.get(name)) is None or value == "" else write(value) for name, write in plan]

    def rest(self, made: list[list[str]]) -> list[str]:
        """The cells of a further row, after those that are `made`."""
        if not self.repeated:
            return self.blank
        return [cell if place in self.repeated else "" for place, cell in enumerate(made[0])]

    def copy(self, doc: Document, made: Document) -> None:
        if not self.items:
            self._copy(doc, made)
            return
        found = doc.get(self.items) or []
        for source, target in zip(found, made.setdefault(self.items, [{} for _item in found]), strict=True):
            self._copy(source, target)

    def _copy(self, source: Any, target: Document) -> None:
        for step in self.steps:
            source = source.get(step)
            if source is None:
                target[step] = None
                return
            target = target.setdefault(step, {})
        target |= {name: source.get(name) for name in self.names}


def _parts(resource: Resource) -> list[_Part]:
    found = groupby(leaves(resource.schema).values(), key=lambda leaf: (leaf.items, leaf.steps[:-1]))
    return [_Part(list(some), resource.key) for _place, some in found]
