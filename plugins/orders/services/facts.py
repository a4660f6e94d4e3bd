"""Append facts about money and goods, then recompute the axes of the orders they concern."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core import changes, db
from core.context import Context
from core.db.search import unindexed
from core.i18n import N_
from plugins.orders.models import Order, OrderFact
from plugins.orders.services import axes
from plugins.orders.services.axes import Fact
from plugins.orders.services.merge import AXES
from plugins.orders.services.records import RESOURCE, locked
from plugins.orders.services.workflow import ORDER_WORKFLOW

_MOVED = "orders.order_axes_changed.v1"
_LOGGED = N_("States computed")  # what the audit log says of it


def record_facts(ctx: Context, facts: Sequence[Fact]) -> list[int]:
    """Append `facts` (at most 200; one that is known by (order, source, key) changes nothing) and recompute.

    Gives the ids whose axes moved. An open order that is now paid, delivered and without an open return is completed.
    """
    with db.transaction():
        ids = sorted({fact.order_id for fact in facts})
        orders = {row["id"]: row for row in locked(Order.select().where(Order.id.in_(ids))).dicts()}
        rows = [_row(fact) for fact in facts if fact.order_id in orders]
        if rows:
            OrderFact.insert_many(rows).on_conflict_ignore().execute()
        moved = recompute(ctx, list(orders.values()))
        _complete(ctx, moved)
    return moved


def recompute(ctx: Context, orders: Sequence[dict[str, Any]]) -> list[int]:
    """Bring the cached axes of `orders` (rows as dicts) in line with their facts; ids of those that moved."""
    known: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for fact in OrderFact.select().where(OrderFact.order.in_([order["id"] for order in orders])).dicts():
        known[fact["order"]].append(fact)
    moved: list[dict[str, Any]] = []
    noted: list[changes.Change] = []
    for order in orders:
        fresh = axes.derive(order["total_minor"], order["units"], known[order["id"]])
        after = {name: fresh[name] for name in AXES if fresh[name] != order[name]}
        if after:
            noted.append(changes.Change(order["id"], {name: order[name] for name in after}, after))
            moved.append({**order, **fresh, "version": order["version"] + 1, "updated_at": db.utcnow()})
    if moved:
        kept = [getattr(Order, name) for name in (*AXES, "version", "updated_at")]
        Order.insert_many(moved).on_conflict(conflict_target=[Order.id], preserve=kept).execute()
    changes.record(ctx, RESOURCE, "states_computed", noted, event=_MOVED, reindex=False)
    return [change.id for change in noted]


def _row(fact: Fact) -> dict[str, Any]:
    values = asdict(fact)
    return {"order": values.pop("order_id"), **values}


def _complete(ctx: Context, ids: Sequence[int]) -> None:
    done = Order.select(Order.id).where(
        Order.id.in_(ids),
        unindexed(
            (Order.status == "open")
            & (Order.payment_status == "paid")
            & (Order.fulfillment_status == "delivered")
            & Order.return_status.in_(("none", "returned", "closed"))
        ),
    )
    ready = [order_id for (order_id,) in done.tuples()]
    if ready:
        ORDER_WORKFLOW.run(ctx, "complete", ready)
