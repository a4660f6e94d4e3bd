"""Shapes of what goes over the API besides the resources' own documents."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from core.resources import Action, FieldInfo, Resource, Utc, schema_fields
from core.resources.filtering import OPERATORS

Id = ma.fields.Integer
_TEXT = {"choice": "One or more values with commas between them.", "tag": "One or more tags with commas between them."}
_TEXT |= {
    "money": "Minor units.",
    "date": "A day, or today, yesterday, last_7_days, last_30_days, this_month, this_year; of a time also a moment.",
}
_EXAMPLES = {"integer": 1, "money": 1250, "decimal": "12.50", "bool": True, "datetime": "2026-03-01T14:30:00Z"}
_EXAMPLES |= {
    "date": "2026-03-01",
    "currency": "GBP",
    "tags": ["new"],
    "several": ["new"],
    "email": "sam@example.com",
    "json": {},
}
_EXAMPLES |= {"reference": 1}


class Problem(ma.Schema):
    """An error, RFC 9457. `errors`: texts by field."""

    type = ma.fields.String()
    title = ma.fields.String()
    status = ma.fields.Integer()
    code = ma.fields.String()
    detail = ma.fields.String()
    errors = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.List(ma.fields.String()))
    request_id = ma.fields.String()


class Done(ma.Schema):
    """What became of one record."""

    id = Id()
    status = ma.fields.String()
    errors = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.List(ma.fields.String()))


class JobShape(ma.Schema):
    """A job and how far it is."""

    id = Id()
    kind = ma.fields.String()
    title = ma.fields.String()
    status = ma.fields.String()
    resource = ma.fields.String()
    total = ma.fields.Integer(allow_none=True)
    done = ma.fields.Integer()
    failed = ma.fields.Integer()
    skipped = ma.fields.Integer()
    error = ma.fields.String()
    created_at = Utc()
    finished_at = Utc(allow_none=True)


class Started(ma.Schema):
    """The answer to a command: outcomes when it was done at once, else the job that does it."""

    outcomes = ma.fields.List(ma.fields.Nested(Done))
    job = ma.fields.Nested(JobShape)


class AttachmentShape(ma.Schema):
    """A file that a note carries; its content is on the page of the record."""

    name = ma.fields.String()
    size = ma.fields.Integer(metadata={"description": "bytes"})


class NoteShape(ma.Schema):
    """A note beside a record."""

    id = Id(dump_only=True)
    text = ma.fields.String(required=True, validate=ma.validate.Length(1, 10_000))
    actor = ma.fields.String(dump_only=True)
    attachments = ma.fields.List(ma.fields.Nested(AttachmentShape), dump_only=True)
    created_at = Utc(dump_only=True)


class Notes(ma.Schema):
    """The newest notes of a record."""

    data = ma.fields.List(ma.fields.Nested(NoteShape))


class Chosen(ma.Schema):
    """Which records: `ids`, or `all` that match `filters` and `search` but `excluded`."""

    ids = ma.fields.List(Id(validate=ma.validate.Range(1)), validate=ma.validate.Length(max=10_000))
    all = ma.fields.Boolean(load_default=False)
    filters = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), load_default=dict)
    search = ma.fields.String(load_default="", validate=ma.validate.Length(max=200))
    excluded = ma.fields.List(Id(validate=ma.validate.Range(1)), load_default=list)

    @ma.validates_schema
    def one_of_both(self, data: dict[str, Any], **_more: Any) -> None:
        if bool(data.get("ids")) == data["all"]:
            raise ma.ValidationError("Name the records by `ids`, or say `all`.", "ids")


def command(resource: Resource, action: Action) -> type[ma.Schema]:
    """The body of an action: which records, and its arguments; what is missing is named though all of them are."""
    arguments = ma.fields.Nested(action.schema, required=True) if action.schema else ma.fields.Dict()

    @ma.pre_load
    def with_arguments(_self: ma.Schema, data: Any, **_more: Any) -> Any:
        return {"arguments": {}} | data if isinstance(data, dict) else data

    fields = {"arguments": arguments, "with_arguments": with_arguments}
    return _named(f"{resource.name}.{action.name}", fields, Chosen)


def listing(resource: Resource) -> type[ma.Schema]:
    """The query arguments of a list; anything else is refused."""
    sorts = [column.name for column in resource.columns if column.sortable] + ["id"]
    fields: dict[str, Any] = {
        "q": ma.fields.String(validate=ma.validate.Length(max=200), metadata={"description": "Search."}),
        "sort": ma.fields.String(validate=ma.validate.OneOf([*sorts, *(f"-{name}" for name in sorts)])),
        "cursor": ma.fields.String(metadata={"description": "`next` or `previous` of another page."}),
        "limit": ma.fields.Integer(validate=ma.validate.Range(1, 200), load_default=50),
    }
    for one in resource.filters:
        text = ma.fields.String(metadata={"description": f"{one.label}. {_TEXT.get(one.kind, '')}".strip()})
        fields |= dict.fromkeys([one.name, *(f"{one.name}__{operator}" for operator in OPERATORS[one.kind])], text)
    return _named(f"{resource.name}.list", fields)


def page(resource: Resource) -> type[ma.Schema]:
    """One page of documents."""
    cursor = ma.fields.String(allow_none=True)
    data = ma.fields.List(ma.fields.Nested(resource.schema))
    return _named(f"{resource.name}.page", {"data": data, "next": cursor, "previous": cursor})


def _named(name: str, fields: dict[str, Any], base: type[ma.Schema] = ma.Schema) -> type[ma.Schema]:
    return type("".join(part.capitalize() for part in name.replace("_", ".").split(".")), (base,), dict(fields))


def example(resource: Resource) -> dict[str, Any]:
    """A document as the description shows it."""
    found: dict[str, Any] = {}
    for info in schema_fields(resource.schema):
        if not info.read_only and "." not in info.path:
            found[info.name] = _sample(info)
    return found


def _sample(info: FieldInfo) -> Any:
    text = str(info.label)[: info.max_length]
    return next(iter(info.choices), _EXAMPLES.get(info.kind, text))
