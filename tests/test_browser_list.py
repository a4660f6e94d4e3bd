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
    foot_of_bar = page.locator(".mk-top").evaluate("bar => bar.getBoundingClientRect().bottom")
    page.wait_for_function(
        "([head, y]) => head.getBoundingClientRect().y === y", arg=[head.element_handle(), foot_of_bar]
    )


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
