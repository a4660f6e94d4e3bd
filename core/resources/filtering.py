"""What a filter's argument means: a condition on the model, a period of days or of moments."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import marshmallow as ma
import peewee

from core.context import Context
from core.db import search
from core.db.fields import LARGEST, is_storable, utcnow
from core.errors import Invalid
from core.i18n import N_, _
from core.resources.declaration import Filter, Resource
from core.resources.fields import by_field
from core.resources.traits import Tagging

Day = TypeVar("Day", date, datetime)
OPERATORS: dict[str, tuple[str, ...]] = {
    "choice": ("in",), "text": ("eq", "prefix"), "number": ("eq", "gte", "lte"), "money": ("eq", "gte", "lte"),
    "date": ("gte", "lte"), "bool": ("eq",), "tag": ("in",),
}  # fmt: skip
"""Operators by kind of filter; the bare name means the first one, but for dates (within that day or word)."""


def condition(ctx: Context, resource: Resource, argument: str, text: str, walks: bool = False) -> Any:
    """One filter argument as an expression; `walks`: its rows are met in order, not looked up. Raises Invalid."""
    name, _mark, asked = argument.partition("__")
    declared = next((one for one in resource.filters if one.name == name), None)
    if declared is None or (asked and asked not in OPERATORS[declared.kind]):
        raise Invalid({argument[:80]: [_("There is no such filter.")]})
    if len(text) > 2000 or not is_storable(text):
        raise Invalid({argument: [_("This text cannot be looked for.")]})
    try:
        if declared.kind == "tag":
            return _is_tagged(resource, text, walks)
        column = getattr(resource.model, name)
        if declared.kind == "date":
            return _in_time(column, asked, text, ZoneInfo(ctx.timezone))
        return _COMPARE[asked or OPERATORS[declared.kind][0]](column, _value(declared, text))
    except ma.ValidationError as error:
        raise Invalid({argument: by_field(error.messages)[""]}) from None
    except (ValueError, OverflowError) as error:
        raise Invalid({argument: [str(error)]}) from None


def askable(ctx: Context, resource: Resource, argument: str, text: str) -> str:
    """What of a filter's value can be asked for now: without choices that are gone; "" when nothing is left."""
    name = argument.partition("__")[0]
    declared = next((one for one in resource.filters if one.name == name), None)
    if declared and declared.choices:
        choices = declared.offered()
        text = ",".join(one for one in text.split(",") if one in choices)
    try:
        condition(ctx, resource, argument, text)
    except Invalid:
        return ""
    return text


def _is_tagged(resource: Resource, text: str, walks: bool) -> Any:
    tags, key = [tag.strip() for tag in text.split(",") if tag.strip()], resource.model.id
    here = Tagging.select(Tagging.record_id).where(Tagging.resource == resource.name, Tagging.tag.in_(tags))
    return peewee.fn.EXISTS(here.where(Tagging.record_id == key)) if walks else key.in_(here)


def _value(declared: Filter, text: str) -> Any:
    if declared.kind != "choice":
        return _VALUES[declared.kind].deserialize(text)
    wanted, choices = [one for one in text.split(",") if one], declared.offered()
    for one in wanted:
        if declared.choices and one not in choices:
            raise ValueError(_("%(value)s is not one of the choices.", value=one[:50]))
    return wanted


def _in_time(column: Any, asked: str, text: str, zone: ZoneInfo) -> Any:
    """A day has no zone, a moment does: which of both `column` holds, its model field says."""
    if isinstance(column, peewee.DateField):
        first, last = days(text, zone)
        until = column <= last
    else:
        first, end = period(text, zone)
        until = column < end
    return {"gte": column >= first, "lte": until}.get(asked, (column >= first) & until)


_WHOLE = ma.fields.Integer(
    validate=ma.validate.Range(-LARGEST, LARGEST),
    error_messages={"invalid": N_("Write a whole number (money in minor units).")},
)
_TRUTH = ma.fields.Boolean(error_messages={"invalid": N_("Write true or false.")})
_VALUES: dict[str, Any] = {"text": ma.fields.String(), "number": _WHOLE, "money": _WHOLE, "bool": _TRUTH}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "in": lambda column, values: column.in_(values), "prefix": search.starts_with,
    "eq": operator.eq, "gte": operator.ge, "lte": operator.le,
}  # fmt: skip


def days(text: str, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last day that a text means: a day, or a relative word as it is today in `zone`."""
    if text in _WORDS:
        return _WORDS[text](utcnow().astimezone(zone).date())
    day = _read(date, text)
    return day, day


def period(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """What a date text covers in `zone`, as [begin, end): a relative word, a day, or a moment with its zone."""
    if len(text) > 10 and text not in _WORDS:
        moment = _read(datetime, text)
        begin = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        return begin, begin + timedelta(microseconds=1)
    first, last = days(text, zone)
    midnights = [datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1))]
    return midnights[0].astimezone(UTC), midnights[1].astimezone(UTC)


def _read(kind: type[Day], text: str) -> Day:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise ValueError(_("Write a day like 2026-03-01, or one of: %(words)s.", words=", ".join(_WORDS))) from None


_WORDS: dict[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda day: (day, day),
    "yesterday": lambda day: (day - timedelta(days=1), day - timedelta(days=1)),
    "last_7_days": lambda day: (day - timedelta(days=6), day),
    "last_30_days": lambda day: (day - timedelta(days=29), day),
    "this_month": lambda day: (day.replace(day=1), day),
    "this_year": lambda day: (day.replace(month=1, day=1), day),
}
