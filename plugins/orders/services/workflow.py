"""The life of an order as data, and its commands for sets of orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from peewee import fn

from core import db
from core.context import Context
from core.db.search import among, unindexed
from core.i18n import _
from core.resources import Transition, Workflow
from plugins.orders.labels import STATUS
from plugins.orders.models import Address, Adjustment, Order, OrderLine

CONFIRM_WITHIN = timedelta(days=14)
_SHIPPED = ("partially_fulfilled", "fulfilled", "partially_delivered", "delivered")


def _may_place(ids: Sequence[int]) -> dict[int, str]:
    """At least one line, lines + adjustments = total, somebody who buys and somewhere to send it."""
    lines = OrderLine.select(fn.SUM(OrderLine.line_total_minor)).where(OrderLine.order == Order.id)
    added = Adjustment.select(fn.COALESCE(fn.SUM(Adjustment.amount_minor), 0))
    added = added.where(Adjustment.order == Order.id, ~Adjustment.is_included)
    buyer = Order.customer_name.concat(Order.customer_email).concat(Order.customer_number)
    places = Address.select(fn.COUNT(Address.id)).where(Address.order == Order.id, Address.kind == "shipping")
    drafts = Order.select(Order.id, Order.total_minor, lines, added, buyer, places).where(among(Order.id, ids))
    return {order_id: text for order_id, *held in drafts.tuples() if (text := _missing(*held))}


def _missing(total: int, in_lines: int | None, in_adjustments: int, buyer: str, places: int) -> str:
    """What a draft lacks to be placed; empty: nothing."""
    if in_lines is None:
        return _("An order is placed with at least one line; this draft has none yet.")
    if total != in_lines + in_adjustments:
        return _("Lines and adjustments do not add up to the total.")
    if not buyer:
        return _("An order is placed for somebody; this draft names no customer yet.")
    return "" if places else _("An order is placed with a shipping address; this draft has none yet.")


def _may_cancel(ids: Sequence[int]) -> dict[int, str]:
    """Nothing shipped, or all of it came back."""
    shipped = Order.select(Order.id).where(
        among(Order.id, ids), unindexed(Order.fulfillment_status.in_(_SHIPPED)), Order.return_status != "returned"
    )
    text = _("Something of this order was shipped and has not come back.")
    return {order_id: text for (order_id,) in shipped.tuples()}


def _now(*fields: str) -> Any:
    return lambda: dict.fromkeys(fields, db.utcnow())


def _event(past: str) -> str:
    return f"orders.order_{past}.v1"


ORDER_WORKFLOW = Workflow(
    "orders.order",
    Order,
    "status",
    (
        Transition("place", ("draft",), "open", _event("placed"), guard=_may_place, sets=_now("placed_at")),
        Transition("submit", ("draft",), "pending", _event("submitted"), guard=_may_place, sets=_now("placed_at")),
        Transition("confirm", ("pending",), "open", _event("confirmed")),
        Transition("expire", ("pending",), "expired", _event("expired")),
        Transition(
            "cancel", ("pending", "open"), "canceled", _event("canceled"), guard=_may_cancel, sets=_now("canceled_at")
        ),
        Transition("complete", ("open",), "completed", _event("completed")),
        Transition("reopen", ("completed",), "open", _event("reopened")),
        Transition("archive", ("completed",), "archived", _event("archived")),
        Transition("unarchive", ("archived",), "completed", _event("unarchived")),
    ),
    STATUS,
)
EVENT_OF_STATUS: Mapping[str, str] = {
    "open": _event("placed"), "completed": _event("completed"), "archived": _event("archived"),
    "canceled": _event("canceled"), "expired": _event("expired"), "pending": _event("submitted"),
}  # fmt: skip
"""The event that tells of a status which an import brought."""


def expire_unconfirmed(ctx: Context, limit: int = 200) -> int:
    """Expire orders that nobody confirmed in time, at most `limit`; how many."""
    waiting = Order.select(Order.id).where(Order.status == "pending", Order.placed_at < db.utcnow() - CONFIRM_WITHIN)
    ids = [order_id for (order_id,) in waiting.order_by(Order.placed_at, Order.id).limit(limit).tuples()]
    return sum(outcome.ok for outcome in ORDER_WORKFLOW.run(ctx, "expire", ids).values())
