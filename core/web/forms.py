"""Forms made from marshmallow schemas: what a browser sends becomes a document, a document becomes inputs.

Names of inputs are dotted paths; rows of a nested list carry their number: `lines.0.sku`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma
from werkzeug.datastructures import MultiDict

from core.db import money
from core.errors import Invalid
from core.i18n import _, parse_number, timezone
from core.resources import FieldInfo, references, schema_fields
from core.resources.fields import loaded, part_of
from core.web import pickers, wrong
from core.web.base import context

Values = dict[str, str]


@dataclass
class Form:
    """The fields of one schema with the texts in the inputs and the errors beside them.

    `fixed`: {field: why it is shown but cannot be edited now}.
    """

    schema: type[ma.Schema]
    fields: list[FieldInfo]
    values: Values = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def single(self) -> list[FieldInfo]:
        return [info for info in self.fields if "." not in info.path]

    @property
    def nested(self) -> dict[str, list[FieldInfo]]:
        """Nested objects (an address) and nested lists (order lines) by path, in the order of the form."""
        found: dict[str, list[FieldInfo]] = {}
        for info in self.fields:
            if "." in info.path:
                found.setdefault(info.path.rpartition(".")[0], []).append(info)
        return found

    def read(self, sent: MultiDict[str, str], prefix: str = "") -> None:
        """Take what a browser sent; where several can be ticked, all that are."""
        self.values = {name.removeprefix(prefix): text for name, text in sent.items() if name.startswith(prefix)}
        for info in self.single:
            if info.kind == "several":
                self.values[info.path] = ", ".join(sent.getlist(prefix + info.path))

    def title(self, path: str) -> Any:
        """What the schema calls a nested object or list."""
        return self.said(path, "label") or path.replace("_", " ").capitalize()

    def said(self, path: str, name: str) -> Any:
        """What the schema says of a nested object or list: its `help`, button to `add` a row, `group_by`, `folded`."""
        return _declared(self.schema, path).metadata.get(name, "")

    def is_filled(self, path: str) -> bool:
        """Whether something is written in a nested object, or wrong with it."""
        return bool(texts_of(path, self.values) or texts_of(path, dict.fromkeys(self.errors, "wrong")))

    def rows(self, path: str) -> list[int]:
        """Numbers of the rows of a nested list that have inputs, empty ones too."""
        return rows_in(path, self.values)

    def groups(self, path: str) -> list[tuple[Any, list[int]]]:
        """The rows of a list by the field that its schema says as `group_by`: [(what that is called, rows)].

        In the order in which they first come, those without a text last; without `group_by` all are in one group.
        """
        field = next((info for info in self.nested[path] if info.name == self.said(path, "group_by")), None)
        found: dict[str, list[int]] = {}
        for number in self.rows(path):
            found.setdefault(self.values.get(f"{path}.{number}.{field.name}", "") if field else "", []).append(number)
        ordered = sorted(found.items(), key=lambda pair: not pair[0])
        return [(field.choices.get(text, text) if field else "", rows) for text, rows in ordered]

    def rearrange(self, posted: Mapping[str, str]) -> bool:
        """Carry out a button that asks for a row more (`add_row`: path) or less (`remove_row`: path and number)."""
        if posted.get("add_row") in self.nested:
            self.add_row(posted["add_row"])
        for name in [name for name in self.values if name.startswith(f"{posted.get('remove_row') or '?'}.")]:
            del self.values[name]
        return "add_row" in posted or "remove_row" in posted

    def add_row(self, path: str) -> None:
        number = max(self.rows(path), default=-1) + 1
        self.values |= {f"{path}.{number}.{info.name}": "" for info in self.nested[path]}

    @property
    def summary(self) -> list[tuple[str, str]]:
        """All errors as (id of the input or "", text), for the head of the form."""
        return [wrong.named(self, name, texts) for name, texts in self.errors.items()]

    def document(self, currency: str, changed_from: Values | None = None) -> dict[str, Any]:
        """What the inputs mean, loaded by the schema. With `changed_from`, only the fields that differ from it.

        Raises Invalid with errors by input, those of reading and those of the schema at once.
        """
        schema = self.schema() if changed_from is None else part_of(self.schema)
        raw, unread = self._read_all(currency, changed_from)
        try:
            document = loaded(schema, raw)
        except Invalid as refused:
            raise Invalid(refused.errors | unread) from None
        if unread:
            raise Invalid(unread)
        return document

    def raw(self, currency: str, changed_from: Values | None = None) -> dict[str, Any]:
        """The same as JSON values that the schema has not seen yet."""
        raw, unread = self._read_all(currency, changed_from)
        if unread:
            raise Invalid(unread)
        return raw

    def _read_all(self, currency: str, changed_from: Values | None) -> tuple[dict[str, Any], dict[str, list[str]]]:
        """The values, and what could not be read: its text stands among them, which the schema refuses, too."""
        raw: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for info in self.single:
            if self._differs(info.path, [info], changed_from):
                self._put(raw, errors, info, info.path, currency)
        for path, infos in self.nested.items():
            if self._differs(path, infos, changed_from):
                put = self._put_rows if infos[0].many else self._put_group
                put(raw, errors, path, infos, currency)
        return raw, errors

    def _differs(self, path: str, infos: Sequence[FieldInfo], base: Values | None) -> bool:
        """True when a field or something nested is not as in `base`; in another currency the same digits are not."""
        if base is None or texts_of(path, self.values) != texts_of(path, base):
            return True
        return any(info.in_currency for info in infos) and self.values.get("currency") != base.get("currency")

    def _put_group(self, raw: Any, errors: Any, path: str, infos: Sequence[FieldInfo], currency: str) -> None:
        """A nested object goes as a whole: emptied in all its inputs, it is taken away."""
        if texts_of(path, self.values):
            raw[path] = self._object(errors, path, infos, currency)
        elif _declared(self.schema, path).allow_none:
            raw[path] = None

    def _put_rows(self, raw: Any, errors: Any, path: str, infos: Sequence[FieldInfo], currency: str) -> None:
        written = {info.name for info in infos if not info.read_only}
        texts = {name: text for name, text in texts_of(path, self.values).items() if name.split(".")[-1] in written}
        numbers = rows_in(path, texts)
        for place, number in enumerate(numbers):
            self._renumber(path, number, place)
        raw[path] = [self._object(errors, f"{path}.{place}", infos, currency) for place in range(len(numbers))]

    def _object(self, errors: Any, path: str, infos: Sequence[FieldInfo], currency: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for info in infos:
            if info.read_only:
                continue
            self._put(found, errors, info, f"{path}.{info.name}", currency)
        return found

    def _renumber(self, path: str, old: int, new: int) -> None:
        """The schema names errors by place in the list, so rows are numbered without gaps."""
        if old != new:
            for name in [name for name in self.values if name.startswith(f"{path}.{old}.")]:
                self.values[name.replace(f"{path}.{old}.", f"{path}.{new}.")] = self.values.pop(name)

    def _put(self, raw: Any, errors: Any, info: FieldInfo, name: str, currency: str) -> None:
        text = self.values.get(name, "")
        if info.required and not text.strip() and info.kind != "bool":
            errors[name] = [_("This is needed.")]
            return
        try:
            value = _meaning(info, text, currency)
        except (Invalid, ValueError, ArithmeticError) as problem:
            unread = [
                _("This is not a time we can read.") if info.kind == "datetime" else _("Write a number like 1,250.50.")
            ]
            errors[name] = problem.errors[""] if isinstance(problem, Invalid) else unread
            raw[info.name] = text
            return
        if value is not None or _declared(self.schema, info.path).allow_none:
            raw[info.name] = value


def form_of(schema: type[ma.Schema], only: Sequence[str] = (), values: Values | None = None) -> Form:
    """A form; `only`: names of top-level fields, in this order (default: all that can be written)."""
    infos = [info for info in schema_fields(schema) if info.kind != "json" and (not info.read_only or _is_cell(info))]
    if only:
        infos = [info for name in only for info in infos if info.path.split(".")[0] == name]
    return Form(schema, infos, values or {})


def _is_cell(info: FieldInfo) -> bool:
    """Whether a row shows it, to be read; its text comes back with the form and means nothing."""
    return info.many and info.shown


def defaults(schema: type[ma.Schema]) -> dict[str, Any]:
    """What the schema itself takes for fields that are not given."""
    given = {name: one.load_default for name, one in schema._declared_fields.items()}
    return {name: value() if callable(value) else value for name, value in given.items() if value is not ma.missing}


def fill(form: Form, document: Mapping[str, Any], currency: str) -> Form:
    """Put a stored document into the inputs."""
    titles = references.titles(context(), (one for _place, one in references.named(form.schema, document)))
    for info in form.fields:
        head, _mark, name = info.path.rpartition(".")
        if info.many:
            for number, row in enumerate(document.get(head) or ()):
                form.values[f"{head}.{number}.{name}"] = _text(info, row.get(name), currency, titles)
            continue
        value: Any = document
        for part in info.path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        form.values[info.path] = _text(info, value, currency, titles)
    return form


def shown(info: FieldInfo, values: Values) -> str:
    """The text of one input as a person reads it."""
    text = values.get(info.path, "")
    if info.kind == "bool":
        return str(_("Yes") if text else _("No"))
    if info.kind == "several":
        known = {one.value: str(one.label) for one in info.options()}
        return ", ".join(known.get(one, one) for one in text.split(", ") if one in known or info.others())
    return str(info.offered().get(text, text))


def texts_of(path: str, values: Values) -> Values:
    """What is written at `path`, in one input or in all of something nested."""
    return {name: text for name, text in values.items() if text and (name == path or name.startswith(f"{path}."))}


def rows_in(path: str, values: Values) -> list[int]:
    pattern = re.compile(rf"{re.escape(path)}\.(\d{{1,4}})\.")
    return sorted({int(match[1]) for name in values if (match := pattern.match(name))})


def _declared(schema: type[ma.Schema], path: str) -> Any:
    found: Any = schema._declared_fields[path.split(".")[0]]
    for part in path.split(".")[1:]:
        found = found.inner if isinstance(found, ma.fields.List) else found
        found = found.schema.fields[part]
    return found


def _meaning(info: FieldInfo, text: str, currency: str) -> Any:
    text = text.strip()
    if info.kind == "bool":
        return text in ("1", "true", "on")
    if not text:
        return "" if info.kind in ("text", "longtext", "tags", "several") else None
    if info.kind == "reference":
        return pickers.meaning(info.target, text)
    if info.kind == "money":
        return money.to_minor(parse_number(text), currency)
    if info.kind in ("integer", "decimal"):
        return format(parse_number(text), "f")
    if info.kind == "datetime":
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone()))).isoformat()
    return text


def _text(info: FieldInfo, value: Any, currency: str, titles: Mapping[references.Named, str]) -> str:
    if value is None:
        return ""
    if info.kind == "reference":
        return pickers.text(value, titles.get((info.target, value), ""))
    if info.kind == "bool":
        return "1" if value else ""
    if info.kind == "money":
        return money.writer(currency)(int(value))
    if info.kind == "datetime":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        written = "%Y-%m-%dT%H:%M:%S" if moment.second else "%Y-%m-%dT%H:%M"
        return moment.astimezone(ZoneInfo(timezone())).strftime(written)
    if info.kind == "decimal":
        return format(Decimal(value), "f")
    if info.kind == "several":
        ticked = [one.value for one in info.options() if one.value in value]
        return ", ".join([*ticked, *([one for one in value if one not in ticked] if info.others() else [])])
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
