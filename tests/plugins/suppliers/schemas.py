"""The border: what a supplier looks like in forms, files and the API."""

from __future__ import annotations

import marshmallow as ma

from core.resources import Currency, Minor, Tags


class SupplierSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    version = ma.fields.Integer(dump_only=True)
    code = ma.fields.String(required=True, validate=ma.validate.Length(1, 32))
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 200))
    country = ma.fields.String(validate=ma.validate.Regexp(r"([A-Z]{2})?\Z"))
    currency = Currency()
    credit_minor = Minor()
    is_active = ma.fields.Boolean()
    tags = Tags()
