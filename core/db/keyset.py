"""Pages by key, `(sort value, id)`, in both directions, over nullable and non-unique columns.

NULL sorts last in both orders on both databases: a page is read from the rows with a value first and filled from
the rows without one, so an index on (column, id) serves both parts (at most two statements).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import peewee


class Cursor(NamedTuple):
    """The row next to which a page begins: its sort value (as stored, None for NULL) and id."""

    value: Any
    id: int
    backward: bool = False


@dataclass(frozen=True)
class KeyPage:
    """Ids of one page in the order asked for, and the cursors around it (None: nothing there)."""

    ids: list[int]
    next: Cursor | None
    previous: Cursor | None


def cursor(sort: Any, record: Any) -> Cursor:
    """The place of `record` in the order of the field `sort`."""
    value = getattr(record, sort.name)
    return Cursor(None if value is None else _stored(sort, value), record.id)


def page(query: Any, sort: Any, descending: bool, at: Cursor | None, limit: int) -> KeyPage:
    """One page of `query` (a select over one model, already filtered), sorted by the field `sort`, then id.

    Selects ids and sort values only, so that an index can answer; the caller joins the rows of the page afterwards.
    """
    backward = bool(at and at.backward)
    rows = _read(query, sort, descending != backward, at, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if backward:
        rows.reverse()
    before, after = (more, True) if backward else (at is not None, more)
    return KeyPage(
        ids=[row_id for row_id, _ in rows],
        next=Cursor(rows[-1][1], rows[-1][0]) if rows and after else None,
        previous=Cursor(rows[0][1], rows[0][0], backward=True) if rows and before else None,
    )


def before(query: Any, sort: Any, descending: bool, at: Cursor, most: int) -> int:
    """How many rows of `query` stand before `at`; of more than `most` only so many are counted in each part."""
    mirror = at._replace(backward=True)
    return sum(_rows(query, sort, not descending, here, most, nulls).count() for nulls, here in _parts(sort, mirror))


def _read(query: Any, sort: Any, descending: bool, at: Cursor | None, limit: int) -> list[tuple[int, Any]]:
    """Rows after `at`; reading backward walks the mirror image, where the rows without a value come first."""
    found: list[tuple[int, Any]] = []
    for nulls, here in _parts(sort, at):
        if len(found) < limit:
            rows = _rows(query, sort, descending, here, limit - len(found), nulls).tuples()
            found += [(row_id, None if nulls else _stored(sort, value)) for row_id, value in rows]
    return found


def _parts(sort: Any, at: Cursor | None) -> list[tuple[bool, Cursor | None]]:
    """What is read in turn: whether the rows without a value, and from where on, if that is within them."""
    parts = [False, True] if sort.null else [False]
    if at is not None and sort.null:
        parts = [True, False] if at.backward else parts
        parts = parts[parts.index(at.value is None) :]
    return [(nulls, at if at is not None and (at.value is None) == nulls else None) for nulls in parts]


def _rows(query: Any, sort: Any, descending: bool, at: Cursor | None, limit: int, nulls: bool) -> Any:
    """The rows after `at` that have a value, or (`nulls`) those that have none, which go by their key alone."""
    key = sort.model._meta.primary_key
    order = [key] if nulls or sort is key else [sort, key]
    if sort.null:
        query = query.where(sort.is_null(nulls))
    if at is not None:
        last = [peewee.Value(at.value, converter=False), at.id][-len(order) :]
        here, there = peewee.Tuple(*order), peewee.Tuple(*last)
        query = query.where(here < there if descending else here > there)
    ordered = [column.desc() if descending else column.asc() for column in order]
    return query.select(key, sort).order_by(*ordered).limit(limit)


def _stored(sort: Any, value: Any) -> Any:
    """`value` as the database has it, in a form that JSON keeps: both databases read a day back from its text."""
    stored = sort.db_value(value)
    return stored if isinstance(stored, int | float | str) else str(stored)
