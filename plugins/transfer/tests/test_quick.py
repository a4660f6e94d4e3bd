"""The quick way of loading a document gives what marshmallow gives, and says what marshmallow says."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.resources import ExactDecimal, Minor, Tags, Utc
from core.resources.border import bordered
from plugins.transfer.reading.quick import quick


class Item(ma.Schema):
    sku = ma.fields.String(required=True, validate=ma.validate.Length(1, 5))
    amount_minor = Minor(allow_none=True)
    at = Utc(load_default=None, allow_none=True)

    @ma.post_load
    def _named(self, data: dict[str, Any], **_more: Any) -> dict[str, Any]:
        return data | {"name": data["sku"].lower()}


class Place(ma.Schema):
    city = ma.fields.String(load_default="nowhere")


class Whole(ma.Schema):
    number = ma.fields.String(required=True, data_key="no", attribute="number")
    kind = ma.fields.String(validate=ma.validate.OneOf(["sale", "credit"]))
    rate = ExactDecimal(allow_none=True)
    tags = Tags(load_default=list)
    extra = ma.fields.Dict(keys=ma.fields.String())
    place = ma.fields.Nested(Place, allow_none=True)
    items = ma.fields.Nested(Item, many=True)
    others = ma.fields.List(ma.fields.Nested(Item))
    seen = ma.fields.Integer(dump_only=True)

    @ma.validates("kind")
    def _no_credit_today(self, value: str, **_more: Any) -> None:
        if value == "credit":
            raise ma.ValidationError("not today")

    @ma.validates_schema
    def _number_is_not_kind(self, data: dict[str, Any], **_more: Any) -> None:
        if data.get("number") == data.get("kind"):
            raise ma.ValidationError("odd", "number")


WHOLE = bordered(Whole)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "A", "sale", "credit", "1.5", "too long"]),
    st.just(Decimal("1.50")), st.just("4111 1111 1111 1111"), st.just(datetime(2026, 3, 1, tzinfo=UTC)),
    st.lists(st.sampled_from(["a", "b", 1]), max_size=2),
)  # fmt: skip
ITEMS = st.dictionaries(st.sampled_from(["sku", "amount_minor", "at", "odd"]), VALUES, max_size=3) | VALUES
RIGHT = st.fixed_dictionaries({"sku": st.just("A")}, optional={"amount_minor": st.integers(-5, 5)})
LISTS = st.lists(RIGHT, max_size=3) | st.lists(ITEMS, max_size=2) | VALUES
DOCUMENTS = st.fixed_dictionaries(
    {"no": st.sampled_from(["1", "sale"]) | VALUES},
    optional={
        "kind": VALUES, "rate": VALUES, "tags": VALUES, "extra": st.dictionaries(st.just("x"), VALUES) | VALUES,
        "place": st.dictionaries(st.sampled_from(["city", "odd"]), VALUES) | VALUES, "items": LISTS, "others": LISTS,
        "seen": VALUES, "unknown": VALUES,
    },
)  # fmt: skip


def outcome(schema: ma.Schema, document: Any) -> tuple[Any, Any]:
    try:
        return schema.load(document), None
    except ma.ValidationError as problem:
        return problem.valid_data, problem.messages


@pytest.mark.parametrize("unknown", [ma.RAISE, ma.EXCLUDE, ma.INCLUDE])
@settings(max_examples=400, deadline=None)
@given(document=DOCUMENTS | VALUES)
def test_it_loads_and_refuses_as_marshmallow_does(unknown: str, document: Any) -> None:
    slow, fast = WHOLE(unknown=unknown), quick(quick(WHOLE(unknown=unknown)))
    before = copy.deepcopy(document)
    assert outcome(fast, document) == outcome(slow, document)
    assert document == before


def test_partial_loads_go_the_whole_way() -> None:
    assert quick(WHOLE(partial=True)).load({"kind": "sale"}) == {"kind": "sale"}
    assert quick(WHOLE()).load({"kind": "sale"}, partial=["number"]) == {"kind": "sale", "tags": []}


def test_a_class_is_left_alone() -> None:
    quick(WHOLE())
    assert "_deserialize" not in vars(WHOLE()) | vars(WHOLE().fields["items"].schema)
