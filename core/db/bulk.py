"""Many rows at once, through one prepared statement."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import peewee

from core.db import search
from core.db.engine import database, is_postgres
from core.db.fields import IdField, MinorField
from core.db.kept import Kept, slot

_AS_STORED: dict[Any, type] = {
    IdField: int, MinorField: int, peewee.IntegerField: int, peewee.BigIntegerField: int, peewee.ForeignKeyField: int,
    peewee.CharField: str, peewee.TextField: str,
}  # fmt: skip
"""Fields whose values of these types are the same in Python and in the database."""


def columns(query: Any, fields: Sequence[Any]) -> list[Sequence[Any]]:
    """What `query` finds: for each of `fields` the Python values of all rows.

    Column by column, and only what the database stores in another form: a fourth of the time of peewee's rows.
    """
    return _converted(database.execute(query.select(*fields)).fetchall(), fields)


def _converted(rows: Sequence[Any], fields: Sequence[Any]) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(fields)
    return [values if type(field) in _AS_STORED else [field.python_value(value) for value in values]
            for field, values in zip(fields, found, strict=True)]  # fmt: skip


def records(model: Any, fields: Sequence[Any], found: Sequence[Sequence[Any]]) -> list[Any]:
    """Records of `model` that hold only `fields`, made of columns; peewee's own way takes four times as long."""
    names, made = [field.name for field in fields], []
    for row in zip(*found, strict=True):
        record = model.__new__(model)
        record.__data__, record.__rel__, record._dirty = dict(zip(names, row, strict=True)), {}, set()
        made.append(record)
    return made


def records_in(rows: Sequence[Any], *models: Any) -> list[list[Any]]:
    """For each of `models`, whose columns stand side by side in `rows` as the database gave them, its records."""
    made, start = [], 0
    for model in models:
        fields = model._meta.sorted_fields
        part = [row[start : start + len(fields)] for row in rows]
        made.append(records(model, fields, _converted(part, fields)))
        start += len(fields)
    return made


def dicts(query: Any, fields: Sequence[Any]) -> list[dict[str, Any]]:
    """The same as {field name: value} for each row."""
    names = [field.name for field in fields]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns(query, fields), strict=True)]


def insert(model: Any, rows: Sequence[dict[str, Any]], *, ignore: bool = False) -> None:
    """Insert `rows` ({field name: value}, all with the same names); other fields get the model's default or NULL.

    `ignore`: what is there already stays as it is. peewee builds a multi-row INSERT value by value, which took half the
    time of an import; executemany binds only.
    """
    if rows:
        head, marks, values = _prepared(model, rows)
        tail = " ON CONFLICT DO NOTHING" if ignore else ""
        with database.atomic():
            if not is_postgres():
                database.cursor().executemany(f"{head} VALUES {marks}{tail}", values)
                return
            for part in _parts(values):  # a message for each row costs more than a long statement
                _run_once(f"{head} VALUES {{}}{tail}", marks, part)


def insert_returning(model: Any, rows: Sequence[dict[str, Any]], *, ignore: bool = False) -> list[int]:
    """The same in one statement for at most some hundred rows; the ids of the new rows, in the order of `rows`."""
    if not rows:
        return []
    head, marks, values = _prepared(model, rows)
    tail = f"{' ON CONFLICT DO NOTHING' * ignore} RETURNING {model._meta.primary_key.column_name}"
    made = _run_once(f"{head} VALUES {{}}{tail}", marks, values)
    return sorted(row_id for (row_id,) in made.fetchall())  # given in the order of VALUES; RETURNING promises no order


def _run_once(statement: str, marks: str, rows: Sequence[tuple[Any, ...]]) -> Any:
    """One statement for all rows, whose marks come where `{}` stands."""
    text = statement.format(", ".join([marks] * len(rows)))
    return database.execute_sql(text, [value for row in rows for value in row])


def _prepared(model: Any, rows: Sequence[dict[str, Any]]) -> tuple[str, str, list[tuple[Any, ...]]]:
    """INSERT INTO …, the marks of one row, and the values to bind."""
    defaults = model._meta.get_default_dict()
    fields = [field for field in model._meta.sorted_fields if field.name in rows[0] or field.name in defaults]
    columns = ", ".join(f'"{field.column_name}"' for field in fields)
    marks = ", ".join(["%s" if is_postgres() else "?"] * len(fields))
    values = [_bound(field, rows, defaults.get(field.name)) for field in fields]
    # Table and column names come from the model; values are bound.
    return f'INSERT INTO "{model._meta.table_name}" ({columns})', f"({marks})", list(zip(*values, strict=True))


def _bound(field: Any, rows: Sequence[dict[str, Any]], default: Any) -> list[Any]:
    """The values of one column."""
    name, bind, plain = field.name, field.db_value, _AS_STORED.get(type(field))
    given = [row.get(name, default) for row in rows]
    if plain is None:
        return [bind(value) for value in given]
    return [value if value is None or type(value) is plain else bind(value) for value in given]


def update(model: Any, key: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Change the rows that the fields `key` of each of `rows` name; every row brings the same fields."""
    if not rows:
        return
    changed = [name for name in rows[0] if name not in key]
    fields = [model._meta.fields[name] for name in (*changed, *key)]
    bound = list(zip(*(_bound(field, rows, None) for field in fields), strict=True))
    with database.atomic():
        if not is_postgres():
            pairs = [f'"{field.column_name}" = ?' for field in fields]
            sets, where = ", ".join(pairs[: len(changed)]), " AND ".join(pairs[len(changed) :])
            statement = f'UPDATE "{model._meta.table_name}" SET {sets} WHERE {where}'  # noqa: S608 - of the model
            database.cursor().executemany(statement, bound)
            return
        for part in _parts(bound):
            _update_joined(model, len(changed), fields, part)


_MOST_VALUES = 30_000  # of one statement; PostgreSQL takes 65,535


def _parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    size = max(_MOST_VALUES // len(rows[0]), 1)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _update_joined(model: Any, changed: int, fields: Sequence[Any], bound: Sequence[tuple[Any, ...]]) -> None:
    """One statement for all rows. Row by row PostgreSQL may keep a plan of the days when the table was empty, and so
    read all of it for each: 10,000 rows took ten seconds instead of one."""
    pairs = [f'"{field.column_name}" = given.c{place}::{_type_of(field)}' for place, field in enumerate(fields)]
    sets, where = ", ".join(pairs[:changed]), " AND ".join(f"old.{pair}" for pair in pairs[changed:])
    names = ", ".join(f"c{place}" for place in range(len(fields)))
    statement = (
        f'UPDATE "{model._meta.table_name}" AS old SET {sets}'  # noqa: S608 - names of the model
        f" FROM (VALUES {{}}) AS given({names}) WHERE {where}"
    )
    _run_once(statement, f"({', '.join(['%s'] * len(fields))})", bound)


def _type_of(field: Any) -> str:
    """The type of its column, as a cast writes it."""
    context = database.get_sql_context()
    text: str = context.sql(field.ddl_datatype(context)).query()[0]
    return text.replace("BIGSERIAL", "BIGINT")


def by_ids(model: Any, ids: Sequence[int]) -> list[Any]:
    """The records of `ids` that are there, in no order; in half the time of a select, whose text is made each time."""
    return records_in(_by_ids(model).run(ids=search.bound(ids)).fetchall(), model)[0]


@functools.lru_cache(maxsize=256)
def _by_ids(model: Any) -> Kept:
    return Kept(lambda: model.select().where(search.among(model.id, slot("ids"))))


def grouped(pairs: Iterable[tuple[int, str]], keys: Iterable[int] = ()) -> dict[int, list[str]]:
    """{key: its texts}, also for `keys` that have none; in order here, for a database sorts by its own language."""
    found: dict[int, list[str]] = {key: [] for key in keys}
    for key, text in sorted(pairs):
        found.setdefault(key, []).append(text)
    return found
