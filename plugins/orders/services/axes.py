"""The computed axes of an order: payment, fulfillment and return status follow from append-only facts, nothing else.

A fact is (axis, kind, amount or quantity, time, source, key); the same (order, source, key) counts once, the order of
arrival does not matter. Kinds that move sums:

    payment      authorize void capture refund dispute dispute_closed · fail require_action (the latest one shows)
    fulfillment  schedule start hold release fulfill deliver restock
    return       request approve receive close

`stated` carries a state as an import saw it, for files that tell a state but no amounts; it shows until the axis has
a movement of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

PAYMENT = (
    "unpaid requires_action partially_authorized authorized partially_paid paid overpaid partially_refunded refunded"
    " voided failed disputed"
).split()
FULFILLMENT = (
    "unfulfilled scheduled on_hold in_progress partially_fulfilled fulfilled partially_delivered delivered restocked"
).split()
RETURN = "none requested in_progress partially_returned returned closed".split()
STATES = {"payment": PAYMENT, "fulfillment": FULFILLMENT, "return": RETURN}
KINDS = {
    "payment": "authorize void capture refund dispute dispute_closed fail require_action stated".split(),
    "fulfillment": "schedule start hold release fulfill deliver restock stated".split(),
    "return": "request approve receive close stated".split(),
}
Sums = Mapping[str, Decimal]


@dataclass(frozen=True)
class Fact:
    """One fact as another plugin reports it. `amount_minor` for payments, `quantity` of units for the others."""

    order_id: int
    axis: str
    kind: str
    at: datetime
    source: str
    key: str
    amount_minor: int | None = None
    quantity: Decimal | None = None
    state: str = ""


def derive(total_minor: int, units: Decimal, facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The three states of an order with this total and number of units, from its facts in any order.

    Also what was paid and refunded so far, and when the latest payment came.
    """
    axes: dict[str, list[Mapping[str, Any]]] = {axis: [] for axis in STATES}
    for fact in {(fact["source"], fact["key"]): fact for fact in facts}.values():
        axes[fact["axis"]].append(fact)
    goods, sums = abs(units), _sums(axes["payment"])
    troubles = [kind for kind in ("fail", "require_action") if sums[kind] > 0]  # others were taken back
    states = {
        "payment": _payment(total_minor, goods, sums, _latest(axes["payment"], *troubles)),
        "fulfillment": _fulfillment(goods, _sums(axes["fulfillment"])),
        "return": _return(goods, _sums(axes["return"])),
    }
    for axis, known in axes.items():
        if known and all(fact["kind"] == "stated" for fact in known):
            states[axis] = _latest(known, "stated")["state"]
    captures = [fact["at"] for fact in axes["payment"] if fact["kind"] == "capture"]
    paid = {"paid_minor": int(sums["capture"]), "refunded_minor": int(sums["refund"])}
    return {f"{axis}_status": state for axis, state in states.items()} | paid | {"paid_at": max(captures, default=None)}


def _sums(facts: Iterable[Mapping[str, Any]]) -> defaultdict[str, Decimal]:
    """Per kind the sum of amounts; a fact without one counts as 1 (a hold, a request)."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fact in facts:
        size = fact["amount_minor"] if fact["axis"] == "payment" else fact["quantity"]
        sums[fact["kind"]] += Decimal(1) if size is None else size
    return sums


def _latest(facts: Iterable[Mapping[str, Any]], *kinds: str) -> Mapping[str, Any]:
    """The last fact of these kinds; equal times are told apart by the key, so that disorder changes nothing."""
    found = [fact for fact in facts if fact["kind"] in kinds]
    return max(found, key=lambda fact: (fact["at"], fact["source"], fact["key"]), default={"kind": "", "state": ""})


def _payment(total_minor: int, goods: Decimal, sums: Sums, last_trouble: Mapping[str, Any]) -> str:
    sign = -1 if total_minor < 0 else 1  # money of a credit flows the other way
    total = total_minor * sign
    captured, refunded = sums["capture"] * sign, sums["refund"] * sign
    if sums["dispute"] > sums["dispute_closed"]:
        return "disputed"
    if refunded > 0:
        return "refunded" if refunded >= captured else "partially_refunded"
    if captured > 0:
        return "overpaid" if captured > total else "paid" if captured == total else "partially_paid"
    if total == 0 and goods:
        return "paid"  # nothing is owed
    if (authorized := (sums["authorize"] - sums["void"]) * sign) > 0:
        return "authorized" if authorized >= total else "partially_authorized"
    if last_trouble["kind"]:
        return "failed" if last_trouble["kind"] == "fail" else "requires_action"
    return "voided" if sums["void"] else "unpaid"


def _fulfillment(goods: Decimal, sums: Sums) -> str:
    fulfilled, delivered, restocked = sums["fulfill"], sums["deliver"], sums["restock"]
    if restocked > 0 and restocked >= max(fulfilled, delivered):
        return "restocked"
    if delivered > 0:
        return "delivered" if delivered >= goods else "partially_delivered"
    if sums["hold"] > sums["release"] and fulfilled < goods:
        return "on_hold"
    if fulfilled > 0:
        return "fulfilled" if fulfilled >= goods else "partially_fulfilled"
    return "in_progress" if sums["start"] > 0 else "scheduled" if sums["schedule"] > 0 else "unfulfilled"


def _return(goods: Decimal, sums: Sums) -> str:
    received = sums["receive"]
    if sums["close"] > 0 and sums["close"] >= sums["request"]:
        return "closed"
    if received > 0:
        return "returned" if received >= goods else "partially_returned"
    return "in_progress" if sums["approve"] > 0 else "requested" if sums["request"] > 0 else "none"
