"""A session that ends while somebody works, in a real Chromium: what was typed, ticked and opened stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import auth
from core.auth.models import Session
from core.testing import PASSWORD, csrf_of, pages
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

LIST = "/admin/suppliers/"


database_kind = on_sqlite()
runtime = suppliers_on()


@pytest.fixture
def one() -> int:
    return make_suppliers({"code": "S-1", "name": "Waha"}, {"code": "S-2", "name": "Other"})[0]


@pytest.fixture
def end(owner: auth.User) -> Callable[[], object]:
    """What another browser, an administrator or the clock does."""
    return lambda: Session.end([owner.id])


def sign_in(page: Any, name: str, password: str = PASSWORD) -> Any:
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("User name").fill(name)
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in").click()
    return dialog


def test_a_note_survives_the_end_of_its_session(page: Any, owner: Any, one: int, end: Any) -> None:
    page.goto(f"{LIST}{one}")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Note for the team").fill("Call them on Monday")
    end()
    page.keyboard.press("Control+Enter")
    sign_in(page, owner.username, "wrong").get_by_text("The name or the password is wrong").wait_for()
    assert pages.seen(page) == []
    sign_in(page, owner.username)
    page.locator(".mk-note", has_text="Call them on Monday").wait_for()
    assert page.locator(".mk-note").count() == 1


def test_a_form_survives_it_too_when_somebody_cancels_first(page: Any, owner: Any, one: int, end: Any) -> None:
    page.goto(f"{LIST}{one}/edit")
    page.fill("[name=name]", "Waha Linen")
    end()
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.locator(".mk-again").wait_for(state="detached")
    assert page.input_value("[name=name]") == "Waha Linen"
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.press("Control+s")
    sign_in(page, owner.username)
    page.get_by_role("heading", name="Waha Linen", level=1).wait_for()


def test_a_list_goes_on_where_it_was(page: Any, owner: Any, one: int, end: Any) -> None:
    page.goto(LIST)
    page.wait_for_load_state("networkidle")
    page.locator("tbody [type=checkbox]").first.check()
    end()
    page.keyboard.press("t")
    sign_in(page, owner.username)
    page.get_by_role("dialog", name="Add tags").wait_for()
    page.keyboard.press("Escape")
    end()
    page.locator("[data-find]").fill("Oth")
    sign_in(page, owner.username)
    page.get_by_role("link", name="S-2").wait_for()
    page.get_by_role("link", name="S-1").wait_for(state="detached")


def test_who_signed_in_anew_elsewhere_notices_nothing(page: Any, owner: Any, one: int, end: Any) -> None:
    page.goto(f"{LIST}{one}/edit")
    page.fill("[name=name]", "Waha Linen")
    end()
    other, address = page.context.request, page.url.partition("/admin")[0] + "/admin/sign-in"  # with the same cookies
    asked = other.get(address).text()
    assert "You have been signed out. Sign in again to go on." in asked
    other.post(address, form={"csrf_token": csrf_of(asked), "username": owner.username, "password": PASSWORD})
    page.keyboard.press("Control+s")
    page.get_by_role("heading", name="Waha Linen", level=1).wait_for()


def test_the_page_of_somebody_else_comes_anew(page: Any, one: int, end: Any, make_user: Any) -> None:
    other = make_user("viewer")
    page.goto(f"{LIST}{one}")
    page.wait_for_load_state("networkidle")
    end()
    page.keyboard.press("Control+k")
    sign_in(page, other.username)
    page.locator(f"body[data-user='{other.id}']").wait_for()
    assert page.url.endswith(f"{LIST}{one}")


def test_a_server_that_is_gone_takes_nothing_with_it(page: Any, one: int) -> None:
    page.goto(f"{LIST}{one}")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Note for the team").fill("Call them on Monday")
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.keyboard.press("Control+Enter")
    page.get_by_text("No connection to Maktab.").wait_for()
    page.unroute("**/*")
    page.get_by_label("Note for the team").press("Control+Enter")
    page.locator(".mk-note", has_text="Call them on Monday").wait_for()


def test_a_dialog_without_a_server_keeps_the_page(page: Any, one: int) -> None:
    page.goto(LIST)
    page.wait_for_load_state("networkidle")
    page.locator("tbody [type=checkbox]").first.check()
    # One route for both: between two of them a request may pass.
    answers = iter(
        (lambda route: route.abort("connectionrefused"), lambda route: route.fulfill(status=502, body="Bad gateway"))
    )
    page.route("**/actions/**", lambda route: next(answers)(route))
    page.keyboard.press("t")
    page.get_by_text("No connection to Maktab.").wait_for()
    page.keyboard.press("t")
    page.get_by_text("The server did not answer.").wait_for()
    assert page.locator("tbody [type=checkbox]").first.is_checked()


def test_what_was_asked_without_a_network_is_asked_when_it_is_back(page: Any, one: int) -> None:
    page.goto(LIST)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.locator("[data-find]").fill("Oth")
    page.get_by_text("No connection to Maktab.").wait_for()
    page.context.set_offline(False)
    page.get_by_role("link", name="S-1").wait_for(state="detached")
    assert page.url.endswith("?q=Oth")
    assert page.evaluate("document.activeElement.id") == "f-q"


@pytest.mark.parametrize(("locale", "title"), [("en", "No connection to Maktab"), ("ar", "لا اتصال بمكتب")])
def test_who_opens_a_page_without_a_network_reads_why(
    browser: Any, address: str, owner: Any, locale: str, title: str
) -> None:
    auth.User.update(locale=locale).execute()
    window = browser.new_context(base_url=address)
    form = {"username": owner.username, "password": PASSWORD}
    form["csrf_token"] = csrf_of(window.request.get("/admin/sign-in").text())
    window.request.post("/admin/sign-in", form=form, headers={"Referer": f"{address}/admin/sign-in"})
    opened = window.new_page()
    opened.goto("/admin/")
    opened.evaluate("navigator.serviceWorker.ready.then(() => true)")
    window.set_offline(True)
    opened.goto(f"{LIST}?q=Waha")
    opened.get_by_role("heading", name=title).wait_for()
    assert pages.seen(opened) == []
    window.set_offline(False)
    opened.get_by_role("main").get_by_role("link").first.click()
    opened.wait_for_url(f"**{LIST}?q=Waha")
    opened.locator("#list").wait_for()
    window.close()


def test_the_focus_stays_where_it_was(page: Any, one: int) -> None:
    page.goto(f"{LIST}{one}")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Note for the team").fill("Call them")
    page.keyboard.press("Control+Enter")
    page.locator(".mk-note", has_text="Call them").wait_for()
    page.locator("button:focus", has_text="Post").wait_for()
    page.goto(LIST)
    page.wait_for_load_state("networkidle")
    for key in ("j", "j", "x", "t"):
        page.keyboard.press(key)
    page.get_by_role("dialog").get_by_role("textbox").fill("silk")
    page.keyboard.press("Enter")
    page.get_by_text("1 record changed.").wait_for()
    page.locator("tbody tr:nth-child(2) a:focus").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Waha").wait_for()
    page.keyboard.press("e")
    page.wait_for_url("**/edit*")
    page.locator(":focus[name=code]").wait_for()
