"""The input that names another record in a real Chromium: by keyboard, by a click, and for a screen reader."""

from __future__ import annotations

from typing import Any

import pytest

from core.auth import User
from core.resources import service_of
from core.testing import pages
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

runtime = suppliers_on()

LIST = "/admin/suppliers/"
FIELD = "[name=parent]"


database_kind = on_sqlite()


@pytest.fixture
def form(page: Any) -> Any:
    """The form of a supplier, with two others to be found."""
    made = make_suppliers(
        {"code": "S-1", "name": "Waha Linen"}, {"code": "S-2", "name": "Waha Wool"}, {"code": "S-3", "name": "Ours"}
    )
    page.goto(f"{LIST}{made[-1]}/edit")
    return page


def options(page: Any) -> Any:
    return page.locator("[role=option]")


def parent_of(runtime: Any, code: str) -> Any:
    resource = runtime.resource("suppliers.supplier")
    (key,) = service_of(resource).find([(code,)]).values()
    return service_of(resource).documents([key])[0]["parent"]


def test_a_record_is_chosen_by_keyboard_alone_and_saved(form: Any, runtime: Any) -> None:
    form.locator(FIELD).focus()
    form.keyboard.type("waha")
    options(form).nth(1).wait_for()
    field = form.locator(FIELD)
    assert field.get_attribute("aria-expanded") == "true"
    first = field.get_attribute("aria-activedescendant")
    assert form.locator("[aria-selected=true]").get_attribute("id") == first
    assert form.locator(".mk-picker [role=status]").inner_text() == "2 results"
    form.keyboard.press("ArrowDown")
    assert form.locator("[aria-selected=true]").inner_text().startswith("Waha Linen")
    form.keyboard.press("Enter")
    assert field.input_value() == "Waha Linen · 1"
    assert field.get_attribute("aria-expanded") == "false"
    form.keyboard.press("Enter")
    form.wait_for_url(f"**{LIST}3")
    form.locator("dd a", has_text="Waha Linen").wait_for()
    assert parent_of(runtime, "S-3") == 1


def test_esc_leaves_the_suggestions_and_the_text(form: Any) -> None:
    form.locator(FIELD).focus()
    form.keyboard.press("ArrowDown")
    options(form).nth(2).wait_for()
    form.keyboard.press("Escape")
    assert form.locator(".mk-picks:popover-open").count() == 0
    assert form.locator(FIELD).input_value() == ""
    form.keyboard.press("ArrowUp")
    options(form).nth(2).wait_for()


def test_one_is_chosen_by_a_click_and_a_letter_less_is_no_other_record(form: Any) -> None:
    form.locator(FIELD).click()
    options(form).filter(has_text="Waha Wool").click()
    field = form.locator(FIELD)
    assert field.input_value() == "Waha Wool · 2"
    form.keyboard.press("Backspace")
    assert field.input_value() == "Waha Wool"


def test_tab_takes_what_was_typed_for_what_it_found(form: Any) -> None:
    form.locator(FIELD).focus()
    form.keyboard.type("wool")
    options(form).first.wait_for()
    form.keyboard.press("Tab")
    assert form.locator(FIELD).input_value() == "Waha Wool · 2"
    assert form.evaluate("document.activeElement.name") != "parent"


@pytest.mark.parametrize("look", pages.LOOKS)
def test_the_open_list_is_within_the_screen_and_axe_has_no_complaint(form: Any, owner: Any, look: pages.Look) -> None:
    User.update(locale=look.locale).where(User.id == owner.id).execute()
    theme = {"name": "maktab_theme", "value": look.theme, "url": form.evaluate("location.origin")}
    form.context.add_cookies([theme])
    form.set_viewport_size({"width": look.width, "height": 700})
    form.reload()
    form.locator(FIELD).click()
    options(form).nth(2).wait_for()
    box = form.locator(".mk-picks:popover-open").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= look.width
    assert box["y"] + box["height"] <= 700
    assert pages.seen(form) == []
