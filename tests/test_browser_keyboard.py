"""Work without a mouse, in a real Chromium: the command bar, and the shortcuts of every pattern."""

from __future__ import annotations

from typing import Any

import pytest

from core.testing import pages
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

LIST = "/admin/suppliers/"


database_kind = on_sqlite()
runtime = suppliers_on()


def selected(page: Any, text: str) -> None:
    """Wait until `text` is the line that Enter would run."""
    page.locator("#palette [aria-selected=true]", has_text=text).wait_for()


def test_a_record_is_opened_by_a_part_of_its_name_and_then_stands_first(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "Waha Linen"}, {"code": "S-2", "name": "Other"})
    page.keyboard.press("Control+k")
    page.keyboard.type("aha lin")
    selected(page, "Waha Linen")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LIST}1")
    page.goto(LIST)
    page.keyboard.press("Control+k")
    selected(page, "Waha Linen")
    assert page.get_attribute("#palette-q", "aria-expanded") == "true"
    found = page.locator("#palette [role=option]").count()
    assert page.locator("#palette-status").inner_text() == f"Results: {found}"


def test_the_bar_moves_by_arrows_and_closes_by_escape(page: Any) -> None:
    make_suppliers(count=2)
    page.keyboard.press("Control+k")
    page.keyboard.type("supplier")
    selected(page, "New supplier")
    page.keyboard.press("ArrowDown")
    selected(page, "Suppliers")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    selected(page, "Supplier 1")
    assert page.get_attribute("#palette-q", "aria-activedescendant") == page.get_attribute("[aria-selected=true]", "id")
    page.keyboard.press("Escape")
    assert page.locator("#palette").is_hidden()


def test_what_can_be_done_on_this_page_is_run_from_the_bar(page: Any) -> None:
    (one,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{one}")
    page.keyboard.press("Control+k")
    page.keyboard.type("add tags")
    selected(page, "Add tags")
    page.keyboard.press("Enter")
    page.locator("dialog [name='argument.tags']").wait_for()


def test_a_view_of_this_page_stands_with_its_sign_and_number_and_nothing_stands_twice(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "Waha Linen", "is_active": True})
    page.goto(LIST)
    page.locator("#n-active", has_text="1").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("active")
    selected(page, "View: Active")
    line = page.locator("#palette [aria-selected=true]")
    assert line.locator(".mk-pal-t").inner_text() == "View: Active"
    assert line.locator(".mk-pal-e").inner_text() == "1"
    assert line.locator("svg").count() == 1
    page.keyboard.press("Control+a")
    page.keyboard.type("new supplier")
    selected(page, "New supplier")
    assert page.locator("#palette [role=option]", has_text="New supplier").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/new")


def test_enter_waits_for_what_the_present_text_finds(page: Any) -> None:
    one, _two = make_suppliers({"code": "S-1", "name": "Waha Linen"}, {"code": "S-2", "name": "Other"})
    page.goto(LIST)
    page.keyboard.press("Control+k")
    page.locator("#palette [aria-selected=true]").wait_for()
    held: list[Any] = []
    page.route("**/palette/?*", lambda route: held.append(route))
    page.keyboard.type("waha")
    page.keyboard.press("Enter")
    assert page.locator("#palette [aria-selected=true]").count() == 0
    while not held or "q=waha" not in held[-1].request.url:
        page.wait_for_timeout(100)
    assert page.locator("#palette").is_visible()
    held[-1].continue_()
    page.wait_for_url(f"**{LIST}{one}")


def test_pages_are_pinned_and_left_from_the_bar(page: Any) -> None:
    page.goto(LIST)
    page.keyboard.press("Control+k")
    page.keyboard.type("pin this")
    selected(page, "Pin this page to the menu")
    page.keyboard.press("Enter")
    page.get_by_text("The page is on top of your menu now.").wait_for()
    assert page.locator("#menu [aria-current=page]").all_inner_texts() == ["Suppliers"]
    page.keyboard.press("Control+k")
    page.keyboard.type("off the menu")
    selected(page, "Take this page off the menu")
    page.keyboard.press("Enter")
    page.get_by_text("The page is off your menu.").wait_for()
    assert page.locator("#menu [href='/admin/suppliers/']").count() == 1
    page.keyboard.press("Control+k")
    page.keyboard.type("sign out")
    selected(page, "Sign out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    page.goto(LIST)
    assert "/sign-in" in page.url


def test_what_one_user_opened_is_forgotten_when_he_signs_out(page: Any) -> None:
    (one,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{one}")
    assert page.evaluate("localStorage.maktab_recent").count(f"{LIST}{one}") == 1
    page.click(".mk-top details summary")
    page.click(".mk-top details button:has-text('Sign out')")
    page.wait_for_url("**/sign-in")
    assert page.evaluate("localStorage.maktab_recent") is None


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def test_a_day_of_work_without_a_mouse(page: Any) -> None:
    make_suppliers(*({"code": f"S-{n}", "name": f"Supplier {n}", "is_active": n != 2} for n in range(1, 6)))
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url(f"**{LIST}")
    page.keyboard.press("f")
    page.locator(".mk-filter-list summary", has_text="Active").wait_for()
    while focused(page).strip() != "Active":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    while focused(page).strip() != "Apply":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?is_active=*")
    page.goto(LIST)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == "S-5"
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    page.get_by_text("3 of 5 selected").wait_for()
    assert focused(page) == "S-3"
    page.keyboard.press("t")
    page.locator("dialog [name='argument.tags']:focus").wait_for()
    page.keyboard.type("vip")
    page.keyboard.press("Enter")
    page.get_by_text("3 records changed.").wait_for()
    page.locator("tbody tr:nth-child(3) a:focus").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Supplier 2").wait_for()
    page.keyboard.press("n")
    page.keyboard.type("Called. The j and t of this note are letters.")
    page.keyboard.press("Control+Enter")
    page.locator(".mk-note", has_text="letters").wait_for()
    page.keyboard.press("e")
    page.locator("form[data-form]").wait_for()
    page.fill("[name=name]", "Renamed")
    page.keyboard.press("Control+s")
    page.get_by_role("heading", name="Renamed").wait_for()


def test_all_that_match_are_selected_and_escape_selects_none(page: Any) -> None:
    make_suppliers(count=30)
    page.goto(LIST + "?limit=25")
    page.keyboard.press("Control+a")
    page.get_by_text("All 30 selected").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("[data-bulk]").is_hidden()
    page.keyboard.press("]")
    page.wait_for_url("**cursor=*")
    page.keyboard.press("[")
    page.locator("a.mk-key", has_text="S-0030").wait_for()


def test_letters_are_those_that_stand_on_the_keys_of_an_arabic_layout(page: Any) -> None:
    make_suppliers(count=2)
    page.goto(LIST)
    for key, code in (("ت", "KeyJ"), ("ت", "KeyJ"), ("ء", "KeyX")):
        page.evaluate(
            "([key, code]) => document.activeElement.dispatchEvent("
            "new KeyboardEvent('keydown', {key, code, bubbles: true, cancelable: true}))",
            [key, code],
        )
    assert focused(page) == "S-0001"
    page.get_by_text("1 of 2 selected").wait_for()
    pressed = "{key: '؟', code: 'Slash', shiftKey: true, bubbles: true}"
    page.evaluate(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {pressed}))")
    page.get_by_role("dialog").get_by_text("Next row").wait_for()


def test_the_list_of_shortcuts_is_that_of_the_page(page: Any) -> None:
    (one,) = make_suppliers(count=1)
    page.goto(LIST)
    page.keyboard.press("?")
    shown = page.get_by_role("dialog")
    shown.get_by_text("Select the row").wait_for()
    assert shown.get_by_text("Write a note").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == "Close"
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    page.goto(f"{LIST}{one}")
    page.keyboard.press("?")
    shown.get_by_text("Write a note").wait_for()
    assert shown.get_by_text("Select the row").is_hidden()
    assert pages.seen(page) == []


def test_keys_of_the_users_own_and_none_at_all(page: Any) -> None:
    make_suppliers(count=2)
    page.goto("/admin/shortcuts/")
    page.fill("[name=next_row]", "Shift+n")
    page.keyboard.press("Control+s")
    page.get_by_text("Saved.").wait_for()
    page.goto(LIST)
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Shift+N")
    assert focused(page) == "S-0002"
    page.goto("/admin/shortcuts/")
    page.uncheck("[name=single_keys]")
    page.keyboard.press("Control+s")
    page.get_by_text("Saved.").wait_for()
    page.goto(LIST)
    page.keyboard.press("Shift+N")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Control+k")
    page.locator("#palette[open]").wait_for()


@pytest.mark.parametrize("look", pages.LOOKS, ids=lambda look: "-".join(map(str, look)))
def test_the_open_bar_can_be_used_by_all(page: Any, app: Any, owner: Any, look: pages.Look) -> None:
    make_suppliers(count=8)
    pages.sweep(page, app, owner, look, only="/admin/shortcuts/")
    page.goto(LIST)
    page.keyboard.press("Control+k")
    page.keyboard.type("suppl")
    page.locator("#palette [aria-selected=true]").wait_for()
    page.wait_for_load_state("networkidle")
    assert pages.seen(page) == []


def test_the_focus_stays_where_a_list_was_used(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "Waha Linen"}, {"code": "S-2", "name": "Other"})
    page.goto(LIST)
    page.keyboard.press("/")
    page.keyboard.type("waha")
    page.wait_for_url("**q=waha**")
    page.locator("tr", has_text="Other").wait_for(state="detached")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "mk-key"
    assert page.input_value("[data-find]") == "waha", "Esc leaves the field and what was typed"
    page.locator("a[id^=sort-]").first.press("Enter")
    page.wait_for_url("**sort=**")
    page.locator("a[id^=sort-]:focus").wait_for()
    page.locator(".mk-chip > a").press("Enter")
    page.wait_for_url(lambda url: "q=waha" not in url)
    page.locator(".mk-chip-add > summary:focus").wait_for()


def test_arrows_move_in_an_open_menu_and_it_closes_when_the_focus_leaves_it(page: Any) -> None:
    page.goto("/admin/jobs/")
    menu = page.locator(".mk-top details[data-popup]")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    entries = menu.locator("button:visible, a:visible")
    count = entries.count()
    focused = [entry.evaluate_handle("one => one") for entry in entries.all()]
    for key, at in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", count - 1), ("ArrowDown", 0)):
        page.keyboard.press(key)
        assert focused[at].evaluate("one => one === document.activeElement"), (key, at)
    for _entry in range(count):
        assert menu.get_attribute("open") is not None
        page.keyboard.press("Tab")
    assert menu.get_attribute("open") is None
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.localName") == "summary"


def test_a_question_about_a_record_that_is_gone_leaves_the_page_where_it_is(page: Any, runtime: Any) -> None:
    (one,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{one}")
    runtime.resource("suppliers.supplier").model.delete_by_id(one)
    page.evaluate("window.sameDocument = true")
    page.locator("a[href$='/delete']").first.dispatch_event("click")
    page.locator("#toasts .mk-bad").wait_for()
    assert page.evaluate("window.sameDocument")


def test_after_a_note_was_posted_by_mouse_the_focus_is_on_its_button(page: Any) -> None:
    (one,) = make_suppliers({"code": "S-1", "name": "Waha"})
    page.goto(f"{LIST}{one}")
    page.get_by_label("Note for the team").fill("Call them")
    page.get_by_role("button", name="Post").click()
    page.locator(".mk-note", has_text="Call them").wait_for()
    page.wait_for_function("document.activeElement.textContent.trim() === 'Post'")
