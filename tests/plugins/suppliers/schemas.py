"""The border: what a supplier looks like in forms, files and the API."""

from __future__ import annotations

import marshmallow as ma

from core.i18n import __
from core.resources import Currency, Minor, Reference, Tags


class SupplierSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    version = ma.fields.Integer(dump_only=True)
    code = ma.fields.String(required=True, validate=ma.validate.Length(1, 32), metadata={"label": __("Code")})
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 200), metadata={"label": __("Name")})
    country = ma.fields.String(
        validate=ma.validate.Regexp(r"([A-Z]{2})?\Z"),
        metadata={"label": __("Country"), "help": __("Two letters, such as GB.")},
    )
    currency = Currency(metadata={"label": __("Currency")})
    credit_minor = Minor(metadata={"label": __("Credit")})
    is_active = ma.fields.Boolean(metadata={"label": __("Active")})
    parent = Reference(
        "suppliers.supplier",
        allow_none=True,
        metadata={"label": __("Part of"), "help": __("The company that it belongs to.")},
    )
    tags = Tags(metadata={"label": __("Tags")})
