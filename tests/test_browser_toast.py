"""Messages that pass float for ten seconds with their Undo; what went wrong stays, and so do all without a script."""

from __future__ import annotations

from typing import Any

import pytest

from core.auth import User
from core.testing import pages
from tests.conftest import PASSWORD
from tests.helpers import make_suppliers, on_sqlite, suppliers_on
from tests.test_browser import sign_in

LIST = "/admin/suppliers/"


database_kind = on_sqlite()
runtime = suppliers_on()


def tag_the_first(page: Any) -> Any:
    """One record is tagged, at once; the toast that says so."""
    page.goto(LIST)
    page.locator("[name=ids]").first.check()
    page.click("[data-bulk] >> text=Add tags")
    page.fill("dialog [name='argument.tags']", "vip")
    page.keyboard.press("Enter")
    toast = page.locator("#toasts .mk-alert", has_text="1 record changed.")
    toast.wait_for()
    page.mouse.move(5, 5)
    return toast


def test_a_message_with_undo_passes_after_ten_seconds(page: Any) -> None:
    make_suppliers(count=2)
    page.clock.install()
    toast = tag_the_first(page)
    page.clock.run_for(5_000)  # the clock goes on beside, too
    assert toast.is_visible()
    page.clock.run_for(5_500)
    assert toast.count() == 0


def test_it_waits_while_it_is_looked_at(page: Any) -> None:
    make_suppliers(count=2)
    page.clock.install()
    toast = tag_the_first(page)
    toast.hover()
    page.clock.run_for(30_000)
    assert toast.is_visible()
    page.mouse.move(5, 5)
    toast.get_by_role("button", name="Undo").focus()
    page.clock.run_for(30_000)
    assert toast.is_visible()
    page.evaluate("document.activeElement.blur(); Object.defineProperty(document, 'hidden', {value: true})")
    page.clock.run_for(30_000)
    assert toast.is_visible()


def test_it_is_taken_back_by_a_key_that_the_list_of_shortcuts_names(page: Any) -> None:
    make_suppliers(count=2)
    tag_the_first(page)
    page.keyboard.press("?")
    page.locator("dialog .mk-keys-l").get_by_text("Undo what the message says").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    page.locator("#toasts").get_by_text("Undone for 1 record.").wait_for()
    assert page.get_by_role("button", name="Undo").count() == 0


def test_escape_closes_it_before_it_clears_the_selection(page: Any) -> None:
    make_suppliers(count=2)
    toast = tag_the_first(page)
    page.locator("[name=ids]").first.check()
    toast.get_by_role("button", name="Close this message").focus()
    page.keyboard.press("Escape")
    assert toast.count() == 0
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.locator("[name=ids]").first.is_checked()
    page.keyboard.press("Escape")
    assert not page.locator("[name=ids]").first.is_checked()


def test_without_a_script_it_stands_in_the_page(browser: Any, address: str, owner: User) -> None:
    make_suppliers(count=2)
    page = browser.new_context(base_url=address, java_script_enabled=False).new_page()
    page.goto("/admin/sign-in")
    page.fill("[name=username]", owner.username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.goto(LIST)
    page.locator("[name=ids]").first.check()
    page.click("[data-bulk] >> text=Add tags")
    page.fill("[name='argument.tags']", "vip")
    page.click(".mk-confirm .mk-btn-p")
    message = page.locator("main .mk-flash", has_text="1 record changed.")
    assert message.get_by_role("button", name="Close this message").is_hidden()
    message.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone for 1 record.").wait_for()


def test_what_failed_stays_until_it_is_closed_and_is_said_once(browser: Any, address: str, make_user: Any) -> None:
    make_suppliers(count=2)
    page = sign_in(browser, address, make_user("owner"))
    page.clock.install()
    page.goto(LIST)
    page.route("**/admin/suppliers/?*sort=*", lambda route: route.fulfill(status=500, body=""))
    for _time in range(2):
        page.click("th >> text=Code")
        page.locator("#toasts .mk-bad").wait_for()
        page.wait_for_load_state("networkidle")
    page.clock.run_for(60_000)
    assert page.locator("#toasts .mk-bad").count() == 1
    page.locator("#toasts").get_by_role("button", name="Close this message").click()
    assert page.locator("#toasts .mk-alert").count() == 0


@pytest.mark.parametrize("look", pages.LOOKS)
def test_it_can_be_used_by_all_and_hides_no_bar(page: Any, owner: User, look: pages.Look) -> None:
    make_suppliers(count=2)
    toast = tag_the_first(page)
    User.update(locale=look.locale).where(User.id == owner.id).execute()
    page.context.add_cookies([{"name": "maktab_theme", "value": look.theme, "url": page.evaluate("location.origin")}])
    page.set_viewport_size({"width": look.width, "height": 800})
    toast.locator("form").evaluate("form => form.requestSubmit()")  # the next message is in the new language
    toast = page.locator("#toasts .mk-alert")
    toast.wait_for()
    page.locator("[name=ids]").first.check()
    bar = page.locator("[data-bulk]").bounding_box()
    box = toast.bounding_box()
    assert box["y"] + box["height"] <= bar["y"] or bar["y"] + bar["height"] <= box["y"]
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= look.width
    assert pages.seen(page) == []
