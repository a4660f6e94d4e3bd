"""Spree's export of orders, a row per line, known by its header."""

from __future__ import annotations

from core.i18n import __
from plugins.orders.formats.common import RESOURCE, Raw, Rows, addresses, adjustment, amount
from plugins.transfer.api import ImportFormat, Mapping


def prepare_spree(order: Raw, rows: Rows) -> Raw:
    head = rows[0]
    included = str((head.get("Taxes included") or "").casefold() in ("true", "yes", "1")).lower()
    order["tax_included"] = included
    order["adjustments"] = [
        *adjustment("shipping", amount(head.get("Shipping")), head.get("Shipping method") or ""),
        *adjustment("tax", amount(head.get("Taxes")), is_included=included),
        *adjustment("discount", -abs(amount(head.get("Discount"))), head.get("Discount Code") or ""),
    ]
    return order


_SPREE_PARTS = {
    "Name": "name", "Address 1": "line1", "Address 2": "line2", "Company": "company", "City": "city", "Zip": "postcode",
    "State": "region", "Country": "country", "Phone": "phone",
}  # fmt: skip
SPREE = ImportFormat(
    "spree_orders",
    RESOURCE,
    __("Spree orders"),
    Mapping(
        columns=[
            ("Number", "number"), ("Email", "customer_email"), ("Currency", "currency"), ("Total", "total"),
            ("Placed at", "placed_at"), ("Cancelled at", "canceled_at"), ("Item Quantity", "lines.quantity"),
            ("Item SKU", "lines.sku"), ("Item Name", "lines.title"), ("Item Price", "lines.unit_price"),
            ("Item Total Price", "lines.line_total"), ("Item Total Discount", "lines.discount"),
            *addresses("%(side)s %(part)s", _SPREE_PARTS),
            *((name, "") for name in ("Subtotal", "Shipping", "Taxes", "Taxes included", "Discount", "Discount Code")),
            ("Shipping method", ""),
        ],
        constants={"sales_channel": "spree", "status": "open"},
        rules=[
            {"target": "status", "column": "Cancelled at", "op": "filled", "then": "canceled"},
            {"target": "fulfillment_status", "column": "Shipped at", "op": "filled", "then": "fulfilled"},
        ],
        decimal=".",
    ),
    headers=frozenset({"Number", "Email", "Item SKU", "Item Quantity", "Item Price", "Item taxbale", "Placed at"}),
    prepare=prepare_spree,
)  # fmt: skip
