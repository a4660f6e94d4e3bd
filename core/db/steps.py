"""The different values of an indexed column, from one to the next over the index: DISTINCT would read all rows."""

from __future__ import annotations

from typing import Any

from core.db.engine import database

_STEPS = """
WITH RECURSIVE step (value) AS (
  SELECT MIN({column}) FROM {table}
  UNION ALL
  SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > step.value) FROM step WHERE step.value IS NOT NULL
)
SELECT value FROM step WHERE value IS NOT NULL
"""


def values(field: Any) -> list[Any]:
    """The values of `field`, in the order of the index that begins with it."""
    table, column = (f'"{name}"' for name in (field.model._meta.table_name, field.column_name))
    return [value for (value,) in database.execute_sql(_STEPS.format(table=table, column=column)).fetchall()]
