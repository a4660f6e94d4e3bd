"""What stands in the database, compared with what a model says."""

from __future__ import annotations

from typing import Any

from core.db.engine import database


def lacking(model: Any) -> str:
    """What the table of `model` lacks, or that there is none; "" when everything is there."""
    table = model._meta.table_name
    if not database.table_exists(table):
        return f"There is no table {table!r}"
    there = {column.name for column in database.get_columns(table)}
    missing = [column for column in model._meta.columns if column not in there]
    return f"The table {table!r} has no column {', '.join(map(repr, missing))}" if missing else ""


def is_sorted(model: Any, name: str) -> bool:
    """Whether an index gives the rows of `model` in the order of (field `name`, id)."""
    column = model._meta.fields[name].column_name
    return any(
        tuple(index.columns[:2]) == (column, "id") or (index.unique and list(index.columns) == [column])
        for index in database.get_indexes(model._meta.table_name)
    )


def is_indexed(model: Any, name: str) -> bool:
    """Whether an index of `model` begins with field `name`."""
    column = model._meta.fields[name].column_name
    return any(list(index.columns[:1]) == [column] for index in database.get_indexes(model._meta.table_name))
