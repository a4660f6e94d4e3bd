"""What the formats share: amounts as text, adjustments, rules for foreign words, address columns."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

RESOURCE = "orders.order"
Rows = Sequence[Map[str, str]]
Raw = dict[str, Any]


def amount(text: Any) -> Decimal:
    """An amount as Shopify and Amazon write it (decimal point); what is not one counts as 0 here.

    The importer reads the same cells again where they are fields, and reports what it cannot read.
    """
    try:
        value = Decimal(str(text or "0").strip().lstrip("'$€£ "))
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)


def adjustment(kind: str, amount: Decimal, label: str = "", **more: str) -> list[Raw]:
    """As texts, as if they stood in the file; none for 0."""
    return [{"kind": kind, "amount": format(amount, "f"), "label": label, **more}] if amount else []


def meanings(target: str, column: str, words: Map[str, str]) -> list[dict[str, str]]:
    """One rule for each word of a foreign system that means one of ours."""
    return [
        {"target": target, "column": column, "op": "eq", "value": theirs, "then": ours}
        for theirs, ours in words.items()
    ]


def addresses(pattern: str, names: Map[str, str]) -> list[tuple[str, str]]:
    """Columns of both addresses; `pattern` makes a header from Billing or Shipping and the name of a part."""
    sides = ("Billing", "Shipping")
    return [
        (pattern % {"side": side, "part": part}, f"{side.lower()}_address.{name}")
        for side in sides
        for part, name in names.items()
    ]


def line_sum(lines: Sequence[Raw]) -> Decimal:
    return sum((amount(line.get("line_total")) for line in lines), Decimal(0))
