"""What is ticked in a list lasts over its pages, its order and a look at a record; another filter gives it up."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from core.jobs.worker import Worker
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

LIST = "/admin/suppliers/"


database_kind = on_sqlite()
runtime = suppliers_on()


@pytest.fixture
def listed(page: Any) -> Any:
    make_suppliers(count=60)
    page.goto(LIST + "?limit=25")
    return page


def said(page: Any, text: str) -> None:
    expect(page.locator("[data-selected]")).to_have_text(text)


def tick(page: Any, *places: int) -> None:
    for place in places:
        page.locator("[name=ids]").nth(place).click()


def turn(page: Any, rel: str = "next") -> None:
    before = page.locator("a.mk-key").first.inner_text()
    page.click(f"a[rel={rel}]")
    expect(page.locator("a.mk-key").first).not_to_have_text(before)


def ticked(page: Any) -> int:
    return int(page.locator("[name=ids]:checked").count())


def test_ticked_rows_of_several_pages_are_tagged_together(listed: Any, runtime: Any) -> None:
    tick(listed, 0, 1)
    turn(listed)
    said(listed, "2 of 60 selected")
    tick(listed, 3)
    turn(listed, "prev")
    said(listed, "3 of 60 selected")
    expect(listed.locator("[name=ids]:checked")).to_have_count(2)
    listed.click("[data-bulk] >> text=Add tags")
    listed.fill("dialog [name='argument.tags']", "vip")
    listed.click("dialog button[type=submit]")
    listed.get_by_text("3 records changed.").wait_for()
    assert not listed.locator(".mk-bulk").is_visible()  # done: they are not ticked again


def test_all_that_match_keeps_what_was_left_out_on_every_page(listed: Any, runtime: Any) -> None:
    listed.check("[data-all]")
    listed.check("[name=everything]")
    tick(listed, 0)
    turn(listed)
    expect(listed.locator("[name=ids]:checked")).to_have_count(25)
    tick(listed, 4, 5)
    said(listed, "57 of 60 selected")
    listed.click("[data-bulk] >> text=Add tags")
    listed.fill("dialog [name='argument.tags']", "vip")
    listed.click("dialog button[type=submit]")
    listed.wait_for_url(re.compile(r"/admin/jobs/\d+$"))
    Worker(runtime.settings).drain()
    listed.get_by_text("57 of 57").wait_for()


def test_it_lasts_over_another_order_a_record_and_a_closed_question(listed: Any) -> None:
    tick(listed, 0, 1, 2)
    listed.click("th a:has-text('Name')")
    listed.wait_for_url("**sort=**")
    said(listed, "3 of 60 selected")
    listed.click("[data-bulk] >> text=Add tags")
    listed.fill("dialog [name='argument.tags']", "a" * 200)
    listed.click("dialog button[type=submit]")
    listed.locator("dialog [aria-invalid]").wait_for()
    listed.keyboard.press("Escape")
    listed.locator("a.mk-key").first.click()
    listed.wait_for_url(re.compile(r"/suppliers/\d+"))
    listed.go_back()
    said(listed, "3 of 60 selected")
    listed.get_by_role("button", name="Clear", exact=True).click()
    listed.reload()
    listed.locator("a.mk-key").first.wait_for()
    assert ticked(listed) == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_another_filter_gives_it_up_and_says_so(listed: Any, width: int) -> None:
    listed.set_viewport_size({"width": width, "height": 780})
    tick(listed, 0, 1)
    listed.goto(LIST + "?limit=25&is_active=false")
    word = listed.locator("#toasts").get_by_text("The selection of 2 was given up")
    word.wait_for()
    assert listed.evaluate("document.documentElement.scrollWidth <= innerWidth")
    listed.goto(LIST)
    listed.locator("a.mk-key").first.wait_for()
    assert ticked(listed) == 0
    assert not word.is_visible()
