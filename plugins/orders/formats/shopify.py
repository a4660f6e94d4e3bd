"""Shopify's export of orders, known by its header (79 columns in 2026)."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from decimal import Decimal

from core.i18n import __
from plugins.orders.formats.common import RESOURCE, Raw, Rows, addresses, adjustment, amount, line_sum, meanings
from plugins.transfer.api import ImportFormat, Mapping


def _with_totals(lines: Sequence[Raw]) -> None:
    """Shopify's lines: price × quantity − discount of the line."""
    for line in lines:
        total = amount(line.get("quantity")) * amount(line.get("unit_price")) - amount(line.get("discount"))
        if line.get("unit_price"):
            line["line_total"] = format(total, "f")


def prepare_shopify(order: Raw, rows: Rows) -> Raw:
    """Discounts, shipping, taxes and duties of the first row become adjustments.

    Prices include the tax when subtotal + shipping already make the total.
    """
    head, lines = rows[0], order.get("lines", [])
    _with_totals(lines)
    subtotal, shipping, taxes = (amount(head.get(name)) for name in ("Subtotal", "Shipping", "Taxes"))
    total = amount(head.get("Total"))
    included = str(bool(taxes) and subtotal + shipping == total).lower()
    discount = subtotal - line_sum(lines) if head.get("Subtotal") else -amount(head.get("Discount Amount"))
    order["adjustments"] = [
        *adjustment("discount", discount, head.get("Discount Code") or ""),
        *adjustment("shipping", shipping, head.get("Shipping Method") or ""),
        *_shopify_taxes(head, taxes, included),
        *adjustment("fee", amount(head.get("Duties")), "Duties"),
    ]
    order["tax_included"] = included
    order["customer_name"] = head.get("Billing Name") or head.get("Shipping Name") or ""
    if order.get("payment_status") == "partially_paid":
        order["paid"] = format(total - amount(head.get("Outstanding Balance")), "f")
    return order


def _shopify_taxes(head: Map[str, str], taxes: Decimal, included: str) -> list[Raw]:
    named = [(head.get(f"Tax {i} Name") or "", amount(head.get(f"Tax {i} Value"))) for i in range(1, 6)]
    if sum((value for _, value in named), Decimal(0)) != taxes:
        named = [("", taxes)]
    return [item for name, value in named for item in adjustment("tax", value, name, is_included=included)]


_SHOPIFY_PARTS = {
    "Name": "name", "Company": "company", "Address1": "line1", "Address2": "line2", "City": "city", "Zip": "postcode",
    "Province": "region", "Country": "country", "Phone": "phone",
}  # fmt: skip
SHOPIFY = ImportFormat(
    "shopify_orders",
    RESOURCE,
    __("Shopify orders"),
    Mapping(
        columns=[
            ("Name", "number"), ("Email", "customer_email"), ("Phone", "customer_phone"), ("Currency", "currency"),
            ("Financial Status", "payment_status"), ("Paid at", "paid_at"), ("Refunded Amount", "refunded"),
            ("Fulfillment Status", "fulfillment_status"), ("Total", "total"), ("Created at", "placed_at"),
            ("Cancelled at", "canceled_at"), ("Tags", "tags"), ("Lineitem quantity", "lines.quantity"),
            ("Lineitem name", "lines.title"), ("Lineitem price", "lines.unit_price"), ("Lineitem sku", "lines.sku"),
            ("Lineitem discount", "lines.discount"), *addresses("%(side)s %(part)s", _SHOPIFY_PARTS),
            *((name, "") for name in ("Subtotal", "Shipping", "Taxes", "Discount Code", "Discount Amount", "Duties")),
            *((name, "") for name in ("Shipping Method", "Outstanding Balance", "Billing Street", "Shipping Street")),
            *((f"Tax {i} {what}", "") for i in range(1, 6) for what in ("Name", "Value")),
        ],
        constants={"sales_channel": "shopify"},
        rules=[
            {"target": "status", "column": "Cancelled at", "op": "filled", "then": "canceled", "else": "open"},
            *meanings("payment_status", "Financial Status", {"pending": "unpaid", "expired": "unpaid"}),
            *meanings("fulfillment_status", "Fulfillment Status", {"partial": "partially_fulfilled"}),
        ],
        decimal=".",
    ),
    headers=frozenset({
        "Name", "Email", "Financial Status", "Fulfillment Status", "Created at", "Lineitem quantity", "Lineitem price",
    }),
    prepare=prepare_shopify,
)  # fmt: skip
