"""Which columns may be edited in place; a declaration that says it of another one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import marshmallow as ma

if TYPE_CHECKING:
    from core.resources.declaration import Resource

_MANY = (ma.fields.Nested, ma.fields.List, ma.fields.Dict)


def check_editable(resource: Resource) -> None:
    """Raise ValueError when the form would not edit a column that says `editable`, or would want the password."""
    for column in resource.columns:
        if column.editable and (why := _unfit(resource, column.name)):
            raise ValueError(f"{resource.name}: Column {column.name}: editable: {why}")


def _unfit(resource: Resource, name: str) -> str:
    field = resource.schema().fields.get(name)
    if field is None or field.dump_only or isinstance(field, _MANY):
        return f"the schema {resource.schema.__name__} has no field {name!r} of one value that may be written."
    if name in resource.reauth:
        return "what wants the password is edited in the form (reauth)."
    is_left_out = not resource.offers_edit or (resource.form_fields and name not in resource.form_fields)
    return "the form does not edit it." if is_left_out else ""
