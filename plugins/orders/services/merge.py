"""Puts an order together from what is kept and what came in. Pure: documents in, a complete document out.

An absent field keeps, a blank one clears. Lines are the whole list, matched by position; only in an import lines that
all carry a `reference` are merged by it (named ones change, new ones come, others stay): reports tell parts of orders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.errors import Invalid
from core.i18n import _
from plugins.orders.services import axes, stated, totals

Document = dict[str, Any]
TEXTS = ("customer_number", "customer_name", "customer_email", "customer_phone")
HEADER = (
    "number",
    "sales_channel",
    "kind",
    "status",
    "currency",
    "rate",
    "tax_included",
    "placed_at",
    "canceled_at",
    *TEXTS,
)
SUMS = ("subtotal_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor", "items", "units")
AXES = ("payment_status", "fulfillment_status", "return_status", "paid_minor", "refunded_minor", "paid_at")
COMPUTED = (*SUMS, *AXES, "customer_key")
ADDRESSES = ("billing_address", "shipping_address")
ADDRESS_FIELDS = ("name", "company", "line1", "line2", "line3", "city", "region", "postcode", "country", "phone")
PARTS = ("lines", "adjustments", "facts", *ADDRESSES)
FIELDS = (*HEADER, *COMPUTED, *PARTS, "tags", "extra")
# An import moves a status forward only: what an operator did since is not undone by an older file.
_ORDER_OF_STATUS = ("draft", "pending", "open", "completed", "archived", "canceled", "expired")
_EMPTY: Document = {
    **dict.fromkeys(TEXTS, ""), "kind": "sale", "status": "draft", "rate": None, "tax_included": False,
    "canceled_at": None, "lines": [], "adjustments": [], "facts": [], "tags": [], "extra": {},
    "billing_address": None, "shipping_address": None,
}  # fmt: skip
_EMPTY_LINE: Document = {
    "reference": "", "sku": "", "title": "", "quantity": Decimal(1), "unit_price": None, "discount_minor": 0,
    "tax_minor": 0, "unit_cost": None, "extra": {},
}  # fmt: skip
_EMPTY_ADJUSTMENT: Document = {"line_position": None, "label": "", "is_included": False}


def compose(before: Document | None, patch: Mapping[str, Any], *, imported: bool) -> Document:
    """The complete order. `imported`: a stated total may leave a difference, a status may move forward.

    Raises Invalid with dotted paths (`lines.0.quantity`).
    """
    order: Document = {**_EMPTY, **(before or {})}
    for field in HEADER:
        if field in patch and (field != "status" or before is None or _is_forward(order["status"], patch[field])):
            order[field] = _EMPTY.get(field) if patch[field] is None else patch[field]
    for field in ADDRESSES:
        if field in patch:
            order[field] = _address(order[field], patch[field])
    if "adjustments" in patch:
        order["adjustments"] = _adjustments(patch["adjustments"] or ())
    if "tags" in patch:
        order["tags"] = sorted(set(patch["tags"] or ()))
    order["extra"] = _extra(order["extra"], patch.get("extra"))
    if patch.get("lines") is not None:
        order["lines"] = _lines(order, patch["lines"], imported)
    _finish(order, patch, imported)
    return order


def _finish(order: Document, patch: Mapping[str, Any], imported: bool) -> None:
    """Sums, facts and axes, in this order: each needs the one before."""
    changed = "lines" in patch or "adjustments" in patch
    order["adjustments"] = totals.numbered(
        item
        for item in order["adjustments"]
        if not (changed and "adjustments" not in patch and item["kind"] == totals.DIFFERENCE)
    )
    totals.add_up(order, patch.get("total_minor"), settle=imported)
    known = {(fact["source"], fact["key"]): fact for fact in [*(patch.get("facts") or ()), *order["facts"]]}
    order["facts"] = sorted(known.values(), key=fact_key)
    order["facts"] = [*order["facts"], *stated.new_facts(order, {} if patch.get("facts") else patch)]
    order |= axes.derive(order["total_minor"], order["units"], order["facts"])
    order["customer_key"] = customer_key(order)


def customer_key(order: Mapping[str, Any]) -> str:
    """The same buyer has the same key: the e-mail, else the customer's number outside, else name + phone."""
    email: str = order["customer_email"].strip().casefold()
    if email:
        return email[:255]
    if order["customer_number"]:
        return f"#{order['customer_number']}"
    name = " ".join(order["customer_name"].casefold().split())
    phone = re.sub(r"\D", "", order["customer_phone"])
    return f"{name}|{phone}"[:255] if name and phone else ""


def fact_key(fact: Mapping[str, Any]) -> Any:
    """By this the facts of an order are sorted."""
    return fact["at"], fact["source"], fact["key"]


def changed_fields(before: Document | None, after: Document) -> list[str]:
    return [field for field in FIELDS if before is None or before[field] != after[field]]


def _is_forward(old: str, new: str | None) -> bool:
    final = ("canceled", "expired")
    return bool(new) and old not in final and _ORDER_OF_STATUS.index(str(new)) > _ORDER_OF_STATUS.index(old)


def _address(old: Document | None, new: Mapping[str, Any] | None) -> Document | None:
    """A blank address is none."""
    kept = {} if new is None else {**dict.fromkeys(ADDRESS_FIELDS, ""), **(old or {})}
    kept |= {field: value or "" for field, value in (new or {}).items() if field in ADDRESS_FIELDS}
    return kept if any(kept.values()) else None


def _adjustments(given: Sequence[Mapping[str, Any]]) -> list[Document]:
    """A partial document (PATCH) is loaded without its required fields, so they are asked for here."""
    for index, item in enumerate(given):
        for name in ("kind", "amount_minor"):
            if item.get(name) is None:
                raise Invalid({f"adjustments.{index}.{name}": [_("This is needed.")]})
    return [
        {**_EMPTY_ADJUSTMENT, **{name: value for name, value in item.items() if value is not None}} for item in given
    ]


def _extra(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> Document:
    return {name: value for name, value in {**old, **(new or {})}.items() if value not in (None, "")}


def _lines(order: Document, given: Sequence[Mapping[str, Any]], imported: bool) -> list[Document]:
    old: list[Document] = order["lines"]
    by_reference = imported and bool(given) and all(line.get("reference") for line in given)
    if not by_reference:
        olds = [*old[: len(given)], *[None] * (len(given) - len(old))]
        return [_line(order, i, was, line, imported) for i, (was, line) in enumerate(zip(olds, given, strict=True))]
    known = {line["reference"]: line for line in old}
    fresh = [line for line in given if line["reference"] not in known]
    named = {line["reference"]: line for line in given}
    lines = [_line(order, i, line, named.get(line["reference"], {}), imported) for i, line in enumerate(old)]
    return lines + [_line(order, i, None, line, imported) for i, line in enumerate(fresh, start=len(old))]


def _line(order: Document, index: int, old: Document | None, new: Mapping[str, Any], imported: bool) -> Document:
    """One complete line. Its total is given, or quantity × unit price when one of them is new, or kept."""
    if old is not None and new.get("sku", old["sku"]) != old["sku"]:
        old = None
    line = {**_EMPTY_LINE, **(old or {})} | {name: value for name, value in new.items() if value is not None}
    line |= {name: _EMPTY_LINE.get(name) for name, value in new.items() if value is None and name != "line_total_minor"}
    line["extra"] = _extra((old or {}).get("extra", {}), new.get("extra"))
    line["position"] = index + 1
    try:
        _price(order, old, new, line, imported)
    except Invalid as problem:
        raise Invalid({f"lines.{index}.{field}": texts for field, texts in problem.errors.items()}) from None
    return line


def _price(order: Document, old: Document | None, new: Mapping[str, Any], line: Document, imported: bool) -> None:
    """Set `line_total_minor`: given, else computed from what is new, else kept."""
    if new.get("quantity", 1) is None:
        raise Invalid({"quantity": [_("A line needs its quantity.")]})
    given = new.get("line_total_minor")
    if given is not None and not (old and not imported and _is_stale(old, line)):
        totals.within_limit(given, "line_total_minor")
    elif line["unit_price"] is not None and (old is None or {"quantity", "unit_price", "line_total_minor"} & set(new)):
        line["line_total_minor"] = totals.line_total(line, order["currency"])
    elif imported and old is None and not {"unit_price", "line_total_minor"} & set(new):
        line["line_total_minor"] = 0  # the file has no prices at all (a shipping list); another file may bring them
    elif old is None or "line_total_minor" in new:
        raise Invalid({"line_total_minor": [_("A line needs its total or a unit price.")]})


def _is_stale(old: Document, line: Document) -> bool:
    """A form sends all fields back: the total of before beside another quantity or price is not meant."""
    changed = (line["quantity"], line["unit_price"]) != (old["quantity"], old["unit_price"])
    return changed and bool(line["line_total_minor"] == old["line_total_minor"])
