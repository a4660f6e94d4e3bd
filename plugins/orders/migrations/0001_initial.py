"""Orders with their lines, addresses, adjustments and facts."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import ExactDecimalField, IdField, JSONField, MinorField, UTCDateTimeField


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db
            legacy_table_names = False

    class Order(Base):
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()
        number = peewee.CharField(max_length=64)
        sales_channel = peewee.CharField(max_length=64)
        kind = peewee.CharField(max_length=8)
        status = peewee.CharField(max_length=12)
        payment_status = peewee.CharField(max_length=24)
        fulfillment_status = peewee.CharField(max_length=24)
        return_status = peewee.CharField(max_length=24)
        currency = peewee.CharField(max_length=3)
        rate = ExactDecimalField(null=True)
        tax_included = peewee.BooleanField()
        subtotal_minor = MinorField()
        discount_minor = MinorField()
        shipping_minor = MinorField()
        tax_minor = MinorField()
        total_minor = MinorField()
        items = peewee.IntegerField()
        units = ExactDecimalField()
        paid_minor = MinorField()
        refunded_minor = MinorField()
        paid_at = UTCDateTimeField(null=True)
        placed_at = UTCDateTimeField()
        canceled_at = UTCDateTimeField(null=True)
        customer_number = peewee.CharField(max_length=64)
        customer_name = peewee.CharField(max_length=255)
        customer_email = peewee.CharField(max_length=255)
        customer_phone = peewee.CharField(max_length=64)
        customer_key = peewee.CharField(max_length=255)
        extra = JSONField()

        class Meta:
            table_name = "orders_order"
            indexes = ((("sales_channel", "number"), True),)

    for sort in ("placed_at", "number", "customer_name", "total_minor", "updated_at", "items"):
        Order.add_index(getattr(Order, sort), Order.id)
    for choice in (
        "status",
        "payment_status",
        "fulfillment_status",
        "return_status",
        "kind",
        "sales_channel",
        "currency",
    ):
        Order.add_index(getattr(Order, choice), Order.placed_at, Order.id)
    for exact in ("customer_key", "customer_email", "customer_number"):
        Order.add_index(getattr(Order, exact))

    class OrderLine(Base):
        order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
        position = peewee.IntegerField()
        reference = peewee.CharField(max_length=64)
        sku = peewee.CharField(max_length=128)
        title = peewee.CharField(max_length=512)
        quantity = ExactDecimalField()
        unit_price = ExactDecimalField(null=True)
        line_total_minor = MinorField()
        discount_minor = MinorField()
        tax_minor = MinorField()
        unit_cost = ExactDecimalField(null=True)
        extra = JSONField()

        class Meta:
            table_name = "orders_line"
            indexes = ((("order", "position"), True), (("sku", "order"), False))

    class Address(Base):
        order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
        kind = peewee.CharField(max_length=8)
        name = peewee.CharField(max_length=255)
        company = peewee.CharField(max_length=255)
        line1 = peewee.CharField(max_length=255)
        line2 = peewee.CharField(max_length=255)
        line3 = peewee.CharField(max_length=255)
        city = peewee.CharField(max_length=128)
        region = peewee.CharField(max_length=128)
        postcode = peewee.CharField(max_length=32)
        country = peewee.CharField(max_length=64)
        phone = peewee.CharField(max_length=64)

        class Meta:
            table_name = "orders_address"
            indexes = ((("order", "kind"), True),)

    class Adjustment(Base):
        order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
        position = peewee.IntegerField()
        line_position = peewee.IntegerField(null=True)
        kind = peewee.CharField(max_length=16)
        label = peewee.CharField(max_length=255)
        amount_minor = MinorField()
        is_included = peewee.BooleanField()

        class Meta:
            table_name = "orders_adjustment"
            indexes = ((("order", "position"), True),)

    class OrderFact(Base):
        order = peewee.ForeignKeyField(Order, backref="+", on_delete="CASCADE", index=False)
        axis = peewee.CharField(max_length=12)
        kind = peewee.CharField(max_length=24)
        state = peewee.CharField(max_length=24)
        amount_minor = MinorField(null=True)
        quantity = ExactDecimalField(null=True)
        at = UTCDateTimeField()
        source = peewee.CharField(max_length=64)
        key = peewee.CharField(max_length=128)

        class Meta:
            table_name = "orders_fact"
            indexes = ((("order", "source", "key"), True),)

    class OrderNumber(Base):
        taken_at = UTCDateTimeField()

        class Meta:
            table_name = "orders_number"

    return [Order, OrderLine, Address, Adjustment, OrderFact, OrderNumber]


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))


def down(migrator: Any, db: peewee.Database) -> None:
    db.drop_tables(_models(db))
