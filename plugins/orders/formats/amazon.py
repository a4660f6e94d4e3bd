"""Amazon's three order reports, known by their header (tabs). Amounts are per line."""

from __future__ import annotations

from decimal import Decimal

from core.i18n import __
from plugins.orders.formats.common import RESOURCE, Raw, Rows, adjustment, amount, meanings
from plugins.transfer.api import ImportFormat, Mapping

_AMAZON_AMOUNTS = {
    "item-tax": ("tax", 1), "shipping-price": ("shipping", 1), "shipping-tax": ("tax", 1),
    "gift-wrap-price": ("fee", 1), "gift-wrap-tax": ("tax", 1), "item-promotion-discount": ("discount", -1),
    "ship-promotion-discount": ("discount", -1),
}  # fmt: skip


def prepare_amazon(order: Raw, rows: Rows) -> Raw:
    """Amounts beside the item price become adjustments of their line. Promotions come with or without a minus."""
    order["adjustments"] = [
        item
        for position, row in enumerate(rows, start=1)
        for name, (kind, sign) in _AMAZON_AMOUNTS.items()
        for item in adjustment(kind, abs(amount(row.get(name))) * sign, name, line_position=str(position))
    ]
    return order


def prepare_amazon_unshipped(order: Raw, rows: Rows) -> Raw:
    """The report has quantities and no prices: it tells what is still to be sent."""
    shipped = sum((amount(row.get("quantity-shipped")) for row in rows), Decimal(0))
    waiting = sum((amount(row.get("quantity-to-ship")) for row in rows), Decimal(0))
    order["fulfillment_status"] = "unfulfilled" if not shipped else "partially_fulfilled" if waiting else "fulfilled"
    return order


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
            *meanings(
                "status", "order-status", {"Pending": "pending", "Cancelled": "canceled", "Canceled": "canceled"}
            ),
            *meanings("payment_status", "order-status", {"Shipped": "paid", "Unshipped": "paid", "Shipping": "paid"}),
            *meanings("fulfillment_status", "order-status", {"Shipped": "fulfilled", "Shipping": "in_progress"}),
        ],
        decimal=".",
    ),
    headers=frozenset(
        {"amazon-order-id", "purchase-date", "order-status", "fulfillment-channel", "sku", "quantity", "item-price"}
    ),
    prepare=prepare_amazon,
)
