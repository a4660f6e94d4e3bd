"""A list in a real Chromium: its heads stay in sight, and a table that is too wide scrolls within its box."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from core.testing import pages
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

database_kind = on_sqlite()
runtime = suppliers_on()


def test_the_heads_of_a_list_stay_below_the_top_bar(page: Any) -> None:
    make_suppliers(count=50)
    page.goto("/admin/suppliers/?limit=50")
    head = page.locator("thead th").nth(1)
    page.mouse.wheel(0, 1200)
    page.wait_for_function("scrollY > 800")
    foot_of_bar = page.locator(".mk-top").evaluate("bar => bar.getBoundingClientRect().bottom")
    page.wait_for_function(
        "([head, y]) => head.getBoundingClientRect().y === y", arg=[head.element_handle(), foot_of_bar]
    )


def test_back_from_a_record_the_list_stands_where_it_was(page: Any) -> None:
    make_suppliers(count=50)
    page.goto("/admin/suppliers/?limit=50")
    page.wait_for_load_state("networkidle")
    page.mouse.wheel(0, 1200)
    page.wait_for_function("scrollY > 800")
    page.locator("a.mk-key").nth(30).click()
    page.locator(".mk-crumb").wait_for()
    page.go_back()
    page.locator(".mk-views [aria-current]").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.evaluate("scrollY") > 500


def test_a_table_that_is_too_wide_does_not_widen_the_page(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "Waha"})
    page.set_viewport_size({"width": 900, "height": 700})
    page.goto("/admin/suppliers/")
    page.locator(".mk-tw.mk-fits").wait_for()
    page.locator("td bdi").first.evaluate(
        "text => { text.textContent = 'W'.repeat(200); dispatchEvent(new Event('resize')); }"
    )
    page.locator(".mk-tw:not(.mk-fits)").wait_for()
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


REST = re.compile(r"/audit/\?.*cursor=")


@pytest.fixture
def endless(page: Any) -> Any:
    """The audit log, longer than its first page, whose other pages do not come."""
    make_suppliers(count=60)
    page.add_init_script("console.error = console.info")  # htmx notes each request that failed
    page.route(REST, lambda route: route.abort())
    page.goto("/admin/audit/?limit=25")
    page.locator(".mk-more").scroll_into_view_if_needed()
    return page


def test_an_endless_list_says_that_it_does_not_go_on_and_tries_again(endless: Any) -> None:
    row = endless.locator(".mk-more")
    row.get_by_text("No connection to Maktab.").wait_for()
    expect(row.get_by_text("Loading")).to_be_hidden()
    assert pages.seen(endless) == []
    said = "<p data-said>The database takes no changes now</p>"
    endless.route(REST, lambda route: route.fulfill(status=503, body=said))
    row.get_by_role("button", name="Try again").click()
    row.get_by_text("The database takes no changes now.").wait_for()
    assert endless.locator("#toasts > *").count() == 0
    endless.unroute(REST)
    row.get_by_role("button", name="Try again").click()
    expect(endless.locator("tbody .mk-key")).not_to_have_count(25)


def test_an_endless_list_goes_on_by_itself_when_the_network_is_back(endless: Any) -> None:
    endless.locator(".mk-more").get_by_text("No connection to Maktab.").wait_for()
    endless.context.set_offline(True)
    endless.unroute(REST)
    endless.context.set_offline(False)
    expect(endless.locator("tbody .mk-key")).not_to_have_count(25)
    expect(endless.locator("#offline")).to_be_hidden()
    ids = endless.locator("tbody tr:not(.mk-more) a.mk-key").evaluate_all("all => all.map((one) => one.href)")
    assert len(ids) == len(set(ids)), "it asked once"


def _styled(page: Any, change: str) -> int:
    """How many elements the browser has to give a style, at most at once, after the script `change`."""
    events: list[dict[str, Any]] = []
    ended: list[Any] = []
    session = page.context.browser.new_browser_cdp_session()
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda end: ended.append(end))
    session.send("Tracing.start", {"traceConfig": {"includedCategories": ["devtools.timeline"]}})
    page.evaluate(f"{change}; document.body.offsetHeight")
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    session.detach()
    counts = [event["args"].get("elementCount", 0) for event in events if event["name"] == "UpdateLayoutTree"]
    return int(max(counts))


def test_a_late_number_is_drawn_without_the_rest_of_the_page(page: Any) -> None:
    make_suppliers(count=50)
    page.goto("/admin/suppliers/?limit=50")
    page.wait_for_load_state("networkidle")
    assert page.locator("#list *").count() > 400
    number = "const late = document.getElementById('count'); late.replaceWith(late.cloneNode(true))"
    assert 0 < _styled(page, number) < 40
    assert _styled(page, "document.querySelector('[name=ids]').click()") < 100


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_a_record_says_where_it_stands_in_the_list(page: Any, width: int) -> None:
    make_suppliers(count=60)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/admin/suppliers/?sort=code&q=Supplier")
    page.locator("a.mk-key").first.click()
    page.get_by_text("1 of 60").wait_for()
    page.click("[data-next]")
    page.get_by_text("2 of 60").wait_for()
    assert pages.seen(page) == []
