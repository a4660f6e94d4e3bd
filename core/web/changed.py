"""The values of a change of the log, as people read them: it keeps codes, minor units and times of machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup, escape

from core import i18n
from core.i18n import _
from core.resources import Resource, references
from core.web.cells import Names

_LONGEST = 120


def is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


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
    if isinstance(value, str):
        return _text(resource, name, value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return escape(", ".join(value))
    return escape(_nested(value) if isinstance(value, Mapping | list) else str(value)[:_LONGEST])


def _text(resource: Resource | None, name: str, text: str) -> Markup:
    column = resource.column(name) if resource else None
    if column and column.kind == "datetime" and (at := _moment(text)):
        return i18n.moment(at)
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
