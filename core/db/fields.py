"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import peewee

from core.db.engine import is_postgres

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
LARGEST = 2**63 - 1


def utcnow() -> datetime:
    return datetime.now(UTC)


class IdField(peewee.BigAutoField):  # type: ignore[misc]
    """The key of a table. A number is never given twice: the audit log, notes and links of a record go by it."""

    def ddl(self, ctx: Any) -> Any:
        # Without this word SQLite gives the number of a deleted newest row again, to the next one.
        found = super().ddl(ctx)
        return found if is_postgres() else peewee.NodeList((found, peewee.SQL("AUTOINCREMENT")))

    def db_value(self, value: Any) -> Any:
        # No row has a greater number; in an address one would be an error of the database, not an empty answer.
        return min(max(value, -LARGEST), LARGEST) if isinstance(value, int) else super().db_value(value)


class UTCDateTimeField(peewee.DateTimeField):  # type: ignore[misc]
    """Aware UTC time; stored without zone, with microseconds always, so that text order is time order on SQLite."""

    def db_value(self, value: datetime | str | None) -> str | None:
        if value is None:
            return None
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if value.tzinfo is None:
            raise ValueError(f"{self.name}: a time without zone ({value}); use aware UTC times.")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")

    def python_value(self, value: datetime | str | None) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_storable(value: Any) -> bool:
    """Both databases keep `value`: numbers within 64 bits, texts without NUL and half surrogate pairs."""
    if isinstance(value, int):
        return abs(value) <= LARGEST
    return not isinstance(value, str) or _UNSTORABLE.search(value) is None


def iso(moment: datetime) -> str:
    """`moment` as all our JSON writes it: 2026-03-01T14:30:00Z."""
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()[:-6] + "Z"


def plain(value: Any) -> str:
    """What JSON has no form of its own for: times, decimals digit by digit, texts that are translated when shown."""
    if isinstance(value, datetime):
        return iso(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


# One encoder for all: json.dumps with these options makes a new one at each call, half the time of a small value.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=plain)


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no blanks, UTF-8; what is hashed and compared."""
    return _ENCODER.encode(value)


class JSONField(peewee.TextField):  # type: ignore[misc]
    """A JSON value kept as canonical text; never queried inside."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else canonical_json(value)

    def python_value(self, value: str | None) -> Any:
        if value == "{}":  # what most records have
            return {}
        return None if value is None else json.loads(value)


class ExactDecimalField(peewee.TextField):  # type: ignore[misc]
    """A decimal shown beside a total (unit price, quantity), kept digit by digit; SQLite's DECIMAL would round it."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else format(Decimal(value), "f")

    def python_value(self, value: str | None) -> Decimal | None:
        return None if value is None else Decimal(value)


class MinorField(peewee.BigIntegerField):  # type: ignore[misc]
    """Money in minor units of the record's currency; the name ends in `_minor`. Never a float."""
