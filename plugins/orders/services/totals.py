"""How an order adds up: lines + adjustments = total, in minor units, rounded half-even once per line.

`line_total_minor` is the truth of a line. Included adjustments and a line's own discount and tax
are told for information, they are already inside. A file that states its own total is believed: what lines and
adjustments do not explain becomes an adjustment of kind `difference`, so that every sum agrees and the gap is seen.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.db import money
from core.errors import Invalid
from core.i18n import _

DIFFERENCE = "difference"
_LIMIT = 2**53  # beyond this JSON readers lose digits
_EXACT = decimal.Context(prec=100)


def line_total(line: Mapping[str, Any], currency: str) -> int:
    """quantity × unit price in minor units, rounded half-even once."""
    return within_limit(
        money.to_minor(_EXACT.multiply(line["quantity"], line["unit_price"]), currency), "line_total_minor"
    )


def within_limit(minor: int, field: str) -> int:
    if abs(minor) > _LIMIT:
        raise Invalid({field: [_("This amount is too large.")]})
    return minor


def add_up(order: dict[str, Any], stated_total: int | None, *, settle: bool) -> None:
    """Set the sums of `order` from its lines and adjustments.

    `stated_total`: what the sender says the total is; `settle` (imports) explains a gap by a difference, else a gap
    raises Invalid.
    """
    if stated_total is not None and settle:
        order["adjustments"] = _settled(order, stated_total)
    _set_sums(order)
    if stated_total is not None and stated_total != order["total_minor"]:
        said = {"stated": stated_total, "sum": order["total_minor"]}
        text = _("The total is %(stated)s, but lines and adjustments add up to %(sum)s (in minor units).", **said)
        raise Invalid({"total_minor": [text]})


def _settled(order: Mapping[str, Any], stated_total: int) -> list[dict[str, Any]]:
    known = [item for item in order["adjustments"] if item["kind"] != DIFFERENCE]
    gap = stated_total - _lines_sum(order["lines"]) - _added(known)
    if gap:
        known.append(
            {"line_position": None, "kind": DIFFERENCE, "label": "", "amount_minor": gap, "is_included": False}
        )
    return numbered(known)


def numbered(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "position": position} for position, row in enumerate(rows, start=1)]


def _set_sums(order: dict[str, Any]) -> None:
    lines, adjustments = order["lines"], order["adjustments"]
    order["subtotal_minor"] = _lines_sum(lines)
    order["discount_minor"] = _added(adjustments, "discount")
    order["shipping_minor"] = _added(adjustments, "shipping")
    taxes = sum(item["amount_minor"] for item in adjustments if item["kind"] == "tax")
    order["tax_minor"] = taxes + sum(line["tax_minor"] for line in lines)
    order["total_minor"] = within_limit(order["subtotal_minor"] + _added(adjustments), "total_minor")
    order["items"] = len(lines)
    order["units"] = sum((line["quantity"] for line in lines), decimal.Decimal(0))


def _lines_sum(lines: Sequence[Mapping[str, Any]]) -> int:
    return sum(line["line_total_minor"] for line in lines)


def _added(adjustments: Sequence[Mapping[str, Any]], kind: str = "") -> int:
    return sum(
        item["amount_minor"] for item in adjustments if not item["is_included"] and (not kind or item["kind"] == kind)
    )
