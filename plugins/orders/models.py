"""Tables of the orders plugin. An order is one record of several rows; `services/documents.py` puts them together."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import ExactDecimalField, JSONField, MinorField, Model, Record, UTCDateTimeField, database


class Order(Record):
    """What a buyer ordered (kind `sale`) or got credited (kind `credit`), with its sums and its place in the workflow.

    (sales_channel, number) names an order from outside. Sums: `services/totals.py`. The three axes `payment_status`,
    `fulfillment_status` and `return_status` are computed from facts (`services/axes.py`), never typed in.
    Totals may be negative: credits are orders too.
    """

    number = peewee.CharField(max_length=64)
    sales_channel = peewee.CharField(max_length=64)
    kind = peewee.CharField(max_length=8, default="sale")
    status = peewee.CharField(max_length=12, default="draft")
    payment_status = peewee.CharField(max_length=24, default="unpaid")
    fulfillment_status = peewee.CharField(max_length=24, default="unfulfilled")
    return_status = peewee.CharField(max_length=24, default="none")
    currency = peewee.CharField(max_length=3)
    rate = ExactDecimalField(null=True)  # one unit of `currency` in the shop's base currency when the order was placed
    tax_included = peewee.BooleanField(default=False)
    subtotal_minor = MinorField(default=0)
    discount_minor = MinorField(default=0)
    shipping_minor = MinorField(default=0)
    tax_minor = MinorField(default=0)
    total_minor = MinorField(default=0)
    items = peewee.IntegerField(default=0)  # number of lines
    units = ExactDecimalField(default=0)  # sum of their quantities
    paid_minor = MinorField(default=0)  # captured, from the facts
    refunded_minor = MinorField(default=0)
    paid_at = UTCDateTimeField(null=True)  # of the latest capture
    placed_at = UTCDateTimeField()  # of a draft: when it was begun
    canceled_at = UTCDateTimeField(null=True)
    customer_number = peewee.CharField(max_length=64, default="")  # the customer's number where the order came from
    customer_name = peewee.CharField(max_length=255, default="")
    customer_email = peewee.CharField(max_length=255, default="")
    customer_phone = peewee.CharField(max_length=64, default="")
    customer_key = peewee.CharField(max_length=255, default="")
    extra = JSONField(default=dict)

    class Meta:
        database = database
        table_name = "orders_order"
        indexes = ((("sales_channel", "number"), True),)

    def __str__(self) -> str:
        return str(self.number)


# One index for each offered sort, (column, id), and one for each filter in the default order, newest first.
for _sort in ("placed_at", "number", "customer_name", "total_minor", "updated_at", "items"):
    Order.add_index(getattr(Order, _sort), Order.id)
for _filter in ("status", "payment_status", "fulfillment_status", "return_status", "kind", "sales_channel", "currency"):
    Order.add_index(getattr(Order, _filter), Order.placed_at, Order.id)
for _exact in ("customer_key", "customer_email", "customer_number"):
    Order.add_index(getattr(Order, _exact))


class Part(Model):
    """A row that belongs to one order and dies with it."""

    audit_exempt = "part of its order, whose entry tells what changed"
    order: Any


class OrderLine(Part):
    """One line. `line_total_minor` is the truth; `quantity` and `unit_price` are shown beside it.

    `discount_minor` and `tax_minor` tell what is already inside `line_total_minor`; they are never added again.
    """

    order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
    position = peewee.IntegerField()
    reference = peewee.CharField(max_length=64, default="")  # the line's own id where the order came from
    sku = peewee.CharField(max_length=128, default="")
    title = peewee.CharField(max_length=512, default="")
    quantity = ExactDecimalField(default=1)
    unit_price = ExactDecimalField(null=True)
    line_total_minor = MinorField()
    discount_minor = MinorField(default=0)
    tax_minor = MinorField(default=0)
    unit_cost = ExactDecimalField(null=True)
    extra = JSONField(default=dict)

    class Meta:
        database = database
        table_name = "orders_line"
        indexes = ((("order", "position"), True), (("sku", "order"), False))


class Address(Part):
    """A copy of the billing or shipping address as it was when the order came."""

    order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
    kind = peewee.CharField(max_length=8)  # billing, shipping
    name = peewee.CharField(max_length=255, default="")
    company = peewee.CharField(max_length=255, default="")
    line1 = peewee.CharField(max_length=255, default="")
    line2 = peewee.CharField(max_length=255, default="")
    line3 = peewee.CharField(max_length=255, default="")
    city = peewee.CharField(max_length=128, default="")
    region = peewee.CharField(max_length=128, default="")
    postcode = peewee.CharField(max_length=32, default="")
    country = peewee.CharField(max_length=64, default="")
    phone = peewee.CharField(max_length=64, default="")

    class Meta:
        database = database
        table_name = "orders_address"
        indexes = ((("order", "kind"), True),)


class Adjustment(Part):
    """A signed amount that is not a product: discount, tax, shipping, fee, difference.

    `line_position` names the line it belongs to, None the whole order. `is_included`: told for information, already
    inside the line totals (tax in gross prices), not added to the total. `difference`: see `services/totals.py`.
    """

    order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
    position = peewee.IntegerField()
    line_position = peewee.IntegerField(null=True)
    kind = peewee.CharField(max_length=16)
    label = peewee.CharField(max_length=255, default="")
    amount_minor = MinorField()
    is_included = peewee.BooleanField(default=False)

    class Meta:
        database = database
        table_name = "orders_adjustment"
        indexes = ((("order", "position"), True),)


class OrderFact(Part):
    """Something that happened to the money or the goods of an order; append-only, (order, source, key) comes once.

    Kinds and how the axes follow from them: `services/axes.py`. `source`: the plugin that says so, or `import`.
    """

    order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
    axis = peewee.CharField(max_length=12)  # payment, fulfillment, return
    kind = peewee.CharField(max_length=24)
    state = peewee.CharField(max_length=24, default="")  # of kind `stated`
    amount_minor = MinorField(null=True)
    quantity = ExactDecimalField(null=True)
    at = UTCDateTimeField()
    source = peewee.CharField(max_length=64)
    key = peewee.CharField(max_length=128)

    class Meta:
        database = database
        table_name = "orders_fact"
        indexes = ((("order", "source", "key"), True),)


class OrderNumber(Model):
    """Gives our own orders their numbers: a row per number, so that nobody waits for a counter."""

    audit_exempt = "a number means nothing before an order bears it"
    taken_at = UTCDateTimeField()

    class Meta:
        database = database
        table_name = "orders_number"


class Tally(Model):
    """What is added to a sum of orders: of a measure, a day ("" for states), a sales channel and a currency.

    Several rows of one sum add up; see `services/tally.py`.
    """

    audit_exempt = "follows from the orders, whose changes are audited"
    measure = peewee.CharField(max_length=24)
    day = peewee.CharField(max_length=10, default="")
    sales_channel = peewee.CharField(max_length=64)
    currency = peewee.CharField(max_length=3)
    orders = peewee.BigIntegerField()
    amount_minor = MinorField()

    class Meta:
        database = database
        table_name = "orders_tally"
        indexes = ((("measure", "day"), False),)


class TallyState(Model):
    """One row: orders up to the id `counted_to` are in the sums, whose days are those of `timezone`."""

    audit_exempt = "bookkeeping of the sums"
    counted_to = peewee.BigIntegerField()
    timezone = peewee.CharField(max_length=64, default="")

    class Meta:
        database = database
        table_name = "orders_tally_state"


TABLES = (Order, OrderLine, Address, Adjustment, OrderFact, OrderNumber, Tally, TallyState)
