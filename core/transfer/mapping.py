"""A mapping put to work on one file: rows in, loaded documents or problems per line out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import marshmallow as ma

from core.db import money
from core.errors import Invalid
from core.i18n import _
from core.resources import Resource
from core.transfer import values
from core.transfer.formats import Mapping, Prepare, fold
from core.transfer.readers import Cells
from core.transfer.shape import ABSENT, Leaf, leaves

REASON_COLUMNS = ("maktab: line", "maktab: problem")
Row = tuple[int, Any]  # line, cells (or the whole document of a JSON lines file)


@dataclass
class Draft:
    """One document of the file. `problems`: line -> texts; empty when `document` is loaded and may be written."""

    rows: Sequence[Row]
    document: dict[str, Any] = field(default_factory=dict)
    problems: dict[int, list[str]] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def first_line(self) -> int:
        return int(self.rows[0][0])


class Plan:
    """Compiled once per file. `see` every row first, then ask `draft` for documents."""

    def __init__(self, resource: Resource, mapping: Mapping, headers: Sequence[str], prepare: Prepare | None, home: Sequence[str]):
        """`home`: (currency, time zone) of the shop."""
        self.resource, self.mapping, self.headers, self.prepare = resource, mapping, headers, prepare
        self.schema, self.leaves = resource.schema(), leaves(resource.schema)
        self.currency, self.zone = home[0], mapping.timezone or home[1]
        self.fix = values.unescape if mapping.native else values.clean
        self.is_nested = not headers
        chosen = {fold(source): target for source, target in reversed(mapping.columns)}
        chosen |= {source.casefold(): target for source, target in mapping.columns} | dict(mapping.columns)
        # A rejected file that was corrected comes with our own two columns.
        chosen |= dict.fromkeys(REASON_COLUMNS, "")
        self.targets = [chosen.get(name, chosen.get(name.casefold(), chosen.get(fold(name)))) for name in headers]
        self.sources = {target: name for name, target in zip(headers, self.targets, strict=True) if target}
        self.key = self._key()
        self.head = [(i, t) for i, t in enumerate(self.targets) if t and not self._list_of(t)]
        self.items = {name: self._columns_of(name) for name in dict.fromkeys(leaf.items for leaf in self.leaves.values() if leaf.items)}
        self.items = {name: columns for name, columns in self.items.items() if columns}
        self.loose = [(i, headers[i]) for i, target in enumerate(self.targets) if target is None]
        self.signs: dict[str, str] = {}
        self.orders: dict[str, str] = {}
        self._watched = {} if mapping.native else {i: leaf for i, t in enumerate(self.targets) if (leaf := self.leaves.get(t or ""))}
        self._watched = {i: leaf for i, leaf in self._watched.items() if leaf.kind in ("number", "integer", "money", "time", "day")}

    def _list_of(self, target: str) -> str:
        name = target.split(".", 1)[0]
        return name if any(leaf.items == name for leaf in self.leaves.values()) else ""

    def _columns_of(self, name: str) -> list[tuple[int, str]]:
        return [(i, t.split(".", 1)[1]) for i, t in enumerate(self.targets) if t and self._list_of(t) == name]

    def _key(self) -> list[int]:
        names = {fold(name) for name in self.mapping.key}
        if names:
            return [i for i, name in enumerate(self.headers) if fold(name) in names]
        return [i for i, target in enumerate(self.targets) if target in self.resource.key]

    def key_of(self, line: int, row: Any) -> str:
        """Rows with the same text here are one document."""
        found = [row.get(name) for name in self.resource.key] if self.is_nested else [(row[i] or "").strip() for i in self.key if i < len(row)]
        return json.dumps(found) if any(found) else f"line {line}"

    # How numbers and dates are written, learned from all rows of a column before the first is read.

    def see(self, cells: Cells) -> None:
        for place, leaf in list(self._watched.items()):
            cell = cells[place] if place < len(cells) else None
            if not cell:
                continue
            if leaf.kind in ("time", "day"):
                proof, known = values.date_order(cell), self.orders
            else:
                proof, known = (values.decimal_sign(cell) if "," in cell or "." in cell else ""), self.signs
            if proof:
                known[leaf.path] = proof
                del self._watched[place]

    def _sign(self, path: str) -> str:
        proven = set(self.signs.values())
        return self.mapping.decimal or self.signs.get(path) or ("," if proven == {","} else ".")

    # From rows to a document of texts, then to values, then through the schema.

    def draft(self, rows: Sequence[Row]) -> Draft:
        draft = Draft(rows)
        if self.is_nested:
            raw: Any = {name: value for _line, doc in rows for name, value in doc.items() if name not in REASON_COLUMNS}
        else:
            self._check_text(draft)
            raw = self._converted(self._assembled(draft), draft)
        failed = {line: list(texts) for line, texts in draft.problems.items()}
        try:
            draft.document = self.schema.load(raw)
        except ma.ValidationError as error:
            for path, text in _flat(error.messages):
                self.note(draft, path, text, unless=failed)
        return draft

    def note(self, draft: Draft, path: str, text: str, unless: dict[int, list[str]] | None = None) -> None:
        """A problem at a schema path (`lines.2.sku`), put on its line under the name of its column."""
        parts = [part for part in path.split(".") if part and part != "_schema"]
        place = next((int(part) for part in parts if part.isdigit()), None)
        lines = draft.lines.get(parts[0], []) if parts else []
        line = lines[place] if place is not None and place < len(lines) else draft.first_line
        column = ".".join(part for part in parts if not part.isdigit()).removesuffix("_minor")
        label = self.sources.get(column, column)
        known = (unless or {}).get(line, ())
        if not any(old.startswith(f"{label}:") for old in known):
            draft.problems.setdefault(line, []).append(f"{label}: {text}" if label else text)

    def _check_text(self, draft: Draft) -> None:
        for line, cells in draft.rows:
            text = "".join(filter(None, cells))
            if not text.isascii() or "\0" in text:
                try:
                    text.encode()
                except UnicodeEncodeError:
                    draft.problems[line] = [_("This line has bytes that are not of the file's encoding; choose the right one.")]
                if "\0" in text:
                    draft.problems[line] = [_("This line has a NUL character.")]

    def _assembled(self, draft: Draft) -> dict[str, Any]:
        rows = [[None if cell is None else self.fix(cell) for cell in cells] for _line, cells in draft.rows]
        doc: dict[str, Any] = {}
        for place, target in self.head:
            found = [row[place] for row in rows if place < len(row) and row[place] is not None]
            if found:
                _put(doc, target, next(filter(None, found), ""))
        items = {name: [self._item(columns, row) for row in rows] for name, columns in self.items.items()}
        self._extra(doc, rows, next(iter(items.values()), []))
        for number, row in enumerate(rows):
            self._rules(doc, row, {name: made[number] for name, made in items.items()}, is_first=number == 0)
        for name, made in items.items():
            kept = [(line, item) for (line, _c), item in zip(draft.rows, made, strict=True) if item is not None]
            doc[name], draft.lines[name] = [item for _l, item in kept], [line for line, _i in kept]
        for target, text in self.mapping.constants.items():
            listed = self._list_of(target)
            for into in doc.get(listed, []) if listed else [doc]:
                _put(into, target.removeprefix(f"{listed}."), text)
        if self.prepare is None:
            return doc
        return self.prepare(doc, [dict(zip(self.headers, row, strict=False)) for row in rows])  # type: ignore[arg-type]

    def _item(self, columns: Sequence[tuple[int, str]], row: Cells) -> dict[str, Any] | None:
        item: dict[str, Any] = {}
        filled = False
        for place, target in columns:
            cell = row[place] if place < len(row) else None
            if cell is not None:
                filled = filled or cell != ""
                _put(item, target, cell)
        return item if filled else None

    def _extra(self, doc: dict[str, Any], rows: Sequence[Cells], items: Sequence[dict[str, Any] | None]) -> None:
        """Columns that nothing was mapped to: on the document when its rows agree, else on each row's item."""
        width = max(map(len, rows))
        beyond = [(i, f"Column {i + 1}") for i in range(len(self.headers), width)]
        for place, name in [*self.loose, *beyond]:
            cells = [row[place] if place < len(row) else None for row in rows]
            if not any(cells):
                continue
            if (cells[0] and all(not cell or cell == cells[0] for cell in cells)) or not any(items):
                doc.setdefault("extra", {})[name] = next(filter(None, cells))
                continue
            for cell, item in zip(cells, items, strict=True):
                if cell and item is not None:
                    item.setdefault("extra", {})[name] = cell

    def _rules(self, doc: dict[str, Any], row: Cells, items: dict[str, dict[str, Any] | None], is_first: bool) -> None:
        for rule in self.mapping.rules:
            listed = self._list_of(rule["target"])
            into = items.get(listed) if listed else doc if is_first else None
            place = next((i for i, name in enumerate(self.headers) if fold(name) == fold(rule["column"])), None)
            if into is None or place is None:
                continue
            cell = (row[place] if place < len(row) else None) or ""
            value = rule.get("then") if self._holds(rule, cell) else rule.get("else")
            if value is not None:
                _put(into, rule["target"].removeprefix(f"{listed}."), value, over=True)

    def _holds(self, rule: Any, cell: str) -> bool:
        op, value = rule["op"], rule.get("value", "")
        if op in ("gt", "lt"):
            try:
                difference = values.number(cell, self._sign(self.targets[self.headers.index(rule["column"])] or "")) - Decimal(value)
            except (values.BadCell, ValueError, ArithmeticError):
                return False
            return difference > 0 if op == "gt" else difference < 0
        left, right = cell.casefold(), value.casefold()
        tests = {"eq": left == right, "ne": left != right, "starts": left.startswith(right), "ends": left.endswith(right)}
        return (tests | {"contains": right in left, "blank": not left, "filled": bool(left)})[op]

    def _converted(self, raw: dict[str, Any], draft: Draft) -> dict[str, Any]:
        return self._convert(raw, "", "", str(raw.get("currency") or self.currency).upper(), draft)

    def _convert(self, node: dict[str, Any], prefix: str, where: str, currency: str, draft: Draft) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, value in node.items():
            leaf = self.leaves.get(prefix + name)
            if leaf is None and isinstance(value, dict):
                parent = prefix + name
                is_null = not any(value.values()) and any(leaf.nullable_parent == parent for leaf in self.leaves.values())
                out[name] = None if is_null else self._convert(value, f"{parent}.", f"{where}{name}.", currency, draft)
            elif leaf is None and isinstance(value, list):
                out[name] = [self._convert(item, f"{prefix}{name}.", f"{where}{name}.{i}.", currency, draft) for i, item in enumerate(value)]
            elif leaf is None or not isinstance(value, str):
                out[name if leaf is None else leaf.steps[-1]] = value
            else:
                try:
                    found = self._value(leaf, value, currency)
                except (values.BadCell, Invalid, ArithmeticError, ValueError, OverflowError) as problem:
                    self.note(draft, where + name, str(problem))
                    continue
                if found is not ABSENT:
                    out[leaf.steps[-1]] = found
        return out

    def _value(self, leaf: Leaf, text: str, currency: str) -> Any:
        if leaf.kind == "text" or not text:
            return text or leaf.blank
        if leaf.kind == "money":
            return money.to_minor(values.number(text, self._sign(leaf.path)), currency)
        if leaf.kind in ("number", "integer"):
            number = values.number(text, self._sign(leaf.path))
            if leaf.kind == "integer" and number != number.to_integral_value():
                raise values.BadCell(_("%(cell)r is not a whole number.", cell=text[:40]))
            return int(number) if leaf.kind == "integer" else number
        if leaf.kind in ("time", "day"):
            when = values.moment(text, self.mapping.date_order or self.orders.get(leaf.path, ""), self.zone)
            return when.isoformat() if leaf.kind == "time" else when.date().isoformat()
        if leaf.kind == "tags" and text[0] != "[":
            return [part.strip() for part in text.split(",") if part.strip()]
        return json.loads(text) if leaf.kind in ("tags", "json") else text


def _put(into: dict[str, Any], path: str, value: str, over: bool = False) -> None:
    """Set `path` in nested dicts; a value that is there stays unless `over`, a blank one gives way."""
    if path.startswith("extra."):
        steps = ["extra", path.removeprefix("extra.")]
    else:
        steps = path.split(".")
    for step in steps[:-1]:
        into = into.setdefault(step, {})
    if over or not into.get(steps[-1]):
        into[steps[-1]] = value


def _flat(messages: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """marshmallow's nested messages as (dotted path, text)."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _flat(inner, f"{prefix}{name}.")
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield prefix.rstrip("."), str(text)
