"""Foreign files through the import engine: known by their header, taken in, taken in again. The data is invented."""

from __future__ import annotations

import csv
import io

import pytest

from core import transfer
from core.jobs.worker import Worker
from core.resources import Selection
from core.transfer.models import Reject
from plugins.orders.models import Adjustment, Order, OrderLine
from plugins.orders.resources import ORDERS

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


def table(header, rows, delimiter=","):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, delimiter=delimiter, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


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


@pytest.fixture
def take_in(import_file, tmp_path):
    """take_in(text, format="") -> the ended import; without a format the header must tell it."""

    def run(text, format=""):
        path = tmp_path / "file.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(path, *(transfer.find_mapping("orders.order", format) if format else ()))

    return run


def counts(done):
    return done.created, done.updated, done.unchanged, done.rejected


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


AMAZON_HEADER = (
    "order-id order-item-id purchase-date payments-date buyer-email buyer-name buyer-phone-number sku "
    "product-name quantity-purchased currency item-price item-tax shipping-price shipping-tax "
    "ship-service-level recipient-name ship-address-1 ship-address-2 ship-address-3 ship-city ship-state "
    "ship-postal-code ship-country ship-phone-number delivery-start-date delivery-end-date delivery-time-zone "
    "delivery-Instructions sales-channel item-promotion-discount item-promotion-id ship-promotion-discount "
    "ship-promotion-id"
).split()
AMAZON_ROW = {
    "order-id": "111-2223334-5556667", "purchase-date": "2026-02-01T10:00:00+00:00", "buyer-name": "Omar Khan",
    "currency": "USD",
    "buyer-email": "x@marketplace.example", "recipient-name": "Omar Khan", "ship-city": "Seattle", "ship-country": "US",
    "sales-channel": "Amazon.com",
}  # fmt: skip


def amazon(*rows):
    return table(AMAZON_HEADER, rows, "\t")


def test_an_amazon_order_report_has_amounts_per_line(take_in):
    line = {"order-item-id": "1", "sku": "MUG", "quantity-purchased": "3", "item-price": "29.97", "item-tax": "2.40"}
    line |= {"shipping-price": "5.99", "item-promotion-discount": "-1.00"}
    second = {
        "order-id": AMAZON_ROW["order-id"],
        "order-item-id": "2",
        "sku": "CUP",
        "quantity-purchased": "1",
        "item-price": "5.00",
    }
    done = take_in(amazon({**AMAZON_ROW, **line}, second))
    assert (done.format, counts(done)) == ("amazon_orders", (1, 0, 0, 0)), list(Reject.select().dicts())
    order = Order.get()
    assert (order.subtotal_minor, order.tax_minor, order.shipping_minor, order.discount_minor) == (3497, 240, 599, -100)
    assert (order.total_minor, order.payment_status) == (4236, "paid")


def test_the_unshipped_report_keeps_the_prices_of_the_order_report(take_in):
    line = {"order-item-id": "1", "sku": "MUG", "quantity-purchased": "3", "item-price": "29.97"}
    take_in(
        amazon(
            {**AMAZON_ROW, **line},
            {**AMAZON_ROW, "order-item-id": "2", "sku": "CUP", "quantity-purchased": "1", "item-price": "5.00"},
        )
    )
    header = (
        "order-id order-item-id purchase-date payments-date reporting-date promise-date days-past-promise "
        "buyer-email buyer-name buyer-phone-number sku product-name quantity-purchased quantity-shipped "
        "quantity-to-ship ship-service-level recipient-name ship-address-1 ship-address-2 ship-address-3 "
        "ship-city ship-state ship-postal-code ship-country is-business-order purchase-order-number "
        "price-designation"
    ).split()
    known = {name: value for name, value in AMAZON_ROW.items() if name in header}
    waiting = {
        "order-item-id": "1",
        "sku": "MUG",
        "quantity-purchased": "3",
        "quantity-shipped": "1",
        "quantity-to-ship": "2",
    }
    done = take_in(table(header, [{**known, **waiting}], "\t"))
    assert (done.format, counts(done)) == ("amazon_unshipped", (0, 1, 0, 0)), list(Reject.select().dicts())
    order = Order.get()
    assert (order.total_minor, order.items, order.fulfillment_status) == (3497, 2, "partially_fulfilled")


def test_the_all_orders_report_tells_the_state(take_in):
    header = (
        "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel "
        "sales-channel order-channel ship-service-level product-name sku asin item-status quantity currency "
        "item-price item-tax"
    ).split()
    row = {
        "purchase-date": "2026-02-01T10:00:00+00:00",
        "sku": "MUG",
        "quantity": "1",
        "currency": "USD",
        "item-price": "9.99",
    }
    states = ("Shipped", "Unshipped", "Pending", "Cancelled")
    done = take_in(table(header, [{**row, "amazon-order-id": state, "order-status": state} for state in states], "\t"))
    assert (done.format, counts(done)) == ("amazon_all_orders", (4, 0, 0, 0)), list(Reject.select().dicts())
    told = {order.number: (order.status, order.payment_status, order.fulfillment_status) for order in Order.select()}
    assert told["Shipped"] == ("open", "paid", "fulfilled")
    assert told["Pending"][0] == "pending"
    assert told["Cancelled"][0] == "canceled"


def test_spree_orders_are_known_by_their_header(take_in):
    header = (
        "Number,Email,Status,Currency,Subtotal,Shipping,Taxes,Taxes included,Discount Used,Free Shipping,"
        "Discount,Discount Code,Store Credit amount,Total,Shipping method,Total weight,Payment Type Used,"
        "Product ID,Item Quantity,Item SKU,Item Name,Item Price,Item Total Discount,Item Total Price,"
        "Item requires shipping,Item taxbale,Item Seller,Billing Name,Billing City,Shipping Name,"
        "Shipping City,Placed at,Shipped at,Cancelled at,Cancelled by,Notes"
    ).split(",")
    head = {
        "Number": "R1",
        "Email": "a@example.com",
        "Currency": "EUR",
        "Shipping": "5.0",
        "Taxes": "0",
        "Taxes included": "false",
    }
    head |= {
        "Total": "25.0",
        "Placed at": "2026-02-01T10:00:00Z",
        "Shipped at": "2026-02-02T10:00:00Z",
        "Shipping City": "Lyon",
    }
    line = {
        "Item Quantity": "2",
        "Item SKU": "MUG",
        "Item Name": "Mug",
        "Item Price": "10.0",
        "Item Total Price": "20.0",
    }
    done = take_in(table(header, [{**head, **line}]))
    assert (done.format, counts(done)) == ("spree_orders", (1, 0, 0, 0)), list(Reject.select().dicts())
    assert (Order.get().total_minor, Order.get().fulfillment_status) == (2500, "fulfilled")


def test_woocommerce_is_a_mapping_that_one_chooses(take_in):
    header = (
        "Order Number,Order Status,Order Date,First Name (Billing),Last Name (Billing),Email (Billing),"
        "First Name (Shipping),City (Billing),City (Shipping),Order Shipping Amount,Order Total Amount,"
        "Order Total Tax Amount,Cart Discount Amount,SKU,Item Name,Quantity,Item Cost,Payment Method Title"
    ).split(",")
    head = {
        "Order Status": "Completed",
        "Order Date": "2026-02-01 10:00",
        "First Name (Billing)": "Sara",
        "Last Name (Billing)": "Ali",
    }
    head |= {
        "City (Billing)": "Cairo",
        "City (Shipping)": "Giza",
        "Order Shipping Amount": "5.00",
        "Order Total Amount": "25.00",
    }
    rows = [{"Order Number": "77", **head, "SKU": "MUG", "Item Name": "Mug", "Quantity": "2", "Item Cost": "10.00"}]
    done = take_in(table(header, rows), format="woocommerce_orders")
    assert counts(done) == (1, 0, 0, 0), list(Reject.select().dicts())
    order = Order.get()
    assert (order.status, order.payment_status, order.fulfillment_status) == ("completed", "paid", "fulfilled")
    assert (order.total_minor, order.customer_name) == (2500, "Sara Ali")


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
