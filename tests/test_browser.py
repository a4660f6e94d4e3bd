"""A real Chromium works through the admin; any message of the content security policy fails the test."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core import jobs
from core.jobs.worker import Worker
from tests.conftest import PASSWORD
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

LIST = "/admin/suppliers/"


database_kind = on_sqlite()
runtime = suppliers_on()


def work_off(runtime: Any) -> None:
    Worker(runtime.settings).drain()


def test_filter_by_htmx_keeps_the_address_and_the_back_button(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One", "is_active": False}, {"code": "S-2", "name": "Two"})
    page.goto(LIST)
    page.click(".mk-chip-add > summary")
    page.click(".mk-filter-list summary:has-text('Active')")
    page.check("details[name=filter][open] >> text=No")
    page.click("details[name=filter][open] button:has-text('Apply')")
    page.wait_for_url("**/?is_active=false")
    assert page.locator("a.mk-key").all_inner_texts() == ["S-1"]
    page.go_back()
    page.locator("a.mk-key").nth(1).wait_for()


def test_search_as_you_type(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "Waha Linen"}, {"code": "S-2", "name": "Other"})
    page.goto(LIST)
    page.keyboard.press("/")
    page.keyboard.type("line")
    page.wait_for_url("**/?q=line")
    assert page.locator("a.mk-key").all_inner_texts() == ["S-1"]
    page.wait_for_selector("#f-q:focus")


def test_of_two_presses_on_a_list_the_last_one_is_shown(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One", "is_active": False}, {"code": "S-2", "name": "Two"})
    page.goto(LIST)
    held: list[Any] = []
    page.route("**/suppliers/?view=active", lambda route: held.append(route))
    page.click("#view-active")
    page.wait_for_timeout(200)
    page.click("th a:has-text('Name')")
    page.wait_for_url("**sort=**")
    address = page.url
    held[0].continue_()
    page.wait_for_timeout(600)
    assert page.url == address
    assert page.get_attribute("#view-all", "aria-current") == "page"
    assert page.locator("a.mk-key").count() == 2


def test_a_tab_that_is_pressed_while_a_search_waits_is_shown(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One", "is_active": False}, {"code": "S-2", "name": "Two"})
    page.goto(LIST)
    page.fill("#f-q", "One")
    page.click("#view-active")
    page.wait_for_url("**/?view=active")
    page.wait_for_timeout(600)
    assert page.url.endswith("/?view=active")
    assert page.locator("a.mk-key").all_inner_texts() == ["S-2"]


def test_tag_all_that_match_as_a_job_and_undo_it(page: Any, runtime: Any) -> None:
    make_suppliers(count=60)
    page.goto(LIST + "?limit=25")
    page.check("[data-all]")
    page.get_by_text("25 of 60 selected").wait_for()
    page.check("[name=everything]")
    page.locator("[name=ids]").first.uncheck()
    page.get_by_text("59 of 60 selected").wait_for()
    page.click("[data-bulk] >> text=Add tags")
    page.fill("dialog [name='argument.tags']", "vip")
    page.click("dialog button[type=submit]")
    page.wait_for_url(re.compile(r"/admin/jobs/\d+$"))
    page.get_by_role("button", name="Cancel").wait_for()
    page.get_by_text("Waiting for a worker").wait_for()
    page.evaluate("window.sameDocument = true")
    work_off(runtime)
    page.get_by_text("59 of 59").wait_for()
    page.get_by_role("link", name="Supplier 1", exact=True).wait_for()
    assert page.get_by_role("button", name="Cancel").count() == 0
    assert page.evaluate("window.sameDocument")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(lambda url: url.endswith(f"/{jobs.Job.select().order_by(jobs.Job.id.desc()).get().id}"))
    work_off(runtime)
    page.get_by_text("59 of 59").wait_for()
    page.goto(LIST + "?tag=vip")
    page.get_by_text("No suppliers match").wait_for()


def test_a_few_are_tagged_at_once_and_taken_back_from_the_message(page: Any) -> None:
    make_suppliers(count=3)
    page.goto(LIST)
    page.locator("[name=ids]").first.check()
    page.click("[data-bulk] >> text=Add tags")
    page.fill("dialog [name='argument.tags']", "vip")
    page.keyboard.press("Enter")
    page.get_by_text("1 record changed.").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone for 1 record.").wait_for()
    assert LIST in page.url
    page.goto(LIST + "?tag=vip")
    page.get_by_text("No suppliers match").wait_for()


def test_a_command_of_a_record_asks_in_a_dialog_and_leads_back_to_its_page(page: Any) -> None:
    (first,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{first}")
    page.locator("#head-actions button", has_text="Add tags").locator("visible=true").click()
    page.fill("dialog [name='argument.tags']", "vip")
    page.keyboard.press("Enter")
    page.get_by_text("Add tags: 1 record changed.").wait_for()
    assert page.url.endswith(f"{LIST}{first}")
    assert page.locator(".mk-head .mk-tag").all_inner_texts() == ["vip"]
    page.locator("#head-actions button", has_text="Remove tags").locator("visible=true").click()
    page.locator("dialog [name='argument.tags']").wait_for()


def test_a_form_warns_and_keeps_what_was_typed(page: Any) -> None:
    page.goto(LIST + "new")
    page.fill("[name=code]", "S-1")
    page.fill("[name=credit_minor]", "much")
    page.click("button:has-text('Save')")
    page.wait_for_selector("[data-summary]:focus")
    assert page.input_value("[name=code]") == "S-1"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_pages_fit_in_both_directions_and_themes(page: Any, width: int, language: str, theme: str) -> None:
    first = make_suppliers({"code": "S-1", "name": "A name that is rather long, " * 4, "tags": ["vip", "gift"]})[0]
    page.goto("/admin/profile/")
    page.select_option("[name=locale]", language)
    with page.expect_navigation():
        page.locator("form:has([name=locale]) button[type=submit]").click()
    page.context.add_cookies([{"name": "maktab_theme", "value": theme, "domain": "127.0.0.1", "path": "/"}])
    page.set_viewport_size({"width": width, "height": 780})
    for path in ("/admin/", LIST, LIST + "?is_active=true", f"{LIST}{first}", f"{LIST}{first}/edit", "/admin/jobs/",
                 "/admin/plugins/", "/admin/users/", "/admin/profile/", "/admin/imports/", "/nothing"):  # fmt: skip
        page.goto(path)
        root = page.evaluate("(({lang, dir, dataset}) => [lang, dir, dataset.bsTheme])(document.documentElement)")
        assert root == [language, "rtl" if language == "ar" else "ltr", theme], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('14px Inter'))")


def test_the_menu_opens_and_closes_on_a_phone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto("/admin/")
    assert not page.locator("#menu").is_visible()
    page.click(".mk-menu")
    assert page.locator("#menu").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#menu").is_visible()


def test_a_touch_screen_meets_no_error_and_keeps_its_keyboard_away(page: Any, browser: Any, address: str) -> None:
    state, wrong = page.context.storage_state(), []
    phone = browser.new_context(
        base_url=address, storage_state=state, has_touch=True, is_mobile=True, viewport={"width": 360, "height": 740}
    ).new_page()
    phone.on("pageerror", lambda error: wrong.append(str(error)))
    for place in ("/admin/", "/admin/suppliers/", "/admin/suppliers/new"):
        phone.goto(place)
        phone.wait_for_load_state("networkidle")
        assert phone.evaluate("document.activeElement === document.body"), place
    assert wrong == []


def test_on_a_phone_the_bulk_bar_shows_one_command_and_the_others_in_a_menu(page: Any) -> None:
    make_suppliers(count=3)
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(LIST)
    page.locator("[name=ids]").first.check()
    page.get_by_text("1 of 3 selected").wait_for()
    commands = page.locator("[data-bulk] > button:visible").all_inner_texts()
    assert commands == ["Add tags", "Clear"]
    page.click("[data-bulk] summary")
    assert page.locator("[data-bulk] .mk-drop-b button:visible").all_inner_texts() == ["Remove tags", "Delete"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_theme_stays_chosen(page: Any) -> None:
    page.click("[data-theme-toggle]")
    page.reload()
    assert page.get_attribute("html", "data-bs-theme") == "dark"


def sign_in(browser: Any, address: str, user: Any) -> Any:
    """Another person's page, in a window of his own."""
    page = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900})
    page.goto("/admin/sign-in")
    page.fill("[name=username]", user.username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    return page


def test_a_view_is_saved_and_shared_with_a_role_whose_holder_sees_it(
    page: Any, browser: Any, address: str, make_user: Any
) -> None:
    make_suppliers({"code": "S-1", "name": "One", "country": "GB"}, {"code": "S-2", "name": "Two", "country": "SA"})
    page.goto(LIST + "?country=SA")
    page.click("a:has-text('Save view')")
    page.fill("dialog [name=name]", "Saudi")
    page.select_option("dialog [name=shared_with]", "viewer")
    page.keyboard.press("Enter")
    page.get_by_text("The view was saved.").wait_for()
    page.locator("[data-view][aria-current]:has-text('Saudi 1')").wait_for()
    other = sign_in(browser, address, make_user("viewer"))
    other.goto(LIST)
    other.click("[data-view]:has-text('Saudi')")
    other.wait_for_url("**/?view=*")
    other.locator("[data-view][aria-current]:has-text('Saudi 1')").wait_for()
    assert other.locator("a.mk-key").all_inner_texts() == ["S-2"]
    assert other.get_by_role("link", name="Save view").count() == 0


def test_the_order_of_columns_is_chosen_by_keyboard_and_kept(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One"})
    page.goto(LIST)
    page.locator(".mk-setup").locator("xpath=..").locator("summary").click()
    page.locator("[name=up][value=credit_minor]").focus()
    for _step in range(3):
        page.keyboard.press("Enter")
    page.locator("[name=columns][value=country]").uncheck()
    page.locator(".mk-setup .mk-btn-p").press("Enter")
    page.locator("thead th:nth-child(2):has-text('Credit')").wait_for()
    page.reload()
    heads = page.locator("thead th").all_inner_texts()
    assert heads[1:] == ["Credit", "Code", "Name"]
    assert page.url.endswith(LIST)


def test_a_changed_view_is_offered_to_be_saved_and_nothing_reloads(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One"}, {"code": "S-2", "name": "Two"})
    page.goto(LIST)
    page.evaluate("window.sameDocument = true")
    page.click("[data-view]:has-text('Active')")
    page.wait_for_url("**/?view=active")
    page.click("thead a:has-text('Code')")
    page.wait_for_url("**/?view=active&sort=-code")
    page.get_by_role("link", name="Save view").wait_for()
    page.go_back()
    page.locator("a:has-text('Save view')").wait_for(state="detached")
    assert page.evaluate("window.sameDocument")


def test_a_part_that_failed_can_be_tried_again(browser: Any, address: str, make_user: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One"}, {"code": "S-2", "name": "Two", "is_active": False})
    page = sign_in(browser, address, make_user("owner"))  # the console may say what fails
    page.goto(LIST)
    page.route("**/?view=active", lambda route: route.fulfill(status=503, body=""))
    page.click("[data-view]:has-text('Active')")
    page.locator("#toasts").get_by_text("The server did not answer.").wait_for()
    assert page.locator("a.mk-key").count() == 2
    page.unroute("**/?view=active")
    page.locator("#toasts").get_by_role("button", name="Try again").click()
    page.wait_for_url("**/?view=active")
    assert page.locator("a.mk-key").all_inner_texts() == ["S-1"]


def test_a_row_is_looked_into_beside_the_list_by_keyboard(page: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One"})
    page.goto(LIST)
    page.focus("a.mk-key")
    page.keyboard.press("Space")
    page.locator("dialog.mk-sheet h2:has-text('One')").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog.mk-sheet").wait_for(state="detached")
    assert page.url.endswith(LIST)
    page.locator("tbody tr").hover()
    page.click("[aria-label='Preview One']")
    page.click("dialog.mk-sheet >> text=Open the record")
    page.wait_for_url(re.compile(r"/admin/suppliers/\d+\?in="))


def test_a_log_goes_on_by_itself_at_its_end(page: Any) -> None:
    make_suppliers(count=60)
    page.goto("/admin/audit/?limit=25")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator("tbody tr").nth(40).wait_for()
    assert page.url.endswith("?limit=25")
    names = page.locator("a.mk-key").evaluate_all("links => links.map((one) => one.href)")
    assert len(set(names)) == len(names) > 40


def test_what_is_printed_is_dark_on_white_and_without_inputs(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "One"})
    page.context.add_cookies([{"name": "maktab_theme", "value": "dark", "url": page.evaluate("location.origin")}])
    page.goto(f"{LIST}{record}")
    page.emulate_media(media="print")
    ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    ground = page.evaluate("getComputedStyle(document.querySelector('.mk-card')).backgroundColor")
    assert (ink, ground) == ("rgb(27, 33, 48)", "rgb(255, 255, 255)")
    assert not page.locator(".mk-comment").is_visible()


def test_high_contrast_shows_what_is_ticked_switched_and_current(page: Any) -> None:
    make_suppliers(count=2)
    page.emulate_media(forced_colors="active")
    style = (
        "e => [getComputedStyle(e).appearance, getComputedStyle(e).outlineStyle, getComputedStyle(e).backgroundColor]"
    )
    page.goto(LIST)
    box = page.locator("tbody [name=ids]").first
    box.check()
    assert box.evaluate(style)[0] == "auto"
    assert page.locator("tbody tr").first.evaluate(style)[1] == "solid"
    assert page.locator(".mk-nav [aria-current]").evaluate(style)[1] == "solid"
    page.goto("/admin/plugins/")
    on, other = page.locator(".mk-switch[aria-checked=true]").first, page.locator(".mk-top").first
    assert on.evaluate(style)[2] != other.evaluate(style)[2]


def test_what_has_the_focus_lies_under_no_bar(page: Any) -> None:
    (one,) = make_suppliers(count=1)
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 640, "height": 450})  # 1280 wide at twice its size
    page.goto(f"{LIST}{one}/edit")
    page.fill("[name=name]", "Renamed")
    covered = """() => {
        const here = document.activeElement;
        const { left, top, width, height } = here.getBoundingClientRect();
        const there = document.elementFromPoint(left + width / 2, top + height / 2);
        const isSeen = there && (here.contains(there) || there.contains(here) || there.closest("label"));
        return isSeen ? "" : here.outerHTML;
    }"""
    while page.evaluate("document.activeElement.name") != "tags":
        page.keyboard.press("Tab")
        page.wait_for_timeout(50)
        assert page.evaluate(covered) == ""
