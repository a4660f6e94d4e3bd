"""Which format a file has, by its header alone, and a first mapping for one that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from core.cards import masked
from core.resources import Resource
from plugins.transfer.formats import Dialect, Mapping, Preview, fold, known_formats
from plugins.transfer.reading import flat, readers
from plugins.transfer.reading.dialect import sniff
from plugins.transfer.reading.mapping import REASON_COLUMNS
from plugins.transfer.reading.shape import leaves

_LIKE, _SAMPLE, _DOCUMENTS = 0.9, 20, 1_000


def inspect(path: Path, resource: str = "", dialect: Dialect | None = None) -> Preview:
    """Look at a file: dialect, header, first rows, and the format it is in. Raises FileRefused."""
    dialect = dialect or sniff(path)
    if dialect.kind == "jsonl":
        return _inspect_documents(path, resource, dialect)
    headers, rows = readers.read(path, dialect)
    return _preview(headers, [row for _line, row in islice(rows, _SAMPLE)], resource, dialect)


def _inspect_documents(path: Path, resource: str, dialect: Dialect) -> Preview:
    documents = [document for _line, document in islice(readers.documents(path, dialect, exact=True), _DOCUMENTS)]
    headers = list(flat.header(documents))
    rows = (row for document in documents for row in flat.rows(document, headers, (), _SAMPLE))
    seen = _preview(headers, [[cell or "" for cell in row] for row in islice(rows, _SAMPLE)], resource, dialect)
    return replace(seen, names=frozenset(name for document in documents for name in document))


def _preview(headers: list[str], sample: Sequence[Sequence[str]], resource: str, dialect: Dialect) -> Preview:
    known = [one for one in known_formats() if one.matches(headers) and resource in ("", one.resource)]
    # Two that match: the one that asks for more is the nearer one.
    found = max(known, key=lambda one: len(one.headers), default=None)
    return Preview(tuple(headers), tuple(tuple(map(masked, row)) for row in sample), dialect, found)


def native_mapping(resource: Resource, preview: Preview) -> Mapping | None:
    """The mapping of our own export files, when the header is one: only names of this resource, its key among them."""
    if preview.names:
        given = preview.names - set(REASON_COLUMNS)
        is_ours = bool(resource.key) and set(resource.key) <= given <= set(resource.schema().fields)
        return Mapping(native=True) if is_ours else None
    known, ours = leaves(resource.schema), set(preview.headers) - set(REASON_COLUMNS)
    is_ours = bool(resource.key) and set(resource.key) <= ours <= set(known)
    return (
        Mapping(columns=tuple((name, name) for name in preview.headers if name in known), native=True)
        if is_ours
        else None
    )


def suggest(resource: Resource, preview: Preview) -> tuple[Mapping, str]:
    """(mapping, format name): of the known format, of our own export, else by likeness of names and aliases."""
    if preview.format is not None:
        return preview.format.mapping, preview.format.name
    return native_mapping(resource, preview) or Mapping(columns=tuple(_alike(resource, preview.headers))), ""


def _squash(name: str) -> str:
    return "".join(letter for letter in fold(name) if letter.isalnum())


def _alike(resource: Resource, headers: Sequence[str]) -> list[tuple[str, str]]:
    names: dict[str, str] = {}
    for path, leaf in leaves(resource.schema).items():
        for name in (path, str(leaf.label), *leaf.aliases, leaf.path.removeprefix(f"{leaf.items}.")):
            names.setdefault(_squash(name), path)
    names.pop("", None)
    found: list[tuple[str, str]] = []
    for header in headers:
        near = difflib.get_close_matches(_squash(header), names, 1, _LIKE)
        target = names[near[0]] if near else ""
        if target and target not in dict(found).values():
            found.append((header, target))
    return found
