"""Values of the log in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import marshmallow as ma
import pytest

from core.i18n import speaking
from core.resources import Badge, Column, Filter, schema_fields
from core.web import changed

COLUMNS = {
    "status": Column("status", "Status", "badge", badges={"open": Badge("Open", "info")}),
    "at": Column("at", "At", "datetime"),
}
RESOURCE: Any = SimpleNamespace(
    said=None, column=COLUMNS.get, filters=[Filter("kind", "Kind", choices={"sale": "Sale"})]
)
SAID = [
    ("status", "open", "Open"),
    ("status", "gone", "gone"),
    ("kind", "sale", "Sale"),
    ("total_minor", -3865, "−£38.65"),
    ("at", "no time", "no time"),
    ("flag", False, "No"),
    ("count", 0, "0"),
    ("tags", ["a", "b"], "a, b"),
    ("lines", [{"sku": "X"}], "…"),
    ("scopes", {"orders.order": {"sales_channel": ["pos", "web"]}}, "pos, web"),
    ("scopes", {}, "–"),
    ("text", "", "–"),
    ("text", None, "–"),
    ("text", "<b>", "&lt;b&gt;"),
    ("text", "x" * 130, "x" * 120 + "…"),
]


@pytest.mark.parametrize(("name", "value", "said"), SAID)
def test_a_value_is_said_as_people_read_it(name: str, value: Any, said: str) -> None:
    with speaking("en"):
        text = str(changed.value(RESOURCE, name, value, "GBP"))
    assert text.replace('<bdi dir="ltr">', "").replace("</bdi>", "") == said


def test_a_time_is_a_time_and_what_has_no_resource_stays_as_it_is() -> None:
    with speaking("en"):
        assert '<time datetime="2026-11-24T18:57:00+00:00"' in changed.value(RESOURCE, "at", "2026-11-24T18:57:00Z")
        assert changed.value(None, "status", "open") == "open"
        assert changed.value(None, "total_minor", 5) == "5"


class Place(ma.Schema):
    city = ma.fields.String(metadata={"label": "City"})
    phone = ma.fields.String(metadata={"label": "Phone"})


class Whole(ma.Schema):
    name = ma.fields.String(metadata={"label": "Name"})
    place = ma.fields.Nested(Place, metadata={"label": "Ship to"})
    rows = ma.fields.List(ma.fields.Nested(Place), metadata={"label": "Items"})


def told(**changes: Any) -> list[tuple[str, ...]]:
    declared: Any = SimpleNamespace(said=None, schema=Whole, column=COLUMNS.get, filters=[])
    labels = {info.path: info.label for info in schema_fields(Whole)}
    with speaking("en"):
        return [tuple(map(str, line)) for line in changed.lines(declared, changes, labels)]


def test_of_something_nested_only_what_differs_is_said() -> None:
    before = {"city": "Leeds", "phone": "1"}
    assert told(place=(before, before | {"city": "York"})) == [("Ship to: City", "Leeds", "York")]
    assert told(place=(None, {"city": "York", "phone": ""})) == [("Ship to: City", "–", "York")]
    assert told(place=(before, None))[1] == ("Ship to: Phone", "1", "–")
    assert told(name=("A", "B"), place=(None, {})) == [("Name", "A", "B")]


def test_of_rows_only_those_that_differ_are_said() -> None:
    first, second = {"city": "Leeds", "phone": "1"}, {"city": "York", "phone": "2"}
    assert told(rows=([first, second], [first, second | {"phone": "3"}])) == [("Items, row 2: Phone", "2", "3")]
    assert told(rows=([first], [first, second])) == [("Items, row 2", "–", "York · 2")]
    assert told(rows=([first, second], [first])) == [("Items, row 2", "York · 2", "–")]
