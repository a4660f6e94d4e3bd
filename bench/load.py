"""Fill an install of Maktab with the orders of the performance harness, in bulk, and check what came out.

    .venv/bin/python bench/load.py SCRATCH ROWS [--pg "host=127.0.0.1 port=21432 user=bench"]

Reads what the harness's data.py made (SCRATCH/bench_ROWS.db for SQLite, SCRATCH/data/ROWS/*.csv for PostgreSQL). The
install is SCRATCH/maktab_ROWS_sqlite or, with --pg, SCRATCH/maktab_ROWS_pg and the database maktab_ROWS; one that was
filled by the same code stays as it is. Needs on PostgreSQL the right to create databases and the extension pg_trgm.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peewee
from itsdangerous import URLSafeSerializer

from core import access, audit, auth, boot, db
from core.changes import Change
from core.context import system_context
from core.db import keyset, search
from core.resources import Tagging, service_of
from core.settings import Settings
from plugins.orders.models import Address, Order, OrderFact, OrderLine
from plugins.orders.resources import ORDERS
from plugins.orders.services import axes

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("customer", "product", "shop_order", "order_line")
TABLES = (Order, OrderLine, Address, OrderFact, Tagging, audit.Entry)
USER, PASSWORD, ROLE = "bench", "a slow camel carries 40 lamps", "manager"
CURRENCY = "GBP"
_CHUNK = 10_000


@dataclass(frozen=True)
class Place:
    """Where the orders are read and where they go. `pg`: libpq DSN without a database name; empty: SQLite."""

    scratch: Path
    rows: int
    pg: str = ""

    @property
    def home(self) -> Path:
        return self.scratch / f"maktab_{self.rows}_{'pg' if self.pg else 'sqlite'}"

    @property
    def database(self) -> str:
        return f"maktab_{self.rows}"

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=self.home, database_url=url_of(self.pg, self.database) if self.pg else "")


def url_of(dsn: str, database: str) -> str:
    """A database URL for Maktab from a libpq DSN."""
    parts = dict(part.split("=", 1) for part in dsn.split())
    return f"postgresql://{parts['user']}@{parts['host']}:{parts.get('port', '5432')}/{database}"


def fingerprint() -> str:
    """Changes with this loader and with the schema that it fills."""
    files = [Path(__file__), *sorted(ROOT.glob("*/migrations/*.py")), *sorted(ROOT.glob("*/*/migrations/*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def load(place: Place) -> dict[str, Any]:
    """Fill the install of `place` unless that was done; what was done, with seconds and counts."""
    stamp = place.home / "loaded.json"
    if stamp.exists():
        found: dict[str, Any] = json.loads(stamp.read_text())
        if found["fingerprint"] == fingerprint() and _is_there(place):
            return found | {"cached": True}
    began = time.monotonic()
    _make_install(place)
    with _bulk(place):
        _fill_tables()
        _fill_audit()
        _fill_search()
    audit.seal(limit=2 * place.rows)  # by the index of what is unsealed
    db.database.execute_sql("VACUUM ANALYZE" if place.pg else "PRAGMA wal_checkpoint(TRUNCATE)")
    counts = _check(place.rows)
    db.database.close_all()
    done = {"fingerprint": fingerprint(), "counts": counts, "seconds": round(time.monotonic() - began, 1)}
    stamp.write_text(json.dumps(done, indent=1))
    return done


def _is_there(place: Place) -> bool:
    db.connect(place.settings.url)
    try:
        return bool(Order.select().count() == place.rows)
    except peewee.PeeweeException:
        return False
    finally:
        db.database.close_all()


def _make_install(place: Place) -> None:
    """A new install with one user, who signs in like any other."""
    shutil.rmtree(place.home, ignore_errors=True)
    if place.pg:
        import psycopg

        with psycopg.connect(f"{place.pg} dbname=postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{place.database}" WITH (FORCE)'.encode())
            server.execute(f'CREATE DATABASE "{place.database}"'.encode())
    settings = place.settings
    boot.prepare(settings)
    for name in ("session", "audit", "queue"):
        settings.key(name)
    ctx = system_context("cli")
    with db.transaction():
        access.assign(ctx, auth.create_user(ctx, USER, PASSWORD), ROLE)


@contextmanager
def _bulk(place: Place) -> Iterator[None]:
    """Inside, the harness's tables can be read as `source.<table>`, and no index is kept: they are made at the end."""
    opened = db.database
    if place.pg:
        opened.execute_sql("SET maintenance_work_mem = '512MB'")
        _copy_sources(place)
    else:
        # A load that is broken off is thrown away: nothing needs to survive a power cut.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000"):
            opened.execute_sql(f"PRAGMA {pragma}")
        opened.execute_sql("ATTACH ? AS source", (str(place.scratch / f"bench_{place.rows}.db"),))
    made = _drop_indexes()
    yield
    for statement in made:
        opened.execute_sql(statement)
    opened.execute_sql("DROP SCHEMA source CASCADE" if place.pg else "DETACH source")
    if not place.pg:
        opened.execute_sql("PRAGMA journal_mode=WAL")


def _copy_sources(place: Place) -> None:
    db.database.execute_sql("CREATE SCHEMA source")
    with sqlite3.connect(place.scratch / f"bench_{place.rows}.db") as made:
        tables = dict(made.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    cursor = db.database.cursor()
    for name in SOURCES:
        columns = tables[name].partition("(")[2].rpartition(")")[0].split(" REFERENCES ")
        db.database.execute_sql(f"CREATE TABLE source.{name} ({_without_references(columns)})")
        file = place.scratch / "data" / str(place.rows) / f"{name}.csv"
        with cursor.copy(f"COPY source.{name} FROM STDIN WITH (FORMAT csv)") as out, file.open("rb") as stream:
            while block := stream.read(1 << 20):
                out.write(block)
        db.database.execute_sql(f"ANALYZE source.{name}")


def _without_references(parts: Sequence[str]) -> str:
    return parts[0] + "".join(part.partition(")")[2] for part in parts[1:])


def _drop_indexes() -> list[str]:
    """Drop the indexes of the tables to fill; the statements that make them again."""
    names = [model._meta.table_name for model in TABLES] + [f"{Order._meta.table_name}_search"]
    marks = ", ".join([db.database.param] * len(names))
    if db.is_postgres():
        catalog = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
        catalog += f" AND tablename IN ({marks})"
    else:
        catalog = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        catalog += f" AND tbl_name IN ({marks})"
    found = db.database.execute_sql(catalog, names).fetchall()
    for name, _statement in found:
        db.database.execute_sql(f'DROP INDEX "{name}"')
    return [statement for _name, statement in found]


# What the harness knows of an order, as Maktab says it. `o` its order, `c` its customer, `s` the sums of its lines.
_STATUS = (
    "CASE WHEN o.status = 'cancelled' THEN 'canceled' WHEN o.status IN ('delivered', 'refunded') THEN 'completed'"
    " ELSE 'open' END"
)
_PAYMENT = (
    "CASE WHEN o.status IN ('new', 'cancelled') THEN 'unpaid' WHEN o.status = 'refunded' THEN 'refunded'"
    " ELSE 'paid' END"
)
_FULFILLMENT = (
    "CASE WHEN o.status IN ('delivered', 'refunded') THEN 'delivered' WHEN o.status = 'shipped' THEN 'fulfilled'"
    " WHEN o.status = 'packed' THEN 'in_progress' ELSE 'unfulfilled' END"
)
_PAID, _SENT, _ARRIVED = (
    "o.status NOT IN ('new', 'cancelled')",
    "o.status IN ('shipped', 'delivered', 'refunded')",
    "o.status IN ('delivered', 'refunded')",
)
_SUMS = "(SELECT order_id, count(*) AS n, sum(qty) AS units FROM source.order_line GROUP BY order_id)"
_FROM = f"FROM source.shop_order o JOIN source.customer c ON c.id = o.customer_id JOIN {_SUMS} s ON s.order_id = o.id"


def _fill_tables() -> None:
    at, none = ("o.created_at", "NULL") if db.is_postgres() else ("o.created_at || '.000000'", "NULL")
    order = {
        "id": "o.id", "created_at": at, "updated_at": at, "placed_at": at, "number": "o.number",
        "sales_channel": "CASE WHEN o.customer_id % 5 = 0 THEN 'marketplace' ELSE 'web' END",
        "status": _STATUS, "payment_status": _PAYMENT, "fulfillment_status": _FULFILLMENT,
        "return_status": "CASE o.status WHEN 'refunded' THEN 'returned' ELSE 'none' END", "currency": f"'{CURRENCY}'",
        "subtotal_minor": "o.total_cents", "total_minor": "o.total_cents", "items": "s.n",
        "units": "CAST(s.units AS TEXT)", "paid_minor": f"CASE WHEN {_PAID} THEN o.total_cents ELSE 0 END",
        "refunded_minor": "CASE o.status WHEN 'refunded' THEN o.total_cents ELSE 0 END",
        "paid_at": f"CASE WHEN {_PAID} THEN {at} END",
        "canceled_at": f"CASE o.status WHEN 'cancelled' THEN {at} ELSE {none} END",
        "customer_number": "CAST(c.id AS TEXT)", "customer_name": "c.name", "customer_email": "c.email",
        "customer_key": "lower(c.email)",
    }  # fmt: skip
    _insert(Order, order, f"{_FROM} ORDER BY o.id")
    line = {
        "order": "l.order_id", "position": "row_number() OVER (PARTITION BY l.order_id ORDER BY l.id)",
        "sku": "p.sku", "title": "p.name", "quantity": "CAST(l.qty AS TEXT)",
        "unit_price": "CAST(l.unit_cents / 100 AS TEXT) || '.' || substr(CAST(100 + l.unit_cents % 100 AS TEXT), 2)",
        "line_total_minor": "l.qty * l.unit_cents",
    }  # fmt: skip
    _insert(OrderLine, line, "FROM source.order_line l JOIN source.product p ON p.id = l.product_id ORDER BY l.id")
    address = {"order": "o.id", "kind": "'shipping'", "name": "c.name", "city": "c.city"}
    _insert(Address, address, f"{_FROM} ORDER BY o.id")
    for axis, kind, amount, quantity, where in (
        ("payment", "capture", "o.total_cents", None, _PAID),
        ("payment", "refund", "o.total_cents", None, "o.status = 'refunded'"),
        ("fulfillment", "start", None, None, "o.status = 'packed'"),
        ("fulfillment", "fulfill", None, "CAST(s.units AS TEXT)", _SENT),
        ("fulfillment", "deliver", None, "CAST(s.units AS TEXT)", _ARRIVED),
        ("return", "receive", None, "CAST(s.units AS TEXT)", "o.status = 'refunded'"),
    ):
        fact = {"order": "o.id", "axis": f"'{axis}'", "kind": f"'{kind}'", "at": at, "source": "'import'"}
        fact |= {"key": f"'{axis}:{kind}:1'"} | ({"amount_minor": amount} if amount else {})
        _insert(OrderFact, fact | ({"quantity": quantity} if quantity else {}), f"{_FROM} WHERE {where} ORDER BY o.id")
    tag = {"resource": f"'{ORDERS.name}'", "record_id": "o.id", "tag": "'gift'"}
    _insert(Tagging, tag, "FROM source.shop_order o WHERE o.id % 20 = 0 ORDER BY o.id")


def _insert(model: Any, given: dict[str, str], source: str) -> None:
    """INSERT … SELECT of SQL expressions by field; fields that are not given get the model's default."""
    columns, values, bound = [], [], []
    for field in model._meta.sorted_fields:
        if field.name in given:
            values.append(given[field.name])
        elif field.default is not None:
            values.append("?")
            bound.append(field.db_value(field.default() if callable(field.default) else field.default))
        else:
            continue
        columns.append(f'"{field.column_name}"')
    statement = f'INSERT INTO "{model._meta.table_name}" ({", ".join(columns)}) SELECT {", ".join(values)} {source}'
    if db.is_postgres():
        statement = statement.replace("%", "%%").replace("?", "%s")
    db.database.execute_sql(statement, bound)
    if db.is_postgres():
        key = f"pg_get_serial_sequence('{model._meta.table_name}', 'id')"
        db.database.execute_sql(f'SELECT setval({key}, (SELECT max(id) FROM "{model._meta.table_name}"))')


def _fill_audit() -> None:
    """One entry per order, as an import leaves it."""
    ctx, last = system_context("cli").coming_from("import"), 0
    query = Order.select(Order.id, Order.number, Order.status, Order.total_minor).order_by(Order.id).limit(_CHUNK)
    while found := list(query.where(Order.id > last).tuples()):
        noted = [
            Change(order_id, after={"number": number, "status": status, "total_minor": total})
            for order_id, number, status, total in found
        ]
        audit.write(ctx, ORDERS.name, "created", noted)
        last = found[-1][0]


def _fill_search() -> None:
    last = 0
    while done := search.rebuild(ORDERS, last, _CHUNK):
        last = done


def _check(rows: int) -> dict[str, int]:
    """Count the rows, and look at some orders as the application does. AssertionError when something is wrong."""
    counts = {model._meta.table_name: model.select().count() for model in TABLES}
    found = db.database.execute_sql(f'SELECT count(*) FROM "{Order._meta.table_name}_search"').fetchone()[0]
    assert counts[Order._meta.table_name] == found == rows, (counts, found)
    assert counts[audit.Entry._meta.table_name] >= rows, counts
    assert not audit.Entry.select().where(audit.Entry.seq.is_null()).exists(), "unsealed audit entries"
    for order in service_of(ORDERS).documents(list(range(1, rows + 1, max(1, rows // 200)))):
        assert order["total_minor"] == sum(line["line_total_minor"] for line in order["lines"])
        states = axes.derive(order["total_minor"], order["units"], order["facts"])
        assert {name: order[name] for name in states} == states, order
    return counts


def middle_cursors(place: Place) -> dict[str, str]:
    """By sortable column, descending: the cursor of the row at half depth, signed like those in the links of a list."""
    db.connect(place.settings.url)
    found, key = {}, ORDERS.model.id
    for name in (one.name for one in ORDERS.columns if one.sortable):
        field = getattr(ORDERS.model, name)
        pair = ORDERS.model.select(key).order_by(field.desc(), key.desc()).offset(place.rows // 2).limit(2).tuples()
        both = ORDERS.model.select().where(key.in_([record_id for (record_id,) in pair]))
        signer = URLSafeSerializer(place.settings.key("session"), f"{ORDERS.name} {name}")
        found[name] = str(signer.dumps(keyset.page(both, field, True, None, 1).next))
    db.database.close_all()
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scratch", type=Path)
    options.add_argument("rows", type=int)
    options.add_argument("--pg", default="")
    given = options.parse_args()
    print(json.dumps(load(Place(given.scratch, given.rows, given.pg))))


if __name__ == "__main__":
    main()
