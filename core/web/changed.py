"""The values of a change of the log, as people read them: it keeps codes, minor units and times of machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from core import i18n
from core.audit import words
from core.i18n import _
from core.resources import Resource, references
from core.web.cells import Names

_LONGEST = 120


def is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


class Line(NamedTuple):
    """One field of a change, in words."""

    label: Any
    before: Markup
    after: Markup


def lines(
    resource: Resource | None, changes: Mapping[str, Sequence[Any]], labels: Mapping[str, Any], currency: str = "",
    names: Names = MappingProxyType({}), record: Any = None,
) -> list[Line]:  # fmt: skip
    """A change field by field; of an address or of rows only what differs. `labels`: by the path of the schema.
    `record`: as it is now, None when it is gone."""
    told = []
    for name, (before, after) in changes.items():
        if own := _own(resource, name, changes, record):
            told.append(own)
            continue
        label = _label(resource, name, labels, currency)
        for path, said, *pair in _apart(name, label, before, after, labels):
            if not all(map(is_empty, pair)):
                told.append(Line(said, *(value(resource, path, one, currency, names) for one in pair)))
    return told


def _own(resource: Resource | None, name: str, changes: Mapping[str, Sequence[Any]], record: Any) -> Line | None:
    """What the resource itself says of a field."""
    if resource is None or resource.said is None:
        return None
    known = dict(record.__data__) if record is not None else {}
    sides = [known | {key: pair[at] for key, pair in changes.items() if pair[at] is not None} for at in (0, 1)]
    pairs = [None if is_empty(one) else resource.said(name, one, sides[at]) for at, one in enumerate(changes[name])]
    label = next((pair[0] for pair in pairs if pair), None)
    return Line(label, *(Markup("–") if pair is None else escape(pair[1]) for pair in pairs)) if label else None


def _label(resource: Resource | None, name: str, labels: Mapping[str, Any], currency: str) -> Any:
    if name in labels or resource is None:
        return labels.get(name) or words.field(name)
    declared, column = resource.schema._declared_fields.get(name), resource.column(name)
    if declared and _is_nested(name, labels) and declared.metadata.get("label"):
        return declared.metadata["label"]
    return column.label if column and (column.kind != "money" or currency) else words.field(name)


def _is_nested(name: str, labels: Mapping[str, Any]) -> bool:
    return any(path.startswith(f"{name}.") for path in labels)


def _apart(name: str, label: Any, before: Any, after: Any, labels: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """(path, label, before, after) of a field, or of those that differ inside of something nested."""
    is_nested = _is_nested(name, labels)
    if is_nested and all(is_empty(one) or isinstance(one, Mapping) for one in (before, after)):
        yield from _inside(name, label, before or {}, after or {}, labels)
    elif is_nested and all(is_empty(one) or isinstance(one, list) for one in (before, after)):
        for number, rows in enumerate(zip_longest(before or (), after or ()), 1):
            row = _("%(list)s, row %(number)s", list=label, number=i18n.number(number))
            if None in rows:  # it came or went as a whole
                yield name, row, *map(_row, rows)
            else:
                yield from _inside(name, row, *rows, labels)
    else:
        yield name, label, before, after


def _inside(name: str, label: Any, before: Any, after: Any, labels: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            said = f"{label}: {labels.get(f'{name}.{key}') or words.field(key)}"
            yield f"{name}.{key}", said, before.get(key), after.get(key)


def _row(row: Mapping[str, Any] | None) -> str:
    """A row by its texts."""
    return " · ".join(one for one in (row or {}).values() if isinstance(one, str) and one)


def named(resource: Resource, changes: Iterable[Mapping[str, Sequence[Any]] | None]) -> dict[str, set[int]]:
    """The ids of other records that were or are in the fields of these changes, by field."""
    fields = [path for path in references.targets(resource.schema) if "." not in path]
    told = [one for one in changes if one]
    return {name: {key for one in told for key in one.get(name, ()) if type(key) is int} for name in fields}


def value(
    resource: Resource | None, name: str, value: Any, currency: str = "", names: Names = MappingProxyType({})
) -> Markup:
    """What `value` of the field `name` means. `currency`: of the record, "" when it is not known. `names`: of other
    records; those that the reader may not see, or that are gone, stay a number."""
    if is_empty(value):
        return Markup("–")
    if type(value) is int and (other := names.get(name, {}).get(value)):
        title, address = other
        return Markup('<a href="{}">{}</a>').format(address, title) if address else escape(title)
    if isinstance(value, bool):
        return escape(_("Yes") if value else _("No"))
    if name.endswith("_minor") and currency and isinstance(value, int):
        return i18n.money(value, currency)
    if type(value) is int and _is_amount(resource, name):
        return escape(i18n.number(value))
    if isinstance(value, str):
        return _text(resource, name, value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return escape(", ".join(value))
    return escape(_nested(value) if isinstance(value, Mapping | list) else str(value)[:_LONGEST])


def _is_amount(resource: Resource | None, name: str) -> bool:
    """A number that counts; another one may be the number of something."""
    column = resource.column(name) if resource else None
    return column.kind == "number" if column else resource is None


def _text(resource: Resource | None, name: str, text: str) -> Markup:
    column = resource.column(name) if resource else None
    is_time = column.kind == "datetime" if column else name == "at" or name.endswith("_at")
    if is_time and (at := _moment(text)):
        return i18n.moment(at)
    if name == "resource":
        return escape(words.kind_plural(text))
    if column and text in column.badges:
        return escape(column.badges[text].label)
    declared = next((one for one in resource.filters if one.name == name), None) if resource else None
    choices = declared.offered() if declared and declared.choices else {}
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return escape(choices.get(text, short))


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _nested(value: Any) -> str:
    """The rows of a role ({kind: {by: values}}) by their values; of anything else that there is something."""
    if isinstance(value, Mapping) and all(isinstance(inner, Mapping) for inner in value.values()):
        found = [one for inner in value.values() for some in inner.values() for one in (some or ())]
        return ", ".join(map(str, found)) or "…"
    return "…"
