"""Rows of orders and their parts, in and out, whole sets at a time. No rules here; `documents.py` calls it.

The number of statements does not grow with the orders: one for each table (`bulk` splits what is too large for one).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, itemgetter, or_
from typing import Any

from core import db
from core.db import bulk, search
from core.resources import Tagging, tags_of
from plugins.orders.models import Address, Adjustment, Order, OrderFact, OrderLine, OrderNumber
from plugins.orders.services import merge
from plugins.orders.services.merge import ADDRESSES, COMPUTED, HEADER, Document

RESOURCE = "orders.order"
Place = tuple[tuple[Any, ...], Any]
_COLUMNS = (*HEADER, *COMPUTED, "extra")
_FIRST_NUMBER = 1000
# Table of a part -> the columns that say whose a row is, and the one that tells it from the others there.
_KEYS: dict[Any, tuple[tuple[str, ...], str]] = {
    OrderLine: (("order",), "position"),
    Adjustment: (("order",), "position"),
    OrderFact: (("order", "source"), "key"),
    Address: (("order",), "kind"),
    Tagging: (("resource", "record_id"), "tag"),
}
_LISTS = {"lines": OrderLine, "adjustments": Adjustment, "facts": OrderFact}
_SORTED: dict[str, Any] = {
    "lines": itemgetter("position"),
    "adjustments": itemgetter("position"),
    "facts": merge.fact_key,
}


def find(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Ids of the orders with these (sales_channel, number), locked until the transaction ends."""
    numbers: defaultdict[str, list[str]] = defaultdict(list)
    for channel, number in keys:
        numbers[channel].append(number)
    if not numbers:
        return {}
    wanted = [(Order.sales_channel == channel) & Order.number.in_(found) for channel, found in numbers.items()]
    rows = locked(Order.select(Order.sales_channel, Order.number, Order.id).where(reduce(or_, wanted))).tuples()
    return {(channel, number): order_id for channel, number, order_id in rows}


def locked(query: Any) -> Any:
    """Rows that nobody else changes until we commit; on SQLite the write transaction itself is the lock."""
    return query.order_by(Order.id).for_update() if db.is_postgres() else query


def read(ids: Sequence[int]) -> list[Document]:
    """Documents in the order of `ids`, six statements; ids that do not exist are left out."""
    orders = bulk.dicts(Order.select().where(search.among(Order.id, ids)), Order._meta.sorted_fields)
    if not orders:
        return []
    found: dict[int, Document] = {order["id"]: order for order in orders}
    tags = tags_of(RESOURCE, list(found))
    for order_id, order in found.items():
        order |= {"tags": tags[order_id], **{name: [] for name in _LISTS}, **dict.fromkeys(ADDRESSES)}
    for name, model in _LISTS.items():
        for row in _rows(model, found):
            found[row.pop("order")][name].append(row)
    for order in found.values():  # here, for a database sorts texts by its own language
        for name, key in _SORTED.items():
            order[name].sort(key=key)
    for row in _rows(Address, found):
        found[row.pop("order")][f"{row.pop('kind')}_address"] = row
    return [found[order_id] for order_id in ids if order_id in found]


def _rows(model: Any, orders: Iterable[int]) -> list[Document]:
    fields = [field for field in model._meta.sorted_fields if field.name != "id"]
    return bulk.dicts(model.select().where(search.among(model.order, list(orders))), fields)


def next_numbers(count: int) -> list[str]:
    """Numbers for our own orders. Gaps happen, and nobody waits for another one's transaction."""
    if not count:
        return []
    rows: Any = OrderNumber.insert_many([{"taken_at": db.utcnow()}] * count).returning(OrderNumber.id).tuples()
    return [f"M-{_FIRST_NUMBER + number}" for number in sorted(row[0] for row in rows.execute())]


def insert(orders: Sequence[Document]) -> list[int]:
    """New orders with all their parts; their ids in the same order."""
    now = db.utcnow()
    rows = [{**_header(order), "created_at": now, "updated_at": now, "version": 1} for order in orders]
    ids = bulk.insert_returning(Order, rows)
    for order_id, order in zip(ids, orders, strict=True):
        order |= {"id": order_id, "version": 1}
    for model in _KEYS:
        bulk.insert(model, [row for order in orders for row in _parts(model, order)])
    return ids


def update(pairs: Sequence[tuple[Document, Document]]) -> None:
    """Write what differs in [(before, after)]: the headers in one statement, of the parts only rows that changed."""
    now = db.utcnow()
    for before, after in pairs:
        after |= {"updated_at": now, "version": before["version"] + 1}
    own = ("id", "created_at", "updated_at", "version")
    rows = [{**_header(after), **{name: after[name] for name in own}} for _, after in pairs]
    kept = [Order.updated_at, Order.version, *(getattr(Order, name) for name in _COLUMNS)]
    Order.insert_many(rows).on_conflict(conflict_target=[Order.id], preserve=kept).execute()
    for model in _KEYS:
        old = {_place(model, row): row for before, _ in pairs for row in _parts(model, before)}
        new = {_place(model, row): row for _, after in pairs for row in _parts(model, after)}
        _delete(model, [place for place, row in old.items() if new.get(place) != row])
        bulk.insert(model, [row for place, row in new.items() if old.get(place) != row])


def _header(order: Document) -> Document:
    return {name: order[name] for name in _COLUMNS}


def _parts(model: Any, order: Document) -> list[Document]:
    """The rows that `order` has in the table of `model`."""
    if model is Tagging:
        return [{"resource": RESOURCE, "record_id": order["id"], "tag": tag} for tag in order["tags"]]
    if model is Address:
        kinds = [(name.removesuffix("_address"), order[name]) for name in ADDRESSES if order[name]]
        return [{"order": order["id"], "kind": kind, **address} for kind, address in kinds]
    return [{"order": order["id"], **row} for name, table in _LISTS.items() if table is model for row in order[name]]


def _place(model: Any, row: Document) -> Place:
    owner, key = _KEYS[model]
    return tuple(row[name] for name in owner), row[key]


def _delete(model: Any, places: Sequence[Place]) -> None:
    names, key = _KEYS[model]
    values: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for owner, value in places:
        values[owner].append(value)
    conditions = [
        reduce(and_, (getattr(model, name) == one for name, one in zip(names, owner, strict=True)))
        & getattr(model, key).in_(some)
        for owner, some in values.items()
    ]
    if conditions:
        model.delete().where(reduce(or_, conditions)).execute()
