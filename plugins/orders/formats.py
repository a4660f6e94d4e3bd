"""File formats of orders: Shopify, Amazon and Spree known by their header, WooCommerce as a preset, the demo shop.

Most of a format is data, a `Mapping`. `prepare` only adds what depends on several columns: amounts that are not lines.
Headers and rules: glossary.md 2.4, 2.7, 2.10, 2.14.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Map
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from core.i18n import __
from core.transfer import DemoFile, ImportFormat, Mapping

RESOURCE = "orders.order"
HERE = Path(__file__).parent
Rows = Sequence[Map[str, str]]
Raw = dict[str, Any]


def _amount(text: Any) -> Decimal:
    """An amount as Shopify and Amazon write it (decimal point); what is not one counts as 0 here.

    The importer reads the same cells again where they are fields, and reports what it cannot read.
    """
    try:
        value = Decimal(str(text or "0").strip().lstrip("'$€£ "))
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)


def _adjustment(kind: str, amount: Decimal, label: str = "", **more: str) -> list[Raw]:
    """As texts, as if they stood in the file; none for 0."""
    return [{"kind": kind, "amount": format(amount, "f"), "label": label, **more}] if amount else []


def _rules(target: str, column: str, meanings: Map[str, str]) -> list[dict[str, str]]:
    """One rule for each word of a foreign system that means one of ours."""
    return [
        {"target": target, "column": column, "op": "eq", "value": theirs, "then": ours}
        for theirs, ours in meanings.items()
    ]


def _addresses(pattern: str, names: Map[str, str]) -> list[tuple[str, str]]:
    """Columns of both addresses; `pattern` makes a header from Billing or Shipping and the name of a part."""
    sides = ("Billing", "Shipping")
    return [
        (pattern % {"side": side, "part": part}, f"{side.lower()}_address.{name}")
        for side in sides
        for part, name in names.items()
    ]


def _line_sum(lines: Sequence[Raw]) -> Decimal:
    return sum((_amount(line.get("line_total")) for line in lines), Decimal(0))


def _with_totals(lines: Sequence[Raw]) -> None:
    """Shopify's lines: price × quantity − discount of the line."""
    for line in lines:
        total = _amount(line.get("quantity")) * _amount(line.get("unit_price")) - _amount(line.get("discount"))
        if line.get("unit_price"):
            line["line_total"] = format(total, "f")


def prepare_shopify(order: Raw, rows: Rows) -> Raw:
    """Discounts, shipping, taxes and duties of the first row become adjustments.

    Prices include the tax when subtotal + shipping already make the total.
    """
    head, lines = rows[0], order.get("lines", [])
    _with_totals(lines)
    subtotal, shipping, taxes = (_amount(head.get(name)) for name in ("Subtotal", "Shipping", "Taxes"))
    total = _amount(head.get("Total"))
    included = str(bool(taxes) and subtotal + shipping == total).lower()
    discount = subtotal - _line_sum(lines) if head.get("Subtotal") else -_amount(head.get("Discount Amount"))
    order["adjustments"] = [
        *_adjustment("discount", discount, head.get("Discount Code") or ""),
        *_adjustment("shipping", shipping, head.get("Shipping Method") or ""),
        *_shopify_taxes(head, taxes, included),
        *_adjustment("fee", _amount(head.get("Duties")), "Duties"),
    ]
    order["tax_included"] = included
    order["customer_name"] = head.get("Billing Name") or head.get("Shipping Name") or ""
    if order.get("payment_status") == "partially_paid":
        order["paid"] = format(total - _amount(head.get("Outstanding Balance")), "f")
    return order


def _shopify_taxes(head: Map[str, str], taxes: Decimal, included: str) -> list[Raw]:
    named = [(head.get(f"Tax {i} Name") or "", _amount(head.get(f"Tax {i} Value"))) for i in range(1, 6)]
    if sum((value for _, value in named), Decimal(0)) != taxes:
        named = [("", taxes)]
    return [item for name, value in named for item in _adjustment("tax", value, name, is_included=included)]


_AMAZON_AMOUNTS = {
    "item-tax": ("tax", 1), "shipping-price": ("shipping", 1), "shipping-tax": ("tax", 1), "gift-wrap-price": ("fee", 1),
    "gift-wrap-tax": ("tax", 1), "item-promotion-discount": ("discount", -1), "ship-promotion-discount": ("discount", -1),
}  # fmt: skip


def prepare_amazon(order: Raw, rows: Rows) -> Raw:
    """Amounts beside the item price become adjustments of their line. Promotions come with or without a minus."""
    order["adjustments"] = [
        item
        for position, row in enumerate(rows, start=1)
        for name, (kind, sign) in _AMAZON_AMOUNTS.items()
        for item in _adjustment(kind, abs(_amount(row.get(name))) * sign, name, line_position=str(position))
    ]
    return order


def prepare_amazon_unshipped(order: Raw, rows: Rows) -> Raw:
    """The report has quantities and no prices: it tells what is still to be sent."""
    shipped = sum((_amount(row.get("quantity-shipped")) for row in rows), Decimal(0))
    waiting = sum((_amount(row.get("quantity-to-ship")) for row in rows), Decimal(0))
    order["fulfillment_status"] = "unfulfilled" if not shipped else "partially_fulfilled" if waiting else "fulfilled"
    return order


def prepare_spree(order: Raw, rows: Rows) -> Raw:
    head = rows[0]
    included = str((head.get("Taxes included") or "").casefold() in ("true", "yes", "1")).lower()
    order["tax_included"] = included
    order["adjustments"] = [
        *_adjustment("shipping", _amount(head.get("Shipping")), head.get("Shipping method") or ""),
        *_adjustment("tax", _amount(head.get("Taxes")), is_included=included),
        *_adjustment("discount", -abs(_amount(head.get("Discount"))), head.get("Discount Code") or ""),
    ]
    return order


def prepare_woocommerce(order: Raw, rows: Rows) -> Raw:
    head = rows[0]
    for side in ("billing", "shipping"):
        names = (head.get(f"{part} Name ({side.title()})") or "" for part in ("First", "Last"))
        order.setdefault(f"{side}_address", {})["name"] = " ".join(filter(None, names))
    order["customer_name"] = order["billing_address"]["name"]
    order["adjustments"] = [
        *_adjustment("discount", -abs(_amount(head.get("Cart Discount Amount"))), head.get("Coupon Code") or ""),
        *_adjustment("shipping", _amount(head.get("Order Shipping Amount")), head.get("Shipping Method Title") or ""),
        *_adjustment("tax", _amount(head.get("Order Total Tax Amount"))),
    ]
    return order


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
            ("Lineitem discount", "lines.discount"), *_addresses("%(side)s %(part)s", _SHOPIFY_PARTS),
            *((name, "") for name in ("Subtotal", "Shipping", "Taxes", "Discount Code", "Discount Amount", "Duties")),
            *((name, "") for name in ("Shipping Method", "Outstanding Balance", "Billing Street", "Shipping Street")),
            *((f"Tax {i} {what}", "") for i in range(1, 6) for what in ("Name", "Value")),
        ],
        constants={"sales_channel": "shopify"},
        rules=[
            {"target": "status", "column": "Cancelled at", "op": "filled", "then": "canceled", "else": "open"},
            *_rules("payment_status", "Financial Status", {"pending": "unpaid", "expired": "unpaid"}),
            *_rules("fulfillment_status", "Fulfillment Status", {"partial": "partially_fulfilled"}),
        ],
        decimal=".",
    ),
    headers=frozenset({"Name", "Email", "Financial Status", "Fulfillment Status", "Created at", "Lineitem quantity", "Lineitem price"}),
    prepare=prepare_shopify,
)  # fmt: skip

_AMAZON_PLACES = [
    ("buyer-email", "customer_email"), ("buyer-name", "customer_name"), ("buyer-phone-number", "customer_phone"),
    ("recipient-name", "shipping_address.name"), ("ship-address-1", "shipping_address.line1"),
    ("ship-address-2", "shipping_address.line2"), ("ship-address-3", "shipping_address.line3"),
    ("ship-city", "shipping_address.city"), ("ship-state", "shipping_address.region"),
    ("ship-postal-code", "shipping_address.postcode"), ("ship-country", "shipping_address.country"),
    ("ship-phone-number", "shipping_address.phone"), ("bill-name", "billing_address.name"),
    ("bill-address-1", "billing_address.line1"), ("bill-address-2", "billing_address.line2"),
    ("bill-address-3", "billing_address.line3"), ("bill-city", "billing_address.city"),
    ("bill-state", "billing_address.region"), ("bill-postal-code", "billing_address.postcode"),
    ("bill-country", "billing_address.country"),
]  # fmt: skip
_AMAZON_ITEM = [
    ("purchase-date", "placed_at"), ("order-item-id", "lines.reference"), ("sku", "lines.sku"),
    ("product-name", "lines.title"), ("quantity-purchased", "lines.quantity"), ("quantity", "lines.quantity"),
    ("currency", "currency"), ("item-price", "lines.line_total"), *((name, "") for name in _AMAZON_AMOUNTS),
]  # fmt: skip
AMAZON = ImportFormat(
    "amazon_orders",
    RESOURCE,
    __("Amazon order report"),
    Mapping(
        columns=[("order-id", "number"), *_AMAZON_ITEM, *_AMAZON_PLACES],
        constants={"sales_channel": "amazon", "status": "open", "payment_status": "paid"},
        decimal=".",
    ),
    headers=frozenset(
        {"order-id", "order-item-id", "purchase-date", "sku", "quantity-purchased", "item-price", "recipient-name"}
    ),
    prepare=prepare_amazon,
)
AMAZON_UNSHIPPED = ImportFormat(
    "amazon_unshipped",
    RESOURCE,
    __("Amazon unshipped orders"),
    Mapping(
        columns=[("order-id", "number"), *_AMAZON_ITEM, *_AMAZON_PLACES],
        constants={"sales_channel": "amazon", "status": "open"},
    ),
    headers=frozenset({"order-id", "order-item-id", "purchase-date", "sku", "quantity-purchased", "quantity-to-ship"}),
    prepare=prepare_amazon_unshipped,
)
AMAZON_ALL = ImportFormat(
    "amazon_all_orders",
    RESOURCE,
    __("Amazon all orders"),
    Mapping(
        columns=[("amazon-order-id", "number"), *_AMAZON_ITEM, *_AMAZON_PLACES],
        constants={"sales_channel": "amazon", "status": "open"},
        rules=[
            *_rules("status", "order-status", {"Pending": "pending", "Cancelled": "canceled", "Canceled": "canceled"}),
            *_rules("payment_status", "order-status", {"Shipped": "paid", "Unshipped": "paid", "Shipping": "paid"}),
            *_rules("fulfillment_status", "order-status", {"Shipped": "fulfilled", "Shipping": "in_progress"}),
        ],
        decimal=".",
    ),
    headers=frozenset(
        {"amazon-order-id", "purchase-date", "order-status", "fulfillment-channel", "sku", "quantity", "item-price"}
    ),
    prepare=prepare_amazon,
)

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
            *_addresses("%(side)s %(part)s", _SPREE_PARTS),
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

_WOO_PARTS = {
    "Company": "company", "Address 1&2": "line1", "City": "city", "State Code": "region", "Postcode": "postcode",
    "Country Code": "country",
}  # fmt: skip
WOOCOMMERCE = ImportFormat(
    "woocommerce_orders",
    RESOURCE,
    __("WooCommerce orders (Advanced Order Export)"),
    Mapping(
        columns=[
            ("Order Number", "number"), ("Order Date", "placed_at"), ("Order Total Amount", "total"),
            ("Order Refund Amount", "refunded"), ("Email (Billing)", "customer_email"),
            ("Phone (Billing)", "customer_phone"), ("SKU", "lines.sku"), ("Item Name", "lines.title"),
            ("Quantity (- Refund)", "lines.quantity"), ("Quantity", "lines.quantity"),
            ("Item Cost", "lines.unit_price"), *_addresses("%(part)s (%(side)s)", _WOO_PARTS),
            *((f"{part} Name ({side})", "") for part in ("First", "Last") for side in ("Billing", "Shipping")),
            *((name, "") for name in ("Cart Discount Amount", "Order Subtotal Amount", "Order Shipping Amount")),
            *((name, "") for name in ("Order Total Tax Amount", "Coupon Code", "Shipping Method Title")),
        ],
        constants={"sales_channel": "woocommerce", "status": "open"},
        rules=[
            *_rules("status", "Order Status", {
                "Completed": "completed", "Refunded": "completed", "Cancelled": "canceled", "Failed": "canceled",
                "Draft": "draft",
            }),
            *_rules("payment_status", "Order Status", {
                "Processing": "paid", "Completed": "paid", "Refunded": "refunded", "Failed": "failed",
            }),
            *_rules("fulfillment_status", "Order Status", {"Completed": "fulfilled"}),
        ],
    ),
    prepare=prepare_woocommerce,
)  # fmt: skip

FORMATS = (SHOPIFY, AMAZON, AMAZON_UNSHIPPED, AMAZON_ALL, SPREE, WOOCOMMERCE)
_DEMO_MAPPING = json.loads((HERE / "demo" / "online_retail.json").read_text(encoding="utf-8"))
DEMO = DemoFile(RESOURCE, HERE / "demo" / "online_retail.csv.gz", Mapping.from_json(_DEMO_MAPPING))
