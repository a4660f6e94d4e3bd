"""The border of orders: what may come in by form, API and import, and what goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from core.i18n import __
from core.resources import Currency, ExactDecimal, Minor, Tags, Utc
from plugins.orders import labels
from plugins.orders.services import axes

_SPREADSHEET_INTEGER = re.compile(r"-?\d+\.0")


def said(label: Any, description: Any = "", example: Any = None, **more: Any) -> dict[str, Any]:
    """Metadata of a field: its label on screens, its description and example in the API's manual."""
    given = {"label": label, "description": description, "example": example, **more}
    return {name: value for name, value in given.items() if value not in ("", None)}


class Text(fields.String):
    """Trimmed text; what no database keeps (NUL, half a surrogate pair) becomes a blank."""

    def __init__(self, longest: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=longest), allow_none=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8").strip()


class CustomerNumber(Text):
    """Spreadsheets and data frames write a customer's number 17850 as 17850.0; that is put right."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return text.removesuffix(".0") if _SPREADSHEET_INTEGER.fullmatch(text) else text


def _choice(choices: Mapping[str, Any], **kwargs: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(list(choices), list(choices.values())), **kwargs)


class LineSchema(ma.Schema):
    """One line of an order."""

    position = fields.Integer(dump_only=True, metadata=said(__("Position"), "Place in the list, from 1.", 1))
    sku = Text(
        128,
        metadata=said(
            __("SKU"),
            "The merchant's code of the variant.",
            "85123A",
            aliases=["Stock code", "Item code", "رمز المنتج"],
        ),
    )
    title = Text(
        512,
        metadata=said(
            __("Item"),
            "What was bought, as the buyer saw it.",
            "White hanging heart holder",
            aliases=["Description", "Product", "الوصف"],
        ),
    )
    quantity = ExactDecimal(
        allow_none=True, metadata=said(__("Quantity"), "May be negative or 0.", "6", aliases=["Qty", "الكمية"])
    )
    unit_price = ExactDecimal(
        allow_none=True, metadata=said(__("Unit price"), "Shown beside the total, exact.", "2.55", in_currency=True)
    )
    line_total_minor = Minor(
        allow_none=True,
        metadata=said(
            __("Line total"), "The truth of the line. Missing: quantity × unit price, rounded half-even.", 1530
        ),
    )
    discount_minor = Minor(metadata=said(__("Discount"), "Already taken off the line total.", 0))
    tax_minor = Minor(metadata=said(__("Tax"), "Already inside the line total.", 0))
    unit_cost = ExactDecimal(
        allow_none=True, metadata=said(__("Unit cost"), "What one unit cost the merchant.", "1.10", in_currency=True)
    )
    reference = Text(64, metadata=said(__("Line reference"), "The line's own id where the order came from.", "L-1"))
    extra = fields.Dict(keys=fields.String(), metadata=said(__("Extra fields"), "Custom fields of the line.", {}))


class AddressSchema(ma.Schema):
    """A billing or shipping address, kept as it was when the order came."""

    name = Text(255, metadata=said(__("Name"), example="Layla Haddad"))
    company = Text(255, metadata=said(__("Company")))
    line1 = Text(255, metadata=said(__("Address"), example="12 King Street"))
    line2 = Text(255, metadata=said(__("Address, line 2")))
    line3 = Text(255, metadata=said(__("Address, line 3")))
    city = Text(128, metadata=said(__("City"), example="Leeds"))
    region = Text(128, metadata=said(__("Region")))
    postcode = Text(32, metadata=said(__("Postcode"), example="LS1 2HQ"))
    country = Text(64, metadata=said(__("Country"), example="GB"))
    phone = Text(64, metadata=said(__("Phone")))


class AdjustmentSchema(ma.Schema):
    """A signed amount that is not a product."""

    position = fields.Integer(dump_only=True, metadata=said(__("Position"), "Place in the list, from 1.", 1))
    line_position = fields.Integer(
        allow_none=True, strict=True, validate=validate.Range(1, 100_000),
        metadata=said(__("Line"), "Position of the line it belongs to; none: the whole order.", 1),
    )  # fmt: skip
    kind = _choice(labels.ADJUSTMENT, required=True, metadata=said(__("Kind"), example="shipping"))
    label = Text(255, metadata=said(__("Label"), example="Standard delivery"))
    amount_minor = Minor(required=True, metadata=said(__("Amount"), "Signed: a discount is negative.", 495))
    is_included = fields.Boolean(
        metadata=said(__("Included"), "Already inside the line totals (tax in gross prices): told, not added.", False)
    )


class FactSchema(ma.Schema):
    """Something that happened to the money or the goods; the computed states follow from these."""

    axis = fields.String(
        required=True, validate=validate.OneOf(list(axes.STATES)), metadata=said(__("Axis"), example="payment")
    )
    kind = fields.String(required=True, metadata=said(__("Kind"), example="capture"))
    state = fields.String(load_default="", validate=validate.Length(max=24), metadata=said(__("State")))
    amount_minor = Minor(load_default=None, allow_none=True, metadata=said(__("Amount"), example=1530))
    quantity = ExactDecimal(load_default=None, allow_none=True, metadata=said(__("Quantity")))
    at = Utc(required=True, metadata=said(__("Time"), example="2026-03-01T14:30:00Z"))
    source = fields.String(load_default="import", validate=validate.Length(max=64), metadata=said(__("Source")))
    key = fields.String(
        required=True, validate=validate.Length(1, 128), metadata=said(__("Key"), "Counts once per source.")
    )

    @ma.validates_schema
    def _kind_fits_axis(self, data: Mapping[str, Any], **given: Any) -> None:
        kinds = axes.KINDS.get(data.get("axis", ""), [])
        if data.get("kind") not in kinds:
            raise ma.ValidationError(f"One of: {', '.join(kinds)}.", "kind")


class OrderSchema(ma.Schema):
    """An order with its lines, addresses and adjustments."""

    id = fields.Integer(dump_only=True, metadata=said(__("Id"), "Ours; never changes.", 1))
    version = fields.Integer(dump_only=True, metadata=said(__("Version"), "Raised by every change.", 1))
    number = Text(
        64,
        metadata=said(
            __("Number"),
            "Unique in its sales channel. Missing: the next of our own.",
            "536365",
            help=__("Leave empty for the next number."),
            aliases=["Order number", "Order no", "Invoice no", "رقم الطلب"],
        ),
    )
    sales_channel = Text(
        64,
        metadata=said(
            __("Sales channel"),
            "Where the order came from.",
            "web",
            help=__("Leave empty for an order entered by hand."),
        ),
    )
    kind = _choice(labels.KIND, metadata=said(__("Kind"), "A credit has a negative total.", "sale"))
    status = _choice(
        labels.STATUS,
        metadata=said(__("Status"), "Moves by commands only; new orders: draft, pending or open.", "open"),
    )
    payment_status = _choice(
        labels.names(labels.PAYMENT_BADGES),
        metadata=said(__("Payment"), "Computed. An import or a new order may state it.", "paid"),
    )
    fulfillment_status = _choice(
        labels.names(labels.FULFILLMENT_BADGES),
        metadata=said(__("Fulfillment"), "Computed. An import or a new order may state it.", "unfulfilled"),
    )
    return_status = _choice(
        labels.names(labels.RETURN_BADGES),
        metadata=said(__("Return"), "Computed. An import or a new order may state it.", "none"),
    )
    currency = Currency(metadata=said(__("Currency"), "ISO 4217. Missing: the shop's.", "GBP"))
    rate = ExactDecimal(
        allow_none=True, metadata=said(__("Rate"), "One unit of the currency in the shop's base currency.", "1")
    )
    tax_included = fields.Boolean(metadata=said(__("Prices include tax"), "Line totals are gross.", False))
    subtotal_minor = Minor(dump_only=True, metadata=said(__("Subtotal"), "Sum of the line totals.", 1530))
    discount_minor = Minor(dump_only=True, metadata=said(__("Discount"), "Sum of the discounts, not above 0.", 0))
    shipping_minor = Minor(dump_only=True, metadata=said(__("Shipping"), "Sum of the shipping costs.", 495))
    tax_minor = Minor(dump_only=True, metadata=said(__("Tax"), "Added and included tax.", 0))
    total_minor = Minor(
        allow_none=True,
        metadata=said(
            __("Total"), "Lines + adjustments; when given it must agree (an import notes a difference).", 2025
        ),
    )
    paid_minor = Minor(metadata=said(__("Paid amount"), "Paid so far. Computed; an import may state it.", 2025))
    refunded_minor = Minor(
        metadata=said(__("Refunded amount"), "Refunded so far. Computed; an import may state it.", 0)
    )
    paid_at = Utc(
        allow_none=True, metadata=said(__("Paid at"), "Of the latest payment. Computed; an import may state it.")
    )
    placed_at = Utc(
        metadata=said(
            __("Placed"),
            "When the buyer ordered. Missing: now.",
            "2026-03-01T14:30:00Z",
            aliases=["Order date", "Invoice date", "تاريخ الطلب"],
        )
    )
    canceled_at = Utc(allow_none=True, metadata=said(__("Canceled at"), "When it was canceled."))
    customer_number = CustomerNumber(
        64,
        metadata=said(
            __("Customer number"),
            "The customer's number where the order came from.",
            "17850",
            aliases=["Customer ID", "رقم العميل"],
        ),
    )
    customer_name = Text(255, metadata=said(__("Customer"), example="Layla Haddad"))
    customer_email = Text(255, metadata=said(__("E-mail"), example="layla@example.com"))
    customer_phone = Text(64, metadata=said(__("Phone"), example="+44 113 496 0000"))
    customer_key = fields.String(
        dump_only=True,
        metadata=said(__("Customer key"), "Same buyer, same key: e-mail, else number, else name + phone."),
    )
    tags = Tags(metadata=said(__("Tags"), example=["gift"]))
    shipping_address = fields.Nested(AddressSchema, allow_none=True, metadata=said(__("Ship to")))
    billing_address = fields.Nested(
        AddressSchema,
        allow_none=True,
        metadata=said(__("Bill to"), folded=True, help=__("Only when it differs from the shipping address")),
    )
    lines = fields.Nested(
        LineSchema, many=True, validate=validate.Length(max=10_000),
        metadata=said(
            __("Lines"), "With a reference on each line: merged by it; else the whole list.", add=__("Add line"),
            help=__("A draft may be saved without lines; placing it needs at least one."),
        ),
    )  # fmt: skip
    adjustments = fields.Nested(
        AdjustmentSchema,
        many=True,
        validate=validate.Length(max=1_000),
        metadata=said(__("Adjustments"), add=__("Add adjustment"), help=__("A discount is a negative amount.")),
    )
    facts = fields.Nested(FactSchema, many=True, validate=validate.Length(max=10_000), metadata=said(__("Facts")))
    items = fields.Integer(dump_only=True, metadata=said(__("Items"), "Number of lines.", 1))
    units = ExactDecimal(dump_only=True, metadata=said(__("Units"), "Sum of the quantities.", "6"))
    extra = fields.Dict(
        keys=fields.String(), metadata=said(__("Extra fields"), "Custom fields and what an import found besides.", {})
    )
    created_at = Utc(dump_only=True, metadata=said(__("Created")))
    updated_at = Utc(dump_only=True, metadata=said(__("Changed")))

    @ma.pre_load
    def _forget_positions(self, data: Any, **given: Any) -> Any:
        """What we gave out may come back: the place in the list counts, not the position told with it."""
        if not isinstance(data, Mapping):
            return data
        lists = {name: data[name] for name in ("lines", "adjustments") if isinstance(data.get(name), list)}
        return {**data, **{name: [_without_position(row) for row in rows] for name, rows in lists.items()}}


def _without_position(row: Any) -> Any:
    return {name: value for name, value in row.items() if name != "position"} if isinstance(row, Mapping) else row
