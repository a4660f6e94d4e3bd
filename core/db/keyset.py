"""Pages by key, `(sort value, id)`, in both directions, over nullable and non-unique columns.

NULL sorts last in both orders on both databases: a page is read from the rows with a value first and filled from
the rows without one, so an index on (column, id) serves both parts (at most two statements).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import peewee

from core.errors import Invalid


@dataclass(frozen=True)
class Cursor:
    """The row next to which a page begins: its sort value (as stored, None for NULL) and id."""

    value: Any
    id: int
    backward: bool = False

    def encode(self) -> str:
        text = json.dumps([self.value, self.id, self.backward], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        try:
            value, row_id, backward = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if not isinstance(row_id, int) or isinstance(value, list | dict) or not -(2**63) <= row_id < 2**63:
                raise ValueError
            return cls(value, row_id, bool(backward))
        except (ValueError, TypeError, RecursionError):  # that of the base64 alphabet is a ValueError too
            raise Invalid({"cursor": ["This cursor is not one of ours; start again at the first page."]}) from None


@dataclass(frozen=True)
class KeyPage:
    """Ids of one page in the order asked for, and the cursors around it (None: nothing there)."""

    ids: list[int]
    next: str | None
    previous: str | None


def page(query: Any, sort: Any, descending: bool, cursor: str | None, limit: int) -> KeyPage:
    """One page of `query` (a select over one model, already filtered), sorted by the field `sort`, then id.

    Selects ids and sort values only, so that an index can answer; the caller joins the rows of the page afterwards.
    Raises Invalid for a cursor that is not ours.
    """
    at = Cursor.decode(cursor) if cursor else None
    backward = bool(at and at.backward)
    rows = _read(query, sort, descending != backward, at, limit + 1, nulls_first=backward)
    more, rows = len(rows) > limit, rows[:limit]
    if backward:
        rows.reverse()
    before, after = (more, True) if backward else (at is not None, more)
    return KeyPage(
        ids=[row_id for row_id, _ in rows],
        next=Cursor(rows[-1][1], rows[-1][0]).encode() if rows and after else None,
        previous=Cursor(rows[0][1], rows[0][0], backward=True).encode() if rows and before else None,
    )


def _read(
    query: Any, sort: Any, descending: bool, at: Cursor | None, limit: int, nulls_first: bool
) -> list[tuple[int, Any]]:
    """Rows after `at`; reading backward walks the mirror image, where the rows without a value come first."""
    key = sort.model._meta.primary_key
    parts = [False, True] if sort.null else [False]
    if nulls_first:
        parts.reverse()
    if at is not None and sort.null:
        parts = parts[parts.index(at.value is None) :]
    found: list[tuple[int, Any]] = []
    for nulls in parts:
        if len(found) == limit:
            break
        here = at if at is not None and (at.value is None) == nulls else None
        found += _part(query, sort, key, descending, here, limit - len(found), nulls)
    return found


def _part(
    query: Any, sort: Any, key: Any, descending: bool, at: Cursor | None, limit: int, nulls: bool
) -> list[tuple[int, Any]]:
    chosen = query.clone()
    if sort is key:
        if at is not None:
            chosen = chosen.where(key < at.id if descending else key > at.id)
        order = [key]
    elif nulls:
        chosen = chosen.where(sort.is_null())
        if at is not None:
            chosen = chosen.where(key < at.id if descending else key > at.id)
        order = [key]
    else:
        if sort.null:
            chosen = chosen.where(sort.is_null(False))
        if at is not None:
            left, right = peewee.Tuple(sort, key), peewee.Tuple(peewee.Value(at.value, converter=False), at.id)
            chosen = chosen.where(left < right if descending else left > right)
        order = [sort, key]
    ordered = [column.desc() if descending else column.asc() for column in order]
    chosen = chosen.select(key, sort).order_by(*ordered).limit(limit)
    # The raw stored value goes into the cursor; UTCDateTimeField and friends would not survive JSON.
    return [(row_id, None if nulls else sort.db_value(value)) for row_id, value in chosen.tuples()]
