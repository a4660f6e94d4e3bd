"""A list in a real Chromium: its heads stay in sight, and a table that is too wide scrolls within its box."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import make_suppliers, suppliers_on


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


runtime = suppliers_on()


def test_the_heads_of_a_list_stay_below_the_top_bar(page: Any) -> None:
    make_suppliers(count=50)
    page.goto("/admin/suppliers/?limit=50")
    head = page.locator("thead th").nth(1)
    page.mouse.wheel(0, 1200)
    page.wait_for_function("scrollY > 800")
    bar = page.locator(".mk-top").bounding_box()
    assert head.bounding_box()["y"] == bar["y"] + bar["height"]


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
