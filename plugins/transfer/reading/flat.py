"""JSON documents of any shape as rows of a table: nested names dotted, a row for each item of a list of objects."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from core.i18n import _
from plugins.transfer.reading.dialect import FileRefused

COLUMNS, DEPTH, REPEATED = 1_000, 8, 1_000
"""At most so many columns and levels (what lies deeper stays JSON), and letters of a cell that each row repeats."""

Cells = dict[str, str]


def header(documents: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    """All columns that the documents need, in the order in which they turn up; True: those of the items of a list."""
    names: dict[str, bool] = {}
    for document in documents:
        head, lists = _split(document)
        names |= dict.fromkeys(head, False)
        for item in (item for items in lists.values() for item in items):
            names |= dict.fromkeys(item, True)
        if len(names) > COLUMNS:
            raise FileRefused(_("The documents have more than %(n)s different fields; that is refused.", n=COLUMNS))
    return names


def rows(
    document: Mapping[str, Any], columns: Iterable[str], repeat: Collection[str], most: int
) -> Iterator[list[str | None]]:
    """The document's rows, `most` and one at most: its own cells on the first, those of `repeat` on each.

    None stands for what the document does not have, "" for what it has empty.
    """
    head, lists = _split(document)
    kept = {name: text for name, text in head.items() if name in repeat and len(text) <= REPEATED}
    for number in range(min(max([1, *map(len, lists.values())]), most + 1)):
        cells = dict(kept if number else head)
        for items in lists.values():
            if number < len(items):
                cells |= items[number]
        yield [cells.get(name) for name in columns]


def _split(document: Mapping[str, Any]) -> tuple[Cells, dict[str, list[Cells]]]:
    """A document's own cells, and for each of its lists of objects the cells of the items."""
    head: Cells = {}
    lists: dict[str, list[Cells]] = {}
    for path, value in _leaves(document, "", DEPTH):
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            lists[path] = [{name: _text(leaf) for name, leaf in _leaves(item, path, DEPTH)} for item in value]
        else:
            head[path] = _text(value)
    return head, lists


def _leaves(node: Mapping[str, Any], path: str, levels: int) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        inner = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and levels:
            yield from _leaves(value, inner, levels - 1)
        else:
            yield inner, value


def _text(value: Any) -> str:
    """A value as a cell of a file would have it; numbers come as texts already, digit by digit."""
    if isinstance(value, str):
        return value
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, list) and all(isinstance(one, str) and one.strip() and "," not in one for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)
