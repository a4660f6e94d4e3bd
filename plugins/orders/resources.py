"""The order, said once: list, filters, search, detail, form, API, import and export follow from this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from core.context import Context
from core.db import bulk, search, steps
from core.i18n import __
from core.resources import Column, Filter, ListState, Resource, Scope, Section, View, count
from plugins.orders import labels
from plugins.orders.actions import ACTIONS
from plugins.orders.models import Address, Adjustment, Order, OrderLine
from plugins.orders.schemas import OrderSchema
from plugins.orders.services.documents import OrderService
from plugins.orders.services.workflow import ORDER_WORKFLOW
from plugins.orders.waiting import waiting


def search_text(ids: Sequence[int]) -> dict[int, str]:
    """What part-of-word search sees of each order: number, buyer, SKUs, cities; three statements."""
    words: defaultdict[int, list[str]] = defaultdict(list)
    own = (Order.id, Order.number, Order.customer_name, Order.customer_email, Order.customer_number)
    for model, fields in (
        (Order, own),
        (Address, (Address.order, Address.city, Address.name)),
        (OrderLine, (OrderLine.order, OrderLine.sku)),
    ):
        chosen = model.select().where(search.among(fields[0], ids))
        for order_id, *texts in zip(*bulk.columns(chosen, fields), strict=True):
            words[order_id] += texts
    return {order_id: " ".join(dict.fromkeys(filter(None, texts))) for order_id, texts in words.items()}


def _lines(ctx: Context, order: Order) -> dict[str, Any]:
    lines: Any = OrderLine.select().where(OrderLine.order == order.id).order_by(OrderLine.position)
    return {"lines": list(lines.dicts())}


def _money(ctx: Context, order: Order) -> dict[str, Any]:
    adjustments: Any = Adjustment.select().where(Adjustment.order == order.id).order_by(Adjustment.position)
    return {"adjustments": list(adjustments.dicts()), "kinds": labels.ADJUSTMENT}


def _addresses(ctx: Context, order: Order) -> dict[str, Any]:
    rows: Any = Address.select().where(Address.order == order.id).dicts()
    return {"addresses": {row["kind"]: row for row in rows}}


def _customer(ctx: Context, order: Order) -> dict[str, Any]:
    same = ListState({"customer_key": order.customer_key})
    many = count(ctx, ORDERS, same, cap=_MOST_TOLD) if order.customer_key else 0
    return {"orders": many, "most": _MOST_TOLD}


_MOST_TOLD = 1_000
_AXES = (
    ("payment_status", __("Payment"), labels.PAYMENT_BADGES),
    ("fulfillment_status", __("Fulfillment"), labels.FULFILLMENT_BADGES),
    ("return_status", __("Return"), labels.RETURN_BADGES),
)
_TO_SHIP = "unfulfilled,scheduled,in_progress,partially_fulfilled"


def _return_if_any(order: Order) -> str:
    """Most orders have no return; a badge that says so on each of them would hide those that do."""
    return "" if order.return_status == "none" else order.return_status


def _channels() -> dict[str, str]:
    """Where orders came from so far."""
    return {name: name for name in steps.values(Order.sales_channel)}


ORDERS = Resource(
    "orders.order",
    slug="orders",
    model=Order,
    schema=OrderSchema,
    service=OrderService,
    label=__("Order"),
    label_plural=__("Orders"),
    icon="shopping-cart",
    nav_order=10,
    nav_key="o",
    key=["sales_channel", "number"],
    title=str,
    subtitle=["placed_at", "sales_channel"],
    default_sort="-placed_at",
    columns=[
        Column("number", __("Number"), kind="code", sortable=True),
        Column("placed_at", __("Placed"), kind="datetime", sortable=True),
        Column(
            "customer_name",
            __("Customer"),
            sortable=True,
            value=lambda order: order.customer_name or order.customer_number,
            reads=["customer_number"],
        ),
        Column("sales_channel", __("Sales channel"), shown=False),
        Column("kind", __("Kind"), shown=False, value=lambda order: labels.KIND[order.kind], reads=[]),
        Column("status", __("Status"), kind="badge", badges=labels.STATUS_BADGES),
        *(Column(name, label, kind="badge", badges=badges) for name, label, badges in _AXES[:2]),
        Column(*_AXES[2][:2], kind="badge", badges=labels.RETURN_BADGES, shown=False, value=_return_if_any, reads=[]),
        Column("tags", __("Tags"), kind="tags", editable=True),
        Column("items", __("Items"), kind="number", sortable=True),
        Column("total_minor", __("Total"), kind="money", sortable=True),
        Column("currency", __("Currency"), shown=False),
        Column("updated_at", __("Changed"), kind="datetime", sortable=True, shown=False),
    ],
    filters=[
        Filter("status", __("Status"), choices=labels.STATUS),
        *(Filter(name, label, choices=labels.names(badges)) for name, label, badges in _AXES),
        Filter("kind", __("Kind"), choices=labels.KIND),
        Filter("sales_channel", __("Sales channel"), kind="text"),
        Filter("placed_at", __("Placed"), kind="date"),
        Filter("total_minor", __("Total"), kind="money"),
        Filter("currency", __("Currency"), kind="text"),
        Filter("customer_key", __("Customer"), kind="text"),
        Filter("tags", __("Tags"), kind="tag"),
    ],
    views=[
        View("to_ship", __("To ship"), {"status": "open", "fulfillment_status": _TO_SHIP}),
        View("unpaid", __("Unpaid"), {"status": "open,pending", "payment_status": "unpaid"}),
        View("paid", __("Paid"), {"payment_status": "paid"}),
        View("canceled", __("Canceled"), {"status": "canceled"}),
    ],
    search_exact=["number", "customer_email", "customer_number"],
    search_text=search_text,
    detail=[
        Section("items", __("Items"), ["lines", "adjustments"], template="orders/items.html", load=_lines),
        Section("money", __("Money"), template="orders/money.html", load=_money),
        Section(
            "customer",
            __("Customer"),
            ["customer_name", "customer_email", "customer_phone", "customer_number"],
            "orders/customer.html",
            load=_customer,
            side=True,
        ),
        Section("addresses", __("Addresses"), template="orders/addresses.html", load=_addresses, side=True),
        Section(
            "source",
            __("Source"),
            ["sales_channel", "kind", "currency", "tax_included"],
            "orders/source.html",
            side=True,
        ),
    ],
    actions=ACTIONS,
    guard=ORDER_WORKFLOW.guard,
    scopes=[Scope("sales_channel", __("Sales channel"), choices=_channels)],
    waiting=waiting,
    has_tags=True,
    can_delete=True,
    form_fields=[
        "number",
        "sales_channel",
        "kind",
        "currency",
        "placed_at",
        "customer_name",
        "customer_email",
        "customer_phone",
        "tax_included",
        "tags",
        "lines",
        "adjustments",
        "shipping_address",
        "billing_address",
    ],
)
