"""Home in a real Chromium: cards that come by themselves, moved by mouse and by keyboard, one that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from core import access, boot, plugins
from core import runtime as runtime_room
from core.context import system_context
from core.testing import pages
from core.wsgi import Switch
from tests.helpers import install_suppliers, make_suppliers, on_sqlite
from tests.plugin_kit import unload

database_kind = on_sqlite()


@pytest.fixture
def runtime(app_db: Any, settings: Any) -> Iterator[Any]:
    boot.migrate_all(settings)
    built = install_suppliers(settings, "visits")
    with runtime_room.bound(built):
        access.ensure_default_roles(system_context("cli"))
        yield built
    unload("visits")


OURS = {"Suppliers", "Next visits", "Running now", "Jobs with errors"}


def order(page: Any) -> list[str]:
    """The titles of the cards of core and of `visits` as they stand; other plugins' are before them."""
    return [title for title in page.locator(".mk-home h2").all_inner_texts() if title in OURS]


def settled(page: Any, act: Any) -> None:
    """`act`, and the answer to what it sends."""
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        act()
    assert sent.value.status == 204


def test_cards_fetch_their_content_and_a_moved_one_stays(page: Any) -> None:
    make_suppliers(count=3)
    page.goto("/admin/")
    page.get_by_text("Supplier 3").wait_for()
    assert page.locator("#w-visits-count .mk-figure").inner_text() == "3"
    assert order(page) == ["Suppliers", "Next visits", "Running now", "Jobs with errors"]
    page.click(".mk-head >> text=Customize")
    source, target = page.locator("[id='visits.count']"), page.locator("[id='core.running']")
    settled(page, lambda: source.locator("h2").drag_to(target))
    moved = order(page)
    assert moved == ["Next visits", "Running now", "Suppliers", "Jobs with errors"]
    page.reload()
    assert order(page) == moved
    page.click(".mk-head >> text=Close")
    page.wait_for_url("**/admin/")
    assert order(page) == moved


def test_cards_are_arranged_by_keyboard_alone(page: Any) -> None:
    page.goto("/admin/home/")
    page.focus("#later-visits-count")
    settled(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("document.activeElement.id") == "later-visits-count"
    assert re.match(r"Suppliers: place \d+ of \d+", page.locator("[data-said]").inner_text())
    page.focus("#size-visits-count")
    settled(page, lambda: page.keyboard.press("End"))
    page.focus("#hide-core-running")
    page.keyboard.press("Enter")
    page.get_by_text("Not shown").wait_for()
    page.goto("/admin/")
    assert order(page) == ["Next visits", "Suppliers", "Jobs with errors"]
    assert "mk-w-whole" in str(page.get_attribute("#w-visits-count", "class"))
    page.goto("/admin/home/")
    page.focus("#show-core-running")
    page.keyboard.press("Enter")
    expect(page.locator("#hide-core-running")).to_be_focused()
    assert order(page) == ["Next visits", "Suppliers", "Running now", "Jobs with errors"]


def test_without_scripts_the_same_buttons_ask_the_server(page: Any, browser: Any, address: str) -> None:
    plain = browser.new_page(base_url=address, java_script_enabled=False, storage_state=page.context.storage_state())
    plain.goto("/admin/home/")
    plain.click("#later-visits-count")
    assert order(plain)[:2] == ["Next visits", "Suppliers"]
    plain.goto("/admin/")
    plain.goto(plain.get_attribute("#w-visits-count a", "href") or "")
    assert plain.locator(".mk-figure").inner_text() == "0"
    plain.close()


def test_a_card_that_does_not_come_says_so_and_is_tried_again(page: Any) -> None:
    make_suppliers(count=1)
    page.add_init_script("console.error = console.info")  # htmx notes each request that failed
    page.route("**/widgets/visits.next?*", lambda route: route.abort())
    page.goto("/admin/")
    card = page.locator("#w-visits-next")
    card.scroll_into_view_if_needed()
    card.get_by_role("button", name="Try again").wait_for()
    assert page.locator("#w-visits-count .mk-figure").inner_text() == "1"
    assert page.locator("#toasts > *").count() == 0
    page.unroute("**/widgets/visits.next?*")
    card.get_by_role("button", name="Try again").click()
    card.get_by_text("Supplier 1").wait_for()


def test_a_plugin_that_is_turned_off_takes_only_its_cards_along(page: Any, switch: Switch) -> None:
    page.goto("/admin/home/")
    settled(page, lambda: page.click("#later-visits-count"))
    mine = order(page)
    plugins.disable(system_context("cli"), "visits")
    switch.look()
    page.goto("/admin/")
    assert order(page) == [title for title in mine if title not in ("Suppliers", "Next visits")]
    plugins.enable(system_context("cli"), "visits")
    switch.look()
    page.goto("/admin/")
    assert order(page) == mine


def test_without_a_network_nothing_typed_is_lost_and_the_request_is_sent_again(page: Any) -> None:
    make_suppliers(count=2)
    page.add_init_script("console.error = console.info")  # htmx notes each request that failed
    page.goto("/admin/suppliers/new")
    page.fill("[name=code]", "S-9")
    page.fill("[name=name]", "Nine")
    page.context.set_offline(True)
    page.locator("button:has-text('Save')").first.click()
    page.get_by_text("No connection to Maktab").wait_for()
    assert page.input_value("[name=code]") == "S-9"
    page.context.set_offline(False)
    page.locator("#offline").wait_for(state="hidden")
    page.locator("button:has-text('Save')").first.click()
    page.get_by_text("Created.").wait_for()
    page.goto("/admin/suppliers/")
    asked = re.compile(r"/suppliers/\?q=")
    page.route(asked, lambda route: route.abort())
    page.fill("#f-q", "Nine")
    page.get_by_text("No connection to Maktab").wait_for()
    page.unroute(asked)
    page.click("#offline [data-again]")
    page.wait_for_url(re.compile(r"q=Nine"))
    assert page.locator("a.mk-key").all_inner_texts() == ["S-9"]


def test_a_refused_request_says_why(page: Any) -> None:
    make_suppliers(count=1)
    page.add_init_script("console.error = console.info")
    page.goto("/admin/suppliers/")
    page.evaluate("htmx.ajax('GET', '/admin/suppliers/999', {target: '#list'})")
    page.get_by_text("There is nothing here. There is no Supplier with the number 999.").wait_for()


SHIFTS = """new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((one) => (sum += one.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 300);
})"""
HEIGHTS = "[...document.querySelectorAll('.mk-w')].map((card) => card.getBoundingClientRect().height)"


@pytest.mark.parametrize("width", [1280, 360])
def test_cards_have_their_height_before_their_content_comes(page: Any, width: int) -> None:
    make_suppliers(count=5)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/admin/")
    page.get_by_text("Supplier 5").wait_for()
    page.wait_for_load_state("networkidle")
    while not page.evaluate("localStorage.getItem('maktab.cards')"):
        page.wait_for_timeout(50)
    held: list[Any] = []
    page.route("**/home/widgets/**", lambda route: held.append(route))
    page.goto("/admin/")
    page.locator("#w-visits-next .mk-skeleton").wait_for()
    before = page.evaluate(HEIGHTS)
    for one in held:
        one.continue_()
    page.get_by_text("Supplier 5").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.evaluate(HEIGHTS) == pytest.approx(before, abs=1)
    assert page.evaluate(SHIFTS) < 0.001


def test_bars_stand_still_for_who_wants_less_motion(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.evaluate("localStorage.setItem('maktab.cards', 'not what we keep')")
    page.route("**/home/widgets/**", lambda route: None)
    page.goto("/admin/")
    bar = page.locator("#w-visits-next .mk-skeleton i").first
    bar.wait_for(state="attached")
    assert bar.evaluate("bar => getComputedStyle(bar).animationName") == "none"


def test_another_period_comes_without_a_new_page_and_stays(page: Any) -> None:
    make_suppliers(count=2)
    page.goto("/admin/")
    page.evaluate("window.isSame = true")
    page.get_by_role("button", name="This month").click()
    page.wait_for_url("**/admin/?period=this_month")
    page.locator("#w-visits-count .mk-figure").wait_for()
    assert page.evaluate("window.isSame")
    assert page.get_attribute("#period-this_month", "aria-pressed") == "true"
    page.goto("/admin/")
    assert page.get_attribute("#period-this_month", "aria-pressed") == "true"


@pytest.fixture
def waiting(runtime: Any) -> None:
    """Made before the first page, whose numbers are kept for ten seconds."""
    make_suppliers(*({"code": f"S-{n}", "name": f"S {n}", "is_active": False} for n in range(2)))


@pytest.mark.usefixtures("waiting")
def test_what_waits_stands_in_the_menu_and_at_the_foot_of_a_phone(request: Any) -> None:
    page = request.getfixturevalue("page")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto("/admin/profile/")
    page.locator(".mk-foot").get_by_role("link", name="Suppliers 2 not active").wait_for()
    assert page.locator("[data-waits='suppliers_supplier.index_view'] .mk-nav-n").count() == 2
    assert pages.seen(page) == []
