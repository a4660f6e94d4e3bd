"""The border: what a fabric looks like in forms, files and the API."""

from __future__ import annotations

import marshmallow as ma

from core.i18n import __
from core.resources import Badge, Currency, Minor

COLORS = {"sand": __("Sand"), "clay": __("Clay"), "ink": __("Ink")}
STATES = {
    "in": Badge(__("In stock"), "ok", "full"), "low": Badge(__("Low"), "warn", "half"),
    "out": Badge(__("Out of stock"), "bad", "empty"),
}  # fmt: skip
_Length = ma.validate.Length


class VariantSchema(ma.Schema):
    color = ma.fields.String(
        required=True, validate=ma.validate.OneOf(list(COLORS), list(COLORS.values())),
        metadata={"label": __("Color")},
    )  # fmt: skip
    width = ma.fields.String(required=True, validate=_Length(1, 40), metadata={"label": __("Width")})
    sku = ma.fields.String(required=True, validate=_Length(1, 40), metadata={"label": __("SKU")})
    price_minor = Minor(required=True, validate=ma.validate.Range(min=0), metadata={"label": __("Price")})
    reorder_at = ma.fields.Integer(allow_none=True, metadata={"label": __("Reorder at")})
    is_sold = ma.fields.Boolean(metadata={"label": __("Sold")})
    stock = ma.fields.Integer(dump_only=True, metadata={"label": __("Stock"), "shown": True})
    state = ma.fields.String(dump_only=True, metadata={"label": __("State"), "shown": True, "badges": STATES})


class FabricSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    version = ma.fields.Integer(dump_only=True)
    code = ma.fields.String(required=True, validate=_Length(1, 32), metadata={"label": __("Code")})
    currency = Currency(metadata={"label": __("Currency")})
    variants = ma.fields.List(
        ma.fields.Nested(VariantSchema),
        metadata={"label": __("Variants"), "group_by": "color", "help": __("Stock changes where it is counted.")},
    )
