"""Home: cards of plugins, each fetched by itself, arranged by its user or begun by his role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import arrangement, dashboard, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.context import SYSTEM, Context
from core.dashboard import Bar, Entry, Figure, Trend, Widget
from core.db import utcnow
from core.i18n import speaking
from core.plugins import guards
from core.plugins.models import PluginFailure
from core.testing import csrf_of
from core.web import charts
from tests.helpers import count_statements, make_suppliers
from tests.plugin_kit import unload

HTMX = {"HX-Request": "true"}


@pytest.fixture
def plugin_folder() -> Iterator[Path]:
    for name in ("suppliers", "visits"):
        unload(name)
    yield Path(__file__).parent / "plugins" / "visits"
    for name in ("suppliers", "visits"):
        unload(name)


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def cards(browser: Any) -> list[str]:
    """The names of the cards on Home, in order."""
    parts = browser.get("/admin/").text.split('hx-get="/admin/home/widgets/')[1:]
    return [part.partition("?")[0] for part in parts]


def arrange(browser: Any, act: str = "", **form: Any) -> Any:
    return browser.send("/admin/home/", act=act, **form)


def test_a_card_is_moved_sized_hidden_and_shown_again(owner: Any) -> None:
    make_suppliers(count=1)
    begin = cards(owner)
    assert begin[:2] == ["orders.sales", "orders.orders"]
    arrange(owner, "later:orders.sales", order=begin)
    assert cards(owner)[:2] == ["orders.orders", "orders.sales"]
    arrange(owner, "hide:orders.orders", order=cards(owner), **{"size.orders.sales": "two_thirds"})
    assert cards(owner) == ["orders.sales", *begin[2:]]
    assert 'mk-w-two_thirds" id="w-orders-sales"' in owner.get("/admin/").text
    page = owner.get("/admin/home/").text
    assert "show:orders.orders" in page
    arrange(owner, "show:orders.orders", order=["orders.orders", *cards(owner)])
    assert cards(owner)[0] == "orders.orders"
    arrange(owner, "reset")
    assert cards(owner) == begin


def test_a_card_of_a_plugin_that_is_off_comes_back_at_its_place(owner: Any, runtime: Any, ctx: Context) -> None:
    begin = cards(owner)
    arrange(owner, order=["visits.count", *(name for name in begin if name != "visits.count")])
    plugins.disable(ctx, "visits")
    without = plugins.build(runtime.settings)
    with runtime_room.bound(without):
        other = create_app(without).test_client()
        other.set_cookie("maktab", owner.get_cookie("maktab").value)
        left = cards(other)
        assert left[0] == begin[0]
        page = other.get("/admin/home/").text
        form = {"csrf_token": csrf_of(page), "act": f"later:{left[0]}", "order": left}
        assert other.post("/admin/home/", data=form).status_code == 302
        assert cards(other)[:2] == [left[1], left[0]]
    assert cards(owner)[:3] == ["visits.count", left[1], left[0]]


def on_page(browser: Any, act: str) -> None:
    """Press the button of the page Customize that sends `act`, with all that its form holds."""
    page = browser.get("/admin/home/").text
    order, hidden = (re.findall(rf'name="{name}" value="([^"]+)"', page) for name in ("order", "hidden"))
    assert f'value="{act}"' in page
    arrange(browser, act, order=order, hidden=hidden)


def test_a_hidden_card_comes_back_where_it_stood(owner: Any, runtime: Any, ctx: Context) -> None:
    begin = cards(owner)
    first, second, third = begin[:3]
    on_page(owner, f"hide:{second}")
    on_page(owner, f"hide:{third}")
    on_page(owner, f"later:{begin[3]}")
    assert cards(owner)[:3] == [first, begin[4], begin[3]]
    on_page(owner, f"show:{second}")
    assert cards(owner)[:3] == [first, second, begin[4]]
    plugins.disable(ctx, "visits")
    with runtime_room.bound(plugins.build(runtime.settings)):
        other = create_app(runtime_room.current()).test_client()
        other.set_cookie("maktab", owner.get_cookie("maktab").value)
        form = {"csrf_token": csrf_of(other.get("/admin/home/").text), "act": "keep", "order": cards(other)}
        assert other.post("/admin/home/", data=form | {"hidden": [third]}).status_code == 302
    on_page(owner, f"show:{third}")
    assert cards(owner) == [first, second, third, begin[4], begin[3], *begin[5:]]


def test_who_may_not_see_a_card_finds_it_neither_on_home_nor_by_its_address(signed_in: Any, ctx: Context) -> None:
    roleless = signed_in("")
    assert cards(roleless) == ["visits.count", "core.running", "core.failed"]
    answer = roleless.get("/admin/home/widgets/visits.next", headers=HTMX)
    assert answer.status_code == 403
    assert roleless.get("/admin/home/widgets/visits.count", headers=HTMX).status_code == 200
    assert roleless.get("/admin/home/widgets/no.such", headers=HTMX).status_code == 404


def test_who_has_no_role_is_told_whom_to_ask(signed_in: Any) -> None:
    said = "You have no role yet."
    assert said in signed_in("").get("/admin/").text
    assert said not in signed_in("viewer").get("/admin/").text


def test_a_role_gives_the_start_until_its_holder_chooses(owner: Any, signed_in: Any) -> None:
    viewer = signed_in("viewer")
    order = list(reversed(cards(owner)))
    arrange(owner, "role", order=order, role="viewer")
    assert cards(owner) != order, "the owner arranged it for others"
    assert cards(viewer) == order
    arrange(viewer, "later:" + order[0], order=order)
    assert cards(viewer) == [order[1], order[0], *order[2:]]
    arrange(viewer, "reset")
    assert cards(viewer) == order


def test_only_who_edits_roles_gives_them_a_start(signed_in: Any) -> None:
    manager = signed_in("manager")
    assert "Make this the start" not in manager.get("/admin/home/").text
    assert arrange(manager, "role", role="viewer").status_code == 403


BROKEN = {
    "load": lambda ctx: 1 // 0,
    "kind": lambda ctx: ["a text"],
    "mixed": lambda ctx: [Figure(1), Entry("two")],
    "template": lambda ctx: {},
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_card_that_fails_loses_nothing_but_itself(owner: Any, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    import visits.hooks

    template = "visits/no_such.html" if how == "template" else ""
    monkeypatch.setattr(visits.hooks, "load_next", BROKEN[how])
    real = visits.hooks.Widget
    monkeypatch.setattr(
        visits.hooks,
        "Widget",
        lambda *given, **more: real(*given, **more, template=template if given[0] == "visits.next" else ""),
    )
    assert "visits.next" in cards(owner)
    answer = owner.get("/admin/home/widgets/visits.next", headers=HTMX)
    assert (answer.status_code, "Try again" in answer.text) == (200, True)
    assert "data-retry" not in owner.get("/admin/home/widgets/visits.count", headers=HTMX).text
    for _ in range(5):
        owner.get("/admin/home/widgets/visits.next", headers=HTMX)
    guards.flush()
    assert PluginFailure.select().count() == 0, "the plugin would be switched off with all its pages"
    page = owner.get("/admin/home/widgets/visits.next")
    assert (page.status_code, "Try again" in page.text, "<html" in page.text) == (200, True, True)


def test_home_itself_asks_for_no_data(owner: Any) -> None:
    owner.get("/admin/")
    with count_statements() as seen:
        owner.get("/admin/")
    assert len(seen) <= 8, seen
    assert not any("suppliers_supplier" in sql or "orders_" in sql for sql in seen)


def test_a_quarantined_plugin_is_named_to_those_who_see_plugins(owner: Any, signed_in: Any) -> None:
    from core.plugins.models import PluginState

    assert "Switched off after failures" not in owner.get("/admin/").text
    PluginState.update(status="quarantined").where(PluginState.name == "visits").execute()
    assert "Switched off after failures" in owner.get("/admin/").text
    assert "Switched off after failures" not in signed_in("operator").get("/admin/").text


DRAWN = {
    "figures": (
        [Figure(1234, "GBP", before=1000, note="before", points=[1, 5, -2]), Figure(7)],
        ["12.34", "+23.4%", "<svg"],
    ),
    "nothing before": ([Figure(0, before=0, note="vs the days before")], ["vs the days before: 0"]),
    "bars": ([Bar("Paid", 3, 4), Bar("Seen", 9)], ['max="4" value="3"', "Seen"]),
    "trend": (
        Trend([date(2026, 3, 1), date(2026, 3, 2)], [100, -250], [0, 300], "GBP"),
        ["2 Mar", "As a table", "−£2.50"],
    ),
    "none": ([], ["All is well"]),
}  # fmt: skip


@pytest.mark.parametrize("shape", DRAWN)
def test_the_theme_draws_every_kind(owner: Any, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    import visits.hooks

    content, expected = DRAWN[shape]
    card = Widget("visits.next", "Next", lambda ctx: content, empty="All is well")
    monkeypatch.setattr(visits.hooks, "Widget", lambda *given, **more: card)
    page = owner.get("/admin/home/widgets/visits.next", headers=HTMX).text
    assert [text for text in expected if text not in page] == []


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)


@settings(deadline=None)
@given(NAMES, NAMES)
def test_what_is_gone_keeps_its_place_and_what_is_placed_its_order(kept: list[str], placed: list[str]) -> None:
    found = arrangement.merged(kept, placed)
    assert sorted(found) == sorted({*kept, *placed})
    assert [name for name in found if name in placed] == placed
    for at, name in enumerate(kept):
        if name not in placed:
            assert found.index(name) == (found.index(kept[at - 1]) + 1 if at else 0)
    assert arrangement.merged(found, placed) == found


@settings(deadline=None)
@given(NAMES, NAMES)
def test_new_names_come_last(names: list[str], kept: list[str]) -> None:
    found = arrangement.in_order(names, kept)
    known = [name for name in kept if name in names]
    assert found == known + [name for name in names if name not in kept]


@settings(deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), max_size=40), st.sampled_from([1, 100, 1000]))
def test_marks_of_an_axis_hold_all_points_and_are_few(points: list[int], unit: int) -> None:
    marks = charts.marks(points, unit)
    assert marks[0] <= min((0, *points)) <= max((0, *points)) <= marks[-1]
    assert 0 in marks
    assert 2 <= len(marks) <= 6
    assert all(mark % unit == 0 for mark in marks)
    drawn = charts.line(points, marks[-1], marks[0])
    heights = [int(place.split(",")[1]) for place in drawn.line[1:].split()]
    assert all(0 <= height <= charts.HEIGHT for height in heights)


def test_an_axis_speaks_the_language_of_the_user() -> None:
    with speaking("ar"):
        assert charts.short(4_000_000, "GBP") == "40\xa0ألف"
    with speaking("en"):
        assert charts.short(4_000_000, "GBP") == "40K"
        assert charts.days_marked(30) == [0, 4, 9, 14, 19, 24, 29]
        assert charts.days_marked(1) == [0]


def test_of_two_cards_with_one_name_the_first_is_shown(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import visits.hooks

    monkeypatch.setattr(visits.hooks, "Widget", lambda *given, **more: Widget("core.running", "Mine", lambda ctx: []))
    found = [one.title for one in dashboard.offered(SYSTEM) if one.name == "core.running"]
    assert [str(title) for title in found] == ["Running now"]


def pressed(page: str) -> list[str]:
    return re.findall(r'value="(\w+)" id="period-\w+" aria-pressed="true"', page)


def test_a_period_is_in_the_address_and_kept_for_the_next_time(owner: Any) -> None:
    assert pressed(owner.get("/admin/").text) == ["last_7_days"]
    answer = owner.send("/admin/home/period", period="this_month")
    assert (answer.status_code, answer.location) == (303, "/admin/?period=this_month")
    page = owner.get("/admin/").text
    assert pressed(page) == ["this_month"]
    assert "/admin/home/widgets/visits.count?period=this_month" in page
    assert pressed(owner.get("/admin/?period=today").text) == ["today"]
    assert pressed(owner.get("/admin/?period=<b>").text) == ["last_7_days"]


def test_a_card_of_another_plugin_knows_the_period(owner: Any) -> None:
    make_suppliers(count=2)
    card = "/admin/home/widgets/visits.count?period="
    assert "2 new ones" in owner.get(card + "today", headers=HTMX).text
    Supplier = runtime_room.current().resource("suppliers.supplier").model
    Supplier.update(created_at=utcnow() - timedelta(days=10)).execute()
    assert "0 new ones" in owner.get(card + "last_7_days", headers=HTMX).text
    assert "2 new ones" in owner.get(card + "last_30_days", headers=HTMX).text


def test_without_a_card_of_a_period_none_is_offered(signed_in: Any) -> None:
    roleless = signed_in("")
    shown = cards(roleless)
    assert pressed(roleless.get("/admin/").text) == ["last_7_days"]
    arrange(roleless, "hide:visits.count", order=shown)
    assert pressed(roleless.get("/admin/").text) == []


def test_a_shop_without_records_is_told_how_to_begin(owner: Any, signed_in: Any) -> None:
    late = 'hx-get="/admin/home/start"'
    assert late in owner.get("/admin/").text
    part = owner.get("/admin/home/start").text
    first = re.search(r'class="mk-btn mk-btn-p" href="([^"]+)"', part)
    assert first
    assert first[1].startswith("/admin/imports/new")
    assert 'href="/admin/orders/new"' in part
    assert 'href="/admin/users/new"' in part
    assert "Begin here" not in signed_in("viewer").get("/admin/home/start").text, "he can begin nothing"
    make_suppliers({"code": "S-1", "name": "Waha"})
    assert "Begin here" not in owner.get("/admin/home/start").text
    assert late not in owner.get("/admin/").text
