"""Foreign files through the import engine: known by their header, taken in, taken in again. The data is invented."""

from __future__ import annotations

import io

from core.jobs.worker import Worker
from core.resources import Selection
from plugins.orders.models import Adjustment, Order, OrderLine
from plugins.orders.resources import ORDERS
from plugins.orders.tests.conftest import counts, table
from plugins.transfer import api as transfer
from plugins.transfer.api import Reject

SHOPIFY_HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
    "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,"
    "Billing Address2,Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,"
    "Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,"
    "Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,"
    "Id,Tags,Risk Level,Source,Lineitem discount,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value,Tax 3 Name,"
    "Tax 3 Value,Tax 4 Name,Tax 4 Value,Tax 5 Name,Tax 5 Value,Phone,Receipt Number,Duties,"
    "Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,Next Payment Due At,"
    "Payment References"
).split(",")
SHOPIFY_HEAD = {
    "Financial Status": "paid", "Paid at": "2026-02-01 10:05:00 +0300", "Fulfillment Status": "unfulfilled",
    "Currency": "SAR",
    "Subtotal": "190.00", "Shipping": "20.00", "Taxes": "0.00", "Total": "210.00", "Discount Code": "SPRING",
    "Discount Amount": "10.00", "Shipping Method": "Express", "Created at": "2026-02-01 10:00:00 +0300",
    "Billing Name": "ليلى حداد", "Shipping Name": "ليلى حداد", "Shipping Address1": "شارع الملك 12",
    "Shipping City": "جدة", "Shipping Zip": "'21577", "Shipping Country": "SA", "Refunded Amount": "0.00",
    "Outstanding Balance": "0.00", "Tags": "gift, vip", "Id": "5001",
    "Payment Method": "visa + store credit", "Risk Level": "Low",
}  # fmt: skip


def shopify(*orders):
    """Each order: a dict of header cells, with a list of (sku, quantity, price, discount) under "lines"."""
    rows = []
    for order in orders:
        for index, (sku, quantity, price, *discount) in enumerate(order.get("lines", [("A", 1, "1.00")])):
            line = {
                "Lineitem quantity": quantity,
                "Lineitem name": f"Item {sku}",
                "Lineitem price": price,
                "Lineitem sku": sku,
            }
            line |= {"Lineitem discount": discount[0] if discount else "0.00"}
            head = {name: value for name, value in order.items() if name != "lines"} if index == 0 else {}
            rows.append({"Name": order["Name"], "Email": "layla@example.com", **head, **line})
    return table(SHOPIFY_HEADER, rows)


LINES = [("A", 1, "100.00"), ("B", 2, "50.00")]


def test_shopify_has_79_columns():
    assert len(SHOPIFY_HEADER) == 79


def test_a_shopify_order_comes_in_whole(take_in, service):
    done = take_in(shopify({"Name": "#1001", **SHOPIFY_HEAD, "lines": LINES}))
    assert (done.format, counts(done)) == ("shopify_orders", (1, 0, 0, 0)), list(Reject.select().dicts())
    order = service.documents([Order.get().id])[0]
    assert (order["number"], order["sales_channel"], order["status"]) == ("#1001", "shopify", "open")
    assert (order["total_minor"], order["discount_minor"], order["shipping_minor"]) == (21000, -1000, 2000)
    assert (order["payment_status"], order["fulfillment_status"], order["paid_minor"]) == ("paid", "unfulfilled", 21000)
    assert order["customer_name"] == "ليلى حداد"
    assert order["shipping_address"]["postcode"] == "21577"
    assert order["tags"] == ["gift", "vip"]
    assert (order["placed_at"].hour, order["paid_at"].minute) == (7, 5)
    assert order["extra"]["Payment Method"] == "visa + store credit"
    assert not Adjustment.select().where(Adjustment.kind == "difference").exists()


SHOPIFY_STATES = [
    ({"Financial Status": "pending"}, ("open", "unpaid", 0)),
    ({"Financial Status": "partially_paid", "Outstanding Balance": "110.00"}, ("open", "partially_paid", 10000)),
    ({"Financial Status": "partially_refunded", "Refunded Amount": "10"}, ("open", "partially_refunded", 21000)),
    ({"Financial Status": "refunded", "Refunded Amount": "210.00"}, ("open", "refunded", 21000)),
    ({"Financial Status": "voided", "Cancelled at": "2026-02-02 10:00:00 +0300"}, ("canceled", "voided", 0)),
    ({"Financial Status": "authorized"}, ("open", "authorized", 0)),
]


def test_shopify_states_become_ours(take_in):
    orders = [{"Name": f"#{n}", **SHOPIFY_HEAD, "lines": LINES, **cells} for n, (cells, _) in enumerate(SHOPIFY_STATES)]
    take_in(shopify(*orders))
    found = [(order.status, order.payment_status, order.paid_minor) for order in Order.select().order_by(Order.number)]
    assert found == [expected for _, expected in SHOPIFY_STATES]


def test_shopify_taxes_are_added_or_included_as_the_total_says(take_in):
    added = {"Taxes": "28.50", "Total": "238.50", "Tax 1 Name": "VAT 15%", "Tax 1 Value": "28.50"}
    included = {"Taxes": "27.39", "Total": "210.00", "Tax 1 Name": "VAT 15%", "Tax 1 Value": "27.39"}
    take_in(
        shopify(
            {"Name": "#1", **SHOPIFY_HEAD, **added, "lines": LINES},
            {"Name": "#2", **SHOPIFY_HEAD, **included, "lines": LINES},
        )
    )
    first, second = Order.select().order_by(Order.number)
    assert (first.total_minor, first.tax_minor, first.tax_included) == (23850, 2850, False)
    assert (second.total_minor, second.tax_minor, second.tax_included) == (21000, 2739, True)
    assert not Adjustment.select().where(Adjustment.kind == "difference").exists()


def test_the_same_shopify_file_again_changes_nothing_and_a_later_one_updates(take_in):
    first = {"Name": "#1", **SHOPIFY_HEAD, "lines": LINES}
    take_in(shopify(first))
    assert counts(take_in(shopify(first))) == (0, 0, 1, 0)
    later = {
        **first,
        "Fulfillment Status": "fulfilled",
        "Financial Status": "partially_refunded",
        "Refunded Amount": "5.00",
    }
    assert counts(take_in(shopify(later))) == (0, 1, 0, 0)
    assert (Order.get().fulfillment_status, Order.get().refunded_minor) == ("fulfilled", 500)


def test_a_bad_line_rejects_the_whole_order_and_no_other(take_in):
    orders = [
        {"Name": f"#{n}", **SHOPIFY_HEAD, "lines": [("A", 1, "100.00"), ("B", 2, "fifty" if n == 2 else "50.00")]}
        for n in (1, 2, 3)
    ]
    done = take_in(shopify(*orders))
    assert counts(done) == (2, 0, 0, 1)
    rejects = list(Reject.select().where(Reject.import_id == done.id))
    assert [one.line for one in rejects] == [5]
    assert "fifty" in rejects[0].reason


def test_an_export_comes_in_again_unchanged_and_goes_out_the_same(take_in, ctx):
    take_in(
        shopify(
            {"Name": "#1", **SHOPIFY_HEAD, "lines": LINES}, {"Name": "=2+3", **SHOPIFY_HEAD, "Tags": "", "lines": LINES}
        )
    )

    def exported():
        out = io.BytesIO()
        transfer.export_rows(ctx, ORDERS, Selection("orders.order", everything=True), "csv", out)
        return out.getvalue()

    first = exported()
    assert counts(take_in(first)) == (0, 0, 2, 0), list(Reject.select().dicts())
    assert exported() == first
    assert "'=2+3" in first.decode()


def test_a_rolled_back_import_leaves_what_was_there(take_in, ctx, settings, service):
    take_in(shopify({"Name": "#1", **SHOPIFY_HEAD, "lines": LINES}))
    kept = {
        name: value
        for name, value in service.documents([Order.get().id])[0].items()
        if name not in ("version", "updated_at")
    }
    later = {
        **SHOPIFY_HEAD,
        "Financial Status": "refunded",
        "Refunded Amount": "210.00",
        "Tags": "",
        "lines": LINES[:1],
    }
    done = take_in(shopify({"Name": "#1", **later}, {"Name": "#2", **SHOPIFY_HEAD}))
    transfer.rollback(ctx, done)
    Worker(settings).drain()
    assert [order.number for order in Order.select()] == ["#1"]
    now = {name: value for name, value in service.documents([Order.get().id])[0].items() if name in kept}
    assert now == kept
    assert OrderLine.select().count() == 2
