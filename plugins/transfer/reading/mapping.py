"""A mapping put to work on one file: rows in, loaded documents or problems per line out."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import marshmallow as ma
import structlog

from core.cards import holds_card
from core.db import money
from core.errors import Invalid
from core.i18n import _
from core.parse import parse_json
from core.resources import Resource, card_refused
from core.resources.fields import by_field
from plugins.transfer.formats import Mapping, Prepare, fold
from plugins.transfer.reading import named, values
from plugins.transfer.reading.quick import quick
from plugins.transfer.reading.shape import ABSENT, Leaf, leaves, list_schema

log = structlog.get_logger("maktab.transfer")
REASON_COLUMNS = ("maktab: line", "maktab: problem")
_NUMBERS, _TIMES = ("number", "integer", "money"), ("time", "day")
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__, "ne": str.__ne__, "starts": str.startswith, "ends": str.endswith, "contains": str.__contains__,
    "blank": lambda cell, _value: not cell, "filled": lambda cell, _value: bool(cell),
}  # fmt: skip
Cells = list[str | None]
Node = dict[str, Any]
Row = tuple[int, Any]  # line, cells (or the whole document of a JSON lines file)


@dataclass
class Draft:
    """One document of the file. `problems`: line -> texts; none: `document` is loaded and may be written.

    `lines`: list name -> line of each of its items.
    """

    rows: Sequence[Row]
    document: Node = field(default_factory=dict)
    problems: dict[int, list[str]] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def first_line(self) -> int:
        return int(self.rows[0][0])


class Plan:
    """Compiled once per file: `see` every row, then ask `draft` for documents.

    `headers` empty: a JSON lines file, whose lines are documents already. `currency`, `zone`: the shop's.
    `key_to_id(resource, text)`: the record that a cell names by its key; raises BadCell.
    """

    def __init__(
        self,
        resource: Resource,
        mapping: Mapping,
        headers: Sequence[str],
        prepare: Prepare | None,
        currency: str,
        zone: str,
        key_to_id: Callable[[str, str], int],
    ) -> None:
        self.resource, self.mapping, self.headers, self.prepare = resource, mapping, headers, prepare
        self.leaves = leaves(resource.schema)
        self.nullable = {leaf.nullable_parent for leaf in self.leaves.values()}
        self.lists = dict.fromkeys(leaf.items for leaf in self.leaves.values())
        self.currency, self.zone, self.key_to_id = currency, mapping.timezone or zone, key_to_id
        self.fix = values.unescape if mapping.native else values.clean
        # A file of rejected rows that somebody corrected comes with our own two columns.
        targets = ["" if name in REASON_COLUMNS else mapping.target(name) for name in headers]
        self.sources = {target: name for name, target in zip(headers, targets, strict=True) if target}
        self.columns: dict[str, list[tuple[int, list[str]]]] = {}
        for place, target in enumerate(targets):
            if target:
                listed, steps = self._split(target)
                self.columns.setdefault(listed, []).append((place, steps))
        for columns in self.columns.values():
            columns.sort(key=lambda column: len(column[1]))  # a whole object before what is put into it
        self.loose = [(place, headers[place]) for place, target in enumerate(targets) if target is None]
        self.constants = [(*self._split(target), text) for target, text in mapping.constants.items()]
        self.rules = [(*self._split(rule["target"]), self._place(rule["column"]), rule) for rule in mapping.rules]
        names = {fold(name) for name in mapping.key}
        keys = [place for place, name in enumerate(headers) if fold(name) in names]
        self.key = keys or [place for place, target in enumerate(targets) if target in resource.key]
        told = [*self.key, *(place for _listed, _steps, place, _rule in self.rules)]
        self.repeated = frozenset(headers[place] for place in told if place < len(headers))
        """Columns of the head that each row of a document needs: they tell it apart, or rules look at them."""
        given = {*self.sources, *mapping.constants, *(rule["target"] for rule in mapping.rules)}
        is_open = prepare is not None or not headers  # the document may hold anything
        needed = None if is_open else set(_needed(resource.schema(), given))
        self.schema = quick(resource.schema(only=needed))
        self.left_out = {place for place, target in enumerate(targets) if target == ""}
        self.has_cards, self.of_items = False, frozenset[str]()
        self.not_taken = {*REASON_COLUMNS, *(name for name, one in self.schema.fields.items() if one.dump_only)}
        self.signs: dict[str, str] = {}
        self.orders: dict[str, str] = {}
        self.of_leaves = {place: self.leaves[target] for place, target in enumerate(targets) if target in self.leaves}
        watched = {} if mapping.native else self.of_leaves
        self._watched = {place: leaf for place, leaf in watched.items() if leaf.kind in (*_NUMBERS, *_TIMES)}

    def _place(self, column: str) -> int:
        return next((place for place, name in enumerate(self.headers) if fold(name) == fold(column)), len(self.headers))

    def _split(self, target: str) -> tuple[str, list[str]]:
        """A target as (list or "", steps from there); what follows `extra.` is one name, dots and all."""
        listed, found, rest = target.partition(".")
        listed, rest = (listed, rest) if found and listed in self.lists else ("", target)
        return listed, ["extra", rest.removeprefix("extra.")] if rest.startswith("extra.") else rest.split(".")

    def key_of(self, line: int, row: Any) -> str:
        """Rows with the same text here are one document."""
        if isinstance(row, dict):
            found = [row.get(name) for name in self.resource.key]
        else:
            found = [(row[place] or "").strip() for place in self.key if place < len(row)]
        return ascii(found) if any(found) else f"line {line}"

    def see(self, row: Any) -> None:
        """Learn whether card numbers are in the file, and how the numbers and dates of its columns are written."""
        if not self.has_cards:
            self.has_cards = holds_card(row if isinstance(row, dict) else "\n".join(filter(None, row)))
        if self._watched and not isinstance(row, dict):
            self._learn(row)

    def _learn(self, cells: Cells) -> None:
        """Until one value of a column proves it."""
        for place, leaf in list(self._watched.items()):
            cell = cells[place] if place < len(cells) else None
            if not cell:
                continue
            if leaf.kind in _TIMES:
                known, proof = self.orders, values.date_order(cell)
            else:
                known, proof = self.signs, values.decimal_sign(cell) if "," in cell or "." in cell else ""
            if proof:
                known[leaf.path] = proof
                del self._watched[place]

    def keys(self, rows: Sequence[Row]) -> set[tuple[str, str]]:
        """(resource, key) of the records that cells of `rows`, or texts of JSON documents, name by their keys."""
        if not self.headers:
            found = (one for _line, doc in rows for one in named.places(self.resource.schema, doc))
            return {(one.target, one.value) for one in found if isinstance(one.value, str)}
        by_key = [(place, leaf) for place, leaf in self.of_leaves.items() if leaf.target]
        cells = (
            (leaf, self.fix(row[place] or "")) for place, leaf in by_key for _line, row in rows if place < len(row)
        )
        return {(leaf.target, text) for leaf, text in cells if text and not text.isdecimal()}

    def draft(self, rows: Sequence[Row]) -> Draft:
        """The document that `rows` make: texts by target, then values, then through the schema."""
        draft = Draft(rows)
        if self.headers:
            self._check_text(draft)
            if draft.problems and self.has_cards:
                return draft  # what else is wrong would be told with the cell's text
            try:
                raw = self._assembled(draft)
            except values.BadCell as problem:
                draft.problems.setdefault(draft.first_line, []).append(str(problem))
                return draft
            currency = str(raw.get("currency") or self.currency).upper()
            raw = self._convert(raw, "", "", partial(self._value, currency=currency), draft)
        else:
            raw = self._keyed(self._merged([doc for _line, doc in rows]), draft)
        known = {text.split(":")[0] for texts in draft.problems.values() for text in texts}
        try:
            draft.document = self.schema.load(raw)
        except ma.ValidationError as error:
            for path, texts in by_field(error.messages).items():
                for text in texts:
                    self.note(draft, path, text, known)
        return draft

    def note(self, draft: Draft, path: str, text: str, known: set[str] | frozenset[str] = frozenset()) -> None:
        """A problem at a schema path (`lines.2.sku`), put on its line under the name of its column, unless `known`."""
        parts = [part for part in path.split(".") if part]
        numbers = [int(part) for part in parts if part.isdigit()]
        lines = draft.lines.get(parts[0], []) if parts else []
        line = lines[numbers[0]] if numbers and numbers[0] < len(lines) else draft.first_line
        column = ".".join(part for part in parts if not part.isdigit()).removesuffix("_minor")
        label = self.sources.get(column, column)
        if label not in known:
            draft.problems.setdefault(line, []).append(f"{label}: {text}" if label else text)

    def _check_text(self, draft: Draft) -> None:
        for line, cells in draft.rows:
            text = "".join(filter(None, cells))
            if "\0" in text:
                draft.problems[line] = [_("This line has a NUL character.")]
            try:
                text.encode()
            except UnicodeEncodeError:
                text = _("This line has bytes that are not of the file's encoding; choose the right one.")
                draft.problems[line] = [text]
            for place, cell in enumerate(cells) if self.has_cards else ():
                if cell and place not in self.left_out and holds_card(cell):
                    name = self.headers[place] if place < len(self.headers) else f"Column {place + 1}"
                    draft.problems.setdefault(line, []).append(f"{name}: {card_refused()}")

    def _merged(self, docs: Sequence[Node]) -> Node:
        found = {name: value for doc in docs for name, value in doc.items() if name not in self.not_taken}
        unknown = {name: found.pop(name) for name in list(found) if name not in self.schema.fields}
        extra = found.get("extra") or {}
        # An `extra` that is no object is refused by the schema as it is.
        return found | {"extra": {**extra, **unknown}} if unknown and isinstance(extra, dict) else found

    def _keyed(self, doc: Node, draft: Draft) -> Node:
        """With the numbers of records that it names by their keys: in JSON a text is a key, whatever its letters."""
        if not any(isinstance(one.value, str) for one in named.places(self.resource.schema, doc)):
            return doc
        made = deepcopy(doc)  # what is rejected is given back as it came
        for one in named.places(self.resource.schema, made):
            try:
                one.node[one.name] = self.key_to_id(one.target, one.value) if isinstance(one.value, str) else one.value
            except values.BadCell as problem:
                self.note(draft, one.path, str(problem))
        return made

    def _assembled(self, draft: Draft) -> Node:
        fix = self.fix
        rows: list[Cells] = [[cell and fix(cell) for cell in cells] for _line, cells in draft.rows]
        doc: Node = {}
        for place, steps in self.columns.get("", ()):
            found = [row[place] for row in rows if place < len(row) and row[place] is not None]
            if found:
                _put(doc, steps, next(filter(None, found), ""))
        items = {name: [_item(columns, row) for row in rows] for name, columns in self.columns.items() if name}
        self._keep_loose(doc, rows, items)
        for number, row in enumerate(rows):
            nodes = {name: made[number] for name, made in items.items()}
            self._rules(row, nodes if number else nodes | {"": doc})
        for name, made in items.items():
            kept = [(line, item) for (line, _cells), item in zip(draft.rows, made, strict=True) if item is not None]
            if not kept and all(_is_absent(self.columns[name], row) for row in rows):
                continue
            doc[name], draft.lines[name] = [item for _line, item in kept], [line for line, _item in kept]
        for listed, steps, text in self.constants:
            for node in doc.get(listed, ()) if listed else (doc,):
                _put(node, steps, text)
        return self._prepared(doc, rows) if self.prepare else doc

    def _prepared(self, doc: Node, rows: Sequence[Cells]) -> Node:
        texts = [dict(zip(self.headers, [cell or "" for cell in row], strict=False)) for row in rows]
        try:
            return self.prepare(doc, texts)  # type: ignore[misc]
        except (
            Exception
        ) as problem:  # the border to a plugin's format: rows it did not think of are refused, not the job
            where = "".join(traceback.format_tb(problem.__traceback__)[-2:])  # its message may hold personal data
            log.warning("a format cannot read its rows", kind=type(problem).__name__, where=where)
            raise values.BadCell(
                _("These rows are not as their format has them (%(kind)s).", kind=type(problem).__name__)
            ) from None

    def _keep_loose(self, doc: Node, rows: Sequence[Cells], items: dict[str, list[Node | None]]) -> None:
        """Columns that nothing was mapped to: on the document when its rows agree, else on each row's item."""
        width, name = max(map(len, rows)), next(iter(items), "")
        listed = items[name] if f"{name}.extra" in self.leaves else []
        for place, header in [*self.loose, *((i, f"Column {i + 1}") for i in range(len(self.headers), width))]:
            cells = [row[place] if place < len(row) else None for row in rows]
            texts = list(dict.fromkeys(filter(None, cells)))
            is_of_items = header in self.of_items and any(listed)
            if is_of_items or len(texts) > 1 or (texts and not cells[0]):
                for cell, item in zip(cells, listed, strict=False):
                    if cell and item is not None:
                        _put(item, ["extra", header], cell, over=True)
            if texts and "extra" in self.leaves and not is_of_items and (not any(listed) or texts == [cells[0]]):
                _put(doc, ["extra", header], ", ".join(texts), over=True)

    def _rules(self, row: Cells, nodes: dict[str, Node | None]) -> None:
        for listed, steps, place, rule in self.rules:
            node = nodes.get(listed)
            if node is not None:
                cell = (row[place] if place < len(row) else None) or ""
                text = rule.get("then" if self._holds(rule, cell) else "else")
                if text is not None:
                    _put(node, steps, text, over=True)

    def _holds(self, rule: Any, cell: str) -> bool:
        op, value = rule["op"], rule.get("value", "")
        if op in _TESTS:
            return _TESTS[op](cell.casefold(), value.casefold())
        try:
            difference = values.number(cell, self._sign("")) - values.number(value, ".")
        except values.BadCell:
            return False
        return difference > 0 if op == "gt" else difference < 0

    def _convert(self, node: Node, path: str, where: str, value_of: Callable[[Leaf, str], Any], draft: Draft) -> Node:
        """`node` with its texts as values; `path`: of its columns, `where`: the same with the items' numbers."""
        out: Node = {}
        for name, value in node.items():
            leaf = self.leaves.get(path + name)
            if leaf is None and isinstance(value, dict):
                if any(value.values()) or path + name not in self.nullable:
                    value = self._convert(value, f"{path}{name}.", f"{where}{name}.", value_of, draft)
                else:
                    value = None
                out[name] = value
            elif leaf is None and isinstance(value, list):
                inner = enumerate(value)
                out[name] = [
                    self._convert(item, f"{path}{name}.", f"{where}{name}.{n}.", value_of, draft) for n, item in inner
                ]
            elif leaf is None or not isinstance(value, str):
                out[leaf.steps[-1] if leaf else name] = value
            else:
                try:
                    value = value_of(leaf, value)
                except (values.BadCell, Invalid, ArithmeticError, ValueError) as problem:
                    self.note(draft, where + name, str(problem))
                else:
                    if value is not ABSENT:
                        out[leaf.steps[-1]] = value
        return out

    def _sign(self, path: str) -> str:
        if self.mapping.decimal or path in self.signs:
            return self.mapping.decimal or self.signs[path]
        return "," if set(self.signs.values()) == {","} else "."

    def _value(self, leaf: Leaf, text: str, currency: str) -> Any:
        if leaf.kind == "text" or not text:
            return text or leaf.blank
        if leaf.kind in _NUMBERS:
            number = values.number(text, self._sign(leaf.path))
            if leaf.kind == "money":
                return money.to_minor(number, currency)
            if leaf.kind == "integer" and number != number.to_integral_value():
                raise values.BadCell(_("%(cell)r is not a whole number.", cell=text[:40]))
            return int(number) if leaf.kind == "integer" else number
        if leaf.kind in _TIMES:
            when = values.moment(text, self.mapping.date_order or self.orders.get(leaf.path, ""), self.zone)
            return when.isoformat() if leaf.kind == "time" else when.date().isoformat()
        if leaf.kind == "reference":
            return int(text) if text.isdecimal() else self.key_to_id(leaf.target, text)
        if leaf.kind == "tags" and text[0] != "[":
            return [part.strip() for part in text.split(",") if part.strip()]
        return parse_json(text) if leaf.kind in ("tags", "json") else text


def _needed(schema: ma.Schema, given: set[str], prefix: str = "") -> Iterator[str]:
    """Fields that this file fills or that are told when missing; marshmallow spends most of its time on the others."""
    for name, made in schema.load_fields.items():
        inside, path = list_schema(made), prefix + name.removesuffix("_minor")
        is_given = any(target == path or target.startswith(f"{path}.") for target in given)
        if is_given and inside is not None and not prefix:
            yield from _needed(inside, given, f"{name}.")
        elif is_given or made.required or made.load_default is not ma.missing or name == "extra":
            yield prefix + name


def _item(columns: Sequence[tuple[int, list[str]]], row: Cells) -> Node | None:
    """The item of a list that one row holds; None when all its cells are blank."""
    item: Node = {}
    filled = False
    for place, steps in columns:
        cell = row[place] if place < len(row) else None
        if cell is not None:
            filled = filled or cell != ""
            _put(item, steps, cell)
    return item if filled else None


def _is_absent(columns: Sequence[tuple[int, list[str]]], row: Cells) -> bool:
    return all(place >= len(row) or row[place] is None for place, _steps in columns)


def _put(node: Node, steps: Sequence[str], text: str, over: bool = False) -> None:
    """Set a text in nested dicts; one that is there stays unless `over`, a blank one gives way."""
    for step in steps[:-1]:
        if not isinstance(node.get(step), dict):  # a column that holds the whole object as JSON came first
            node[step] = _object(node.get(step))
        node = node[step]
    if over or not node.get(steps[-1]):
        node[steps[-1]] = text


def _object(text: str | None) -> Node:
    try:
        found = parse_json(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise values.BadCell(_("%(cell)r is not a JSON object.", cell=str(text)[:40]))
    return found
