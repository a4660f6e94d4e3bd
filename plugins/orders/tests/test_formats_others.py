"""Amazon, Spree and WooCommerce files: invented data under the published headers."""

from __future__ import annotations

from plugins.orders.models import Order
from plugins.orders.tests.conftest import counts, table
from plugins.transfer.api import Reject

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
