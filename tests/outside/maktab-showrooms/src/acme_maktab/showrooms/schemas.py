"""The border: what a showroom looks like in forms, files and the API."""

from __future__ import annotations

import marshmallow as ma


class ShowroomSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    version = ma.fields.Integer(dump_only=True)
    code = ma.fields.String(required=True, validate=ma.validate.Length(1, 16))
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 120))
    city = ma.fields.String(validate=ma.validate.Length(0, 80))
    is_open = ma.fields.Boolean()
