"""WooCommerce has no order export of its own: a mapping for its most used export plug-in, chosen by hand."""

from __future__ import annotations

from core.i18n import __
from plugins.orders.formats.common import RESOURCE, Raw, Rows, addresses, adjustment, amount, meanings
from plugins.transfer.api import ImportFormat, Mapping


def prepare_woocommerce(order: Raw, rows: Rows) -> Raw:
    head = rows[0]
    for side in ("billing", "shipping"):
        names = (head.get(f"{part} Name ({side.title()})") or "" for part in ("First", "Last"))
        order.setdefault(f"{side}_address", {})["name"] = " ".join(filter(None, names))
    order["customer_name"] = order["billing_address"]["name"]
    order["adjustments"] = [
        *adjustment("discount", -abs(amount(head.get("Cart Discount Amount"))), head.get("Coupon Code") or ""),
        *adjustment("shipping", amount(head.get("Order Shipping Amount")), head.get("Shipping Method Title") or ""),
        *adjustment("tax", amount(head.get("Order Total Tax Amount"))),
    ]
    return order


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
            ("Item Cost", "lines.unit_price"), *addresses("%(part)s (%(side)s)", _WOO_PARTS),
            *((f"{part} Name ({side})", "") for part in ("First", "Last") for side in ("Billing", "Shipping")),
            *((name, "") for name in ("Cart Discount Amount", "Order Subtotal Amount", "Order Shipping Amount")),
            *((name, "") for name in ("Order Total Tax Amount", "Coupon Code", "Shipping Method Title")),
        ],
        constants={"sales_channel": "woocommerce", "status": "open"},
        rules=[
            *meanings("status", "Order Status", {
                "Completed": "completed", "Refunded": "completed", "Cancelled": "canceled", "Failed": "canceled",
                "Draft": "draft",
            }),
            *meanings("payment_status", "Order Status", {
                "Processing": "paid", "Completed": "paid", "Refunded": "refunded", "Failed": "failed",
            }),
            *meanings("fulfillment_status", "Order Status", {"Completed": "fulfilled"}),
        ],
    ),
    prepare=prepare_woocommerce,
)  # fmt: skip
