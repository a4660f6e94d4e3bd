"""Cells of lists: what each kind of column shows, and that no value becomes an element."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from markupsafe import escape

from core.db import utcnow
from core.i18n import moment, money, speaking
from core.resources import Badge, Column
from core.web import cells

EVIL = """<script>x</script>"' onclick=1 &amp;<img src=x onerror=1>"""
CHOSEN = [
    Column("it", EVIL),
    Column("it", EVIL, kind="code"),
    Column("it", EVIL, kind="badge"),
    Column("it", EVIL, kind="badge", badges={EVIL: Badge(EVIL, "ok", "half")}),
    Column("it", EVIL, kind="number", value=lambda record: -5),
    Column("it", EVIL, link=lambda record: f"/there?{record.it}"),
    Column("it", EVIL, value=lambda record: record.it),
    Column("it", EVIL, kind="tags"),
    Column("it", EVIL, kind="money", value=lambda record: 250),
    Column("it", EVIL, kind="datetime", value=lambda record: utcnow()),
    Column("it", EVIL, kind="datetime", value=lambda record: date(2026, 1, 2)),
    Column("it", EVIL, kind="date", value=lambda record: date(2026, 1, 2)),
    Column("it", EVIL, kind="bool"),
]


class Seen(HTMLParser):
    """The elements with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, ...]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, *(name for name, _value in attrs)))


@pytest.fixture
def record() -> Any:
    return SimpleNamespace(id=7, it=EVIL, currency="GBP")


def rows(record: Any, columns: list[Column], address: str = f"/{EVIL}/", **given: Any) -> str:
    resource: Any = SimpleNamespace(title=lambda one: one.it)
    asked = {"tags": {7: [EVIL]}, "badges": {7: [Badge(EVIL)]}, "pick": True} | given
    return str(cells.rows(resource, [record], columns, address, **asked))


@pytest.mark.parametrize("code", ["en", "ar"])
@pytest.mark.parametrize("first", range(len(CHOSEN)))
def test_no_value_becomes_an_element(record: Any, first: int, code: str) -> None:
    with speaking(code):
        text = rows(record, [CHOSEN[first], *CHOSEN])
    allowed = {"tr", "td", "input", "a", "bdi", "span", "time"}
    assert {name for name, *_attributes in Seen(text).found} <= allowed
    attributes = {name for _tag, *names in Seen(text).found for name in names}
    assert attributes <= {
        "class", "type", "name", "value", "form", "aria-label", "aria-hidden", "href", "data-label", "dir", "datetime",
        "title",
    }  # fmt: skip
    assert text.count(str(escape(EVIL))) > 10


def test_a_row_says_what_its_columns_hold() -> None:
    order = SimpleNamespace(
        id=3, it="", number="A-1", total=1250, currency="GBP", paid="yes", note=None, at=utcnow(), open=True
    )
    columns = [
        Column("number", "Number", kind="code"), Column("total", "Total", kind="money"), Column("note", "Note"),
        Column("paid", "Paid", kind="badge", badges={"yes": Badge("Paid", "ok", "full")}),
        Column("open", "Open", kind="bool"), Column("at", "At", kind="datetime"),
    ]  # fmt: skip
    text = rows(order, columns, "/admin/orders/", tags={}, badges={}, pick=False)
    paid = '<span class="mk-badge mk-ok"><span class="mk-pip mk-pip-full" aria-hidden="true"></span>Paid</span>'
    assert text == (
        '<tr><td class="mk-main-cell"><a class="mk-key" href="/admin/orders/3"><bdi>A-1</bdi></a></td>'
        f'<td class="mk-e mk-num mk-money" data-label="Total"><span>{money(1250, "GBP")}</span></td>'
        '<td class="mk-clip" data-label="Note"></td>'
        f'<td class="mk-marks" data-label="Paid">{paid}</td><td class="" data-label="Open">Yes</td>'
        f'<td class="mk-num mk-muted" data-label="At">{moment(order.at)}</td></tr>'
    )


def test_one_value_of_a_record_knows_its_tags(record: Any) -> None:
    tags = Column("tags", "Tags", kind="tags")
    assert cells.value(tags, record) == "–"
    assert str(cells.value(tags, record, tags=["new", EVIL])).count("mk-tag") == 2


def test_a_day_looks_like_the_day_of_a_moment(record: Any) -> None:
    day = Column("day", "Day", kind="date", value=lambda one: date(2026, 1, 2))
    assert "2 Jan 2026" in cells.value(day, record)


def test_a_row_shows_two_tags_and_says_the_others(record: Any) -> None:
    columns = [Column("it", "It"), Column("tags", "Tags", kind="tags")]
    text = rows(record, columns, tags={7: ["a", "b", "c", EVIL]})
    assert text.count('<span class="mk-tag"') == 3
    assert f'title="c, {escape(EVIL)}"><span aria-hidden="true">+2</span><span class="mk-vh">c, ' in text
    assert "+" not in rows(record, columns, tags={7: ["a", "b"]}).partition("mk-tag")[2]
