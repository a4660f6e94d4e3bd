"""Schema fields for money, exact numbers, times, currencies, tags and other records; and what fields a schema has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import marshmallow as ma

from core.db.fields import LARGEST, is_storable, iso
from core.db.money import currencies
from core.errors import Invalid
from core.i18n import N_, _, said
from core.resources.declaration import Badge, Label

_LONGEST_TAG, _MOST_TAGS = 60, 50


class Minor(ma.fields.Integer):
    """Money in minor units of the document's `currency`: a whole number within 64 bits, never a float."""

    default_error_messages = {"invalid": N_("Write a whole number of minor units (12.34 GBP is 1234).")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"strict": True})
        self.validators.insert(0, ma.validate.Range(-(2**53), 2**53))


class Utc(ma.fields.Field[datetime]):
    """A moment: ISO 8601 with zone or `Z` comes in, aware UTC goes out."""

    default_error_messages = {"invalid": N_("Write a time with its zone, like 2026-03-01T14:30:00Z.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            if moment.tzinfo is None:
                raise ValueError
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else iso(value)


class ExactDecimal(ma.fields.Decimal):
    """A decimal kept digit by digit; text or whole number comes in, text goes out."""

    default_error_messages = {"invalid": N_('Write a decimal number as text, like "12.50".')}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"as_string": True})

    def _validated(self, value: Any) -> Decimal:
        number = super()._validated(value)
        if len(number.as_tuple().digits) > 38 or abs(number.adjusted()) > 38:
            raise self.make_error("invalid")
        return number


class Currency(ma.fields.String):
    """An ISO 4217 code in capitals."""

    default_error_messages = {
        "currency": N_("There is no such currency. Write its code of ISO 4217, such as GBP, EUR or SAR.")
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = str(super()._deserialize(value, attr, data, **kwargs)).strip().upper()
        if code not in currencies():
            raise self.make_error("currency")
        return code


class Tags(ma.fields.Field[list[str]]):
    """Tags: a list, or a text with commas; trimmed, without doubles, order kept."""

    default_error_messages = {
        "invalid": N_("Write tags as a list of texts."),
        "long": N_("A tag has at most 60 letters, a record at most 50 tags."),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            raise self.make_error("invalid")
        tags = list(dict.fromkeys(text for part in parts if (text := " ".join(part.split()))))
        if len(tags) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG or "," in tag or not is_storable(tag) for tag in tags):
            raise self.make_error("long")
        return tags


class Reference(ma.fields.Integer):
    """The id of another record: `Reference("suppliers.supplier")`. The resource may be one of a plugin that is off.

    That there is such a record, and that the actor may open it, the service asks for a whole set
    (`core.resources.references`), not the field.
    """

    default_error_messages = {"invalid": N_("Write the number of a record, as 12.")}

    def __init__(self, resource: str, **kwargs: Any) -> None:
        said = {"description": f"The id of a record of {resource}."} | dict(kwargs.pop("metadata", None) or {})
        super().__init__(**kwargs | {"strict": True, "metadata": said})
        self.resource = resource
        self.validators.insert(0, ma.validate.Range(1, LARGEST, error=str(self.error_messages["invalid"])))


class Option(NamedTuple):
    """One of several that may be ticked. `why`: why whoever looks at the form may not change whether it is."""

    value: str
    label: Label
    why: Label = ""


@dataclass(frozen=True)
class FieldInfo:
    """One field of a schema. `path`: dotted for nested ones (`lines.sku`); `many`: inside a nested list.

    `kind`: text, longtext, integer, decimal, money, datetime, date, bool, choice, email, currency, tags,
    several, reference, json. `target`: the resource of a reference; `options`: what several are ticked
    of, or one is chosen of; `others`: whether others may be typed.
    `in_currency`: an amount of the document's currency: money, and exact prices whose metadata says so.
    `may_be_empty`: a value that is there can be taken away.
    `shown`: in a row of a form though it is read only, as the badge that its value has in `badges`, or as text.
    """

    name: str
    path: str
    label: Label
    kind: str
    required: bool = False
    choices: Mapping[str, Label] = field(default_factory=dict)
    many: bool = False
    read_only: bool = False
    help: Label = ""
    max_length: int | None = None
    in_currency: bool = False
    target: str = ""
    shown: bool = False
    options: Callable[[], Sequence[Option]] = tuple
    others: Callable[[], bool] = bool
    badges: Mapping[str, Badge] = field(default_factory=dict)
    may_be_empty: bool = False

    def offered(self) -> Mapping[str, Label]:
        """{value: its name} that may be chosen now."""
        return self.choices or {one.value: one.label for one in self.options() if not one.why}


_KINDS: tuple[tuple[type[Any], str], ...] = (
    (Minor, "money"),
    (Reference, "reference"),
    (Currency, "currency"),
    (Tags, "tags"),
    (ma.fields.Email, "email"),
    (ma.fields.Date, "date"),
    (Utc, "datetime"),
    (ma.fields.DateTime, "datetime"),
    (ma.fields.Boolean, "bool"),
    (ma.fields.Integer, "integer"),
    (ma.fields.Number, "decimal"),
    (ma.fields.String, "text"),
)  # a subclass before its base; what is not named here is json
_LONG_TEXT = 500


def schema_fields(schema: type[ma.Schema]) -> list[FieldInfo]:
    """The leaf fields of `schema` in its order, those of nested schemas with dotted paths."""
    return list(_leaves(schema(), "", False))


def _leaves(schema: ma.Schema, prefix: str, many: bool) -> Iterator[FieldInfo]:
    for name, one in schema.fields.items():
        inner = one.inner if isinstance(one, ma.fields.List) else one
        if isinstance(inner, ma.fields.Nested):
            yield from _leaves(inner.schema, f"{prefix}{name}.", many or inner is not one or bool(inner.many))
        else:
            yield _leaf(name, one, prefix, many)


def _leaf(name: str, one: ma.fields.Field[Any], prefix: str, many: bool) -> FieldInfo:
    rules = one.validators
    choices = next((rule for rule in rules if isinstance(rule, ma.validate.OneOf)), None)
    longest = next((rule.max for rule in rules if isinstance(rule, ma.validate.Length)), None)
    kind = next((kind for cls, kind in _KINDS if isinstance(one, cls)), "json")
    if kind == "text" and (choices or (longest or 0) > _LONG_TEXT):
        kind = "choice" if choices else "longtext"
    names = [str(choice) for choice in choices.choices] if choices else []
    return FieldInfo(
        name=name,
        path=prefix + name,
        label=one.metadata.get("label", name.replace("_", " ").capitalize()),
        kind=one.metadata.get("kind", kind),
        required=one.required,
        choices=dict(zip(names, list(choices.labels) or names, strict=False)) if choices else {},
        many=many,
        read_only=one.dump_only,
        help=one.metadata.get("help", ""),
        max_length=longest,
        in_currency=one.metadata.get("in_currency", kind == "money"),
        target=one.resource if isinstance(one, Reference) else "",
        shown=one.metadata.get("shown", False),
        options=one.metadata.get("options", tuple),
        others=one.metadata.get("others", bool),
        badges=one.metadata.get("badges", {}),
        may_be_empty=one.allow_none,
    )


def part_of(schema: type[ma.Schema]) -> ma.Schema:
    """`schema` for a part of a document: any of its fields may be absent, but what is nested must be whole."""
    return schema(partial=tuple(schema().fields))


def loaded(schema: ma.Schema, values: Any) -> dict[str, Any]:
    """The document that `schema` makes of `values`. Raises Invalid."""
    try:
        return dict(schema.load(values))
    except ma.ValidationError as problem:
        raise Invalid(_with_help(type(schema), by_field(problem.messages))) from None


_UNLIKE = "String does not match expected pattern."
_PLACE = re.compile(r"\.\d+(?=\.)")


def _with_help(schema: type[ma.Schema], errors: dict[str, list[str]]) -> dict[str, list[str]]:
    """`errors`; where a pattern without words of its own refused, what the field says of itself."""
    unlike = said(_UNLIKE)
    if not any(unlike in texts for texts in errors.values()):
        return errors
    helps, found = {info.path: info.help for info in schema_fields(schema)}, _("This is not written as expected.")
    told = {name: f"{found} {helps.get(_PLACE.sub('', name), '')}".rstrip() for name in errors}
    return {name: [told[name] if one == unlike else one for one in texts] for name, texts in errors.items()}


def by_field(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Nested messages of marshmallow as {dotted path ("" for the whole): texts in the present language}."""
    if not isinstance(messages, Mapping):
        return {path: [said(str(text)) for text in (messages if isinstance(messages, list) else [messages])]}
    found: dict[str, list[str]] = {}
    for name, inner in messages.items():
        found |= by_field(inner, path if name == "_schema" else f"{path}.{name}".lstrip("."))
    return found
