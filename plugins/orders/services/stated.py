"""What a file or an outside shop states about payment, fulfillment and return, turned into facts.

A statement gives sums ("paid 20.00"), facts are movements: what differs from the import's earlier facts is appended.
So the same file twice adds nothing, and a refund that grew from 5 to 10 adds 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.db import utcnow

SOURCE = "import"
_COUNTED = {"scheduled": "schedule", "in_progress": "start", "on_hold": "hold"}
_TROUBLE = {"failed": "fail", "requires_action": "require_action"}


def new_facts(order: Mapping[str, Any], patch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Facts to append to `order` (sums known) so that its axes say what `patch` states."""
    moment = patch.get("paid_at") or order["placed_at"]
    known = [fact for fact in order["facts"] if fact["source"] == SOURCE]
    added: list[dict[str, Any]] = []
    for axis, stated in (("payment", _payment), ("fulfillment", _fulfillment), ("return", _return)):
        if patch.get(f"{axis}_status"):
            wanted, state = stated(order, patch)
            mine = {fact["kind"] for fact in known if fact["axis"] == axis} - {"stated"}
            # A state is the whole story: what it does not name is taken back.
            added += _appended(axis, dict.fromkeys(mine, Decimal(0)) | wanted, state, known, moment)
        elif axis == "payment":
            added += _appended(axis, _given_sums(patch), "", known, moment)
    return added


def _given_sums(patch: Mapping[str, Any]) -> dict[str, Decimal]:
    """Amounts without a state speak of themselves only."""
    named = {"capture": patch.get("paid_minor"), "refund": patch.get("refunded_minor")}
    return {kind: Decimal(amount) for kind, amount in named.items() if amount is not None}


def _payment(order: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Decimal], str]:
    """Sums per kind that the statement means; with them, the state itself where they do not say it all."""
    state, total = patch["payment_status"], Decimal(order["total_minor"])
    paid, refunded = patch.get("paid_minor"), patch.get("refunded_minor")
    if state in _TROUBLE:
        return {_TROUBLE[state]: Decimal(1)}, ""
    if state in ("authorized", "voided"):
        return {"authorize": total, "void": total if state == "voided" else Decimal(0)}, ""
    if state in ("paid", "refunded", "partially_refunded", "disputed") and paid is None:
        paid = total
    if state == "refunded" and not refunded:
        refunded = paid
    wanted = {"capture": Decimal(paid or 0), "refund": Decimal(refunded or 0)}
    if state == "disputed":
        wanted["dispute"] = Decimal(1)
    unclear = (state == "partially_refunded" and not refunded) or (
        not paid and state not in ("unpaid", "paid", "refunded")
    )
    return ({}, state) if unclear else (wanted, "")


def _fulfillment(order: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Decimal], str]:
    state, goods = patch["fulfillment_status"], abs(order["units"]) or Decimal(1)
    if state in _COUNTED:
        return {_COUNTED[state]: Decimal(1)}, ""
    if state in ("fulfilled", "delivered"):
        return {"fulfill": goods, "deliver": goods if state == "delivered" else Decimal(0)}, ""
    if state == "restocked":
        return {"restock": goods}, ""
    return {}, "" if state == "unfulfilled" else state


def _return(order: Mapping[str, Any], patch: Mapping[str, Any]) -> tuple[dict[str, Decimal], str]:
    state = patch["return_status"]
    return {"receive": abs(order["units"])} if state == "returned" else {}, "" if state in (
        "none",
        "returned",
    ) else state


def _appended(
    axis: str, wanted: Mapping[str, Decimal], state: str, known: Sequence[Mapping[str, Any]], at: datetime
) -> Iterator[dict[str, Any]]:
    mine = [fact for fact in known if fact["axis"] == axis]
    stated = [fact["state"] for fact in mine if fact["kind"] == "stated"]
    if state and (not stated or stated[-1] != state):
        yield _fact(axis, "stated", utcnow(), len(stated), state=state)
    for kind in sorted(wanted) if not state else ():
        earlier = [fact for fact in mine if fact["kind"] == kind]
        gap = wanted[kind] - sum((_size(fact) for fact in earlier), Decimal(0))
        if gap:
            yield _fact(axis, kind, at, len(earlier), **_amount(axis, kind, gap))


def _size(fact: Mapping[str, Any]) -> Decimal:
    size = fact["amount_minor"] if fact["axis"] == "payment" else fact["quantity"]
    return Decimal(1) if size is None else Decimal(size)


def _amount(axis: str, kind: str, size: Decimal) -> dict[str, Any]:
    return {"amount_minor": int(size)} if axis == "payment" else {"quantity": size}


def _fact(axis: str, kind: str, at: datetime, nth: int, **values: Any) -> dict[str, Any]:
    empty = {"state": "", "amount_minor": None, "quantity": None}
    return {
        "axis": axis,
        "kind": kind,
        "at": at,
        "source": SOURCE,
        "key": f"{axis}:{kind}:{nth + 1}",
        **empty,
        **values,
    }
