"""Forms made from marshmallow schemas: what a browser sends becomes a document, a document becomes inputs.

Names of inputs are dotted paths; rows of a nested list carry their number: `lines.0.sku`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import marshmallow as ma

from core.db.money import to_major, to_minor
from core.errors import Invalid
from core.i18n import _, parse_number, timezone
from core.resources import FieldInfo, schema_fields
from core.resources.fields import loaded, part_of

Values = dict[str, str]


@dataclass
class Form:
    """The fields of one schema with the texts in the inputs and the errors beside them."""

    schema: type[ma.Schema]
    fields: list[FieldInfo]
    values: Values = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def single(self) -> list[FieldInfo]:
        return [info for info in self.fields if "." not in info.path]

    @property
    def groups(self) -> dict[str, list[FieldInfo]]:
        """Nested objects (an address) by path."""
        return self._nested(many=False)

    @property
    def lists(self) -> dict[str, list[FieldInfo]]:
        """Nested lists (order lines) by path."""
        return self._nested(many=True)

    def _nested(self, many: bool) -> dict[str, list[FieldInfo]]:
        found: dict[str, list[FieldInfo]] = {}
        for info in self.fields:
            if "." in info.path and info.many == many:
                found.setdefault(info.path.rpartition(".")[0], []).append(info)
        return found

    def title(self, path: str) -> Any:
        """What the schema calls a nested object or list."""
        return _declared(self.schema, path).metadata.get("label", path.replace("_", " ").capitalize())

    def rows(self, path: str) -> list[int]:
        """Numbers of the rows of a nested list that hold something."""
        pattern = re.compile(rf"{re.escape(path)}\.(\d{{1,4}})\.")
        found = {int(match[1]) for name, value in self.values.items() if value and (match := pattern.match(name))}
        return sorted(found)

    @property
    def summary(self) -> list[tuple[str, str]]:
        """All errors as (id of the input or "", text), for the head of the form."""
        labels = {info.path: str(info.label) for info in self.fields}
        named = {name: labels.get(re.sub(r"\.\d+\.", ".", name), "") for name in self.errors}
        return [
            (name if label else "", f"{label}: {' '.join(texts)}".removeprefix(": "))
            for (name, texts), label in zip(self.errors.items(), named.values(), strict=True)
        ]

    def document(self, currency: str, changed_from: Values | None = None) -> dict[str, Any]:
        """What the inputs mean, loaded by the schema. With `changed_from`, only the fields that differ from it.

        Raises Invalid with errors by input.
        """
        schema = self.schema() if changed_from is None else part_of(self.schema)
        return loaded(schema, self.raw(currency, changed_from))

    def raw(self, currency: str, changed_from: Values | None = None) -> dict[str, Any]:
        """The same as JSON values that the schema has not seen yet."""
        raw: dict[str, Any] = {}
        errors: dict[str, list[str]] = {}
        for info in self.single:
            text = self.values.get(info.path, "")
            if changed_from is None or text != changed_from.get(info.path, ""):
                self._put(raw, errors, info, info.path, currency)
        for put, nested in ((self._put_group, self.groups), (self._put_rows, self.lists)):
            for path, infos in nested.items():
                if changed_from is None or self._texts(path, self.values) != self._texts(path, changed_from):
                    put(raw, errors, path, infos, currency)
        if errors:
            raise Invalid(errors)
        return raw

    def differences(self, base: Values, stored: Values) -> list[tuple[str, str, str]]:
        """What another user changed since `base` was shown: (label, the stored text, the text in our input)."""
        return [
            (str(info.label), stored.get(info.path, ""), self.values.get(info.path, ""))
            for info in self.single
            if stored.get(info.path, "") != base.get(info.path, "")
        ]

    @staticmethod
    def _texts(path: str, values: Values) -> Values:
        return {name: text for name, text in values.items() if name.startswith(f"{path}.") and text}

    def _put_group(self, raw: Any, errors: Any, path: str, infos: Sequence[FieldInfo], currency: str) -> None:
        """A nested object goes as a whole: emptied in all its inputs, it is taken away."""
        if self._texts(path, self.values):
            raw[path] = self._object(errors, path, infos, currency)
        elif _declared(self.schema, path).allow_none:
            raw[path] = None

    def _put_rows(self, raw: Any, errors: Any, path: str, infos: Sequence[FieldInfo], currency: str) -> None:
        numbers = self.rows(path)
        for place, number in enumerate(numbers):
            self._renumber(path, number, place)
        raw[path] = [self._object(errors, f"{path}.{place}", infos, currency) for place in range(len(numbers))]

    def _object(self, errors: Any, path: str, infos: Sequence[FieldInfo], currency: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for info in infos:
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
        except (ValueError, ArithmeticError):
            errors[name] = [_("This is not a number or time we can read.")]
            return
        if value is not None or _declared(self.schema, info.path).allow_none:
            raw[info.name] = value


def form_of(schema: type[ma.Schema], only: Sequence[str] = ()) -> Form:
    """An empty form; `only`: names of top-level fields, in this order (default: all that can be written)."""
    infos = [info for info in schema_fields(schema) if not info.read_only and info.kind != "json"]
    if only:
        infos = [info for name in only for info in infos if info.path.split(".")[0] == name]
    return Form(schema, infos)


def defaults(schema: type[ma.Schema]) -> dict[str, Any]:
    """What the schema itself takes for fields that are not given."""
    given = {name: one.load_default for name, one in schema._declared_fields.items()}
    return {name: value() if callable(value) else value for name, value in given.items() if value is not ma.missing}


def fill(form: Form, document: Mapping[str, Any], currency: str) -> Form:
    """Put a stored document into the inputs."""
    for info in form.fields:
        head, _mark, name = info.path.rpartition(".")
        if info.many:
            for number, row in enumerate(document.get(head) or ()):
                form.values[f"{head}.{number}.{name}"] = _text(info, row.get(name), currency)
            continue
        value: Any = document
        for part in info.path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        form.values[info.path] = _text(info, value, currency)
    return form


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
        return "" if info.kind in ("text", "longtext", "tags") else None
    if info.kind == "money":
        return to_minor(parse_number(text), currency)
    if info.kind in ("integer", "decimal"):
        return format(parse_number(text), "f")
    if info.kind == "datetime":
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone()))).isoformat()
    return text


def _text(info: FieldInfo, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if info.kind == "bool":
        return "1" if value else ""
    if info.kind == "money":
        return format(to_major(int(value), currency), "f")
    if info.kind == "datetime":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment.astimezone(ZoneInfo(timezone())).strftime("%Y-%m-%dT%H:%M:%S")
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
