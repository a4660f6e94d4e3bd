"""Forms in a real Chromium: what is not saved is shown, and a clash with somebody else is settled field by field."""

from __future__ import annotations

from typing import Any

import pytest

from core.context import system_context
from core.resources import service_of
from core.testing import pages
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

LIST = "/admin/suppliers/"


database_kind = on_sqlite()
runtime = suppliers_on()


def test_the_bar_of_a_form_names_what_is_not_saved(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{record}/edit")
    bar = page.get_by_role("region", name="Unsaved changes")
    save = bar.get_by_role("button", name="Save")
    assert not save.is_visible()
    assert not page.locator(".mk-save").is_visible()
    place = page.locator("[name=name]").bounding_box()
    page.fill("[name=name]", "Waha")
    assert page.evaluate("document.activeElement.name") == "name"
    assert page.locator("[name=name]").bounding_box() == place, "what is typed into does not jump"
    page.uncheck("[name=is_active]")
    bar.get_by_text("Unsaved changes: Name, Active").wait_for()
    assert pages.seen(page) == []
    page.fill("[name=name]", "Waha Linen")
    bar.get_by_text("Unsaved changes: Active").wait_for()
    page.check("[name=is_active]")
    assert not save.is_visible()


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_on_a_phone_the_bar_leaves_the_heading_free(page: Any, owner: Any, locale: str) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    type(owner).update(locale=locale).where(type(owner).id == owner.id).execute()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{LIST}{record}/edit")
    page.focus("[name=code]")
    at = page.locator("[name=code]").bounding_box()
    page.keyboard.type("S-2")
    assert page.locator("[name=code]").bounding_box() == at
    bar, heading = page.locator(".mk-unsaved").bounding_box(), page.locator("h1").bounding_box()
    assert bar["y"] + bar["height"] <= heading["y"]
    for name in ("name", "tags", "country"):
        page.fill(f"[name={name}]", "GB")
    assert page.locator(".mk-unsaved").bounding_box()["height"] == bar["height"], "it names them in two lines at most"
    assert pages.seen(page) == []


def test_what_is_discarded_can_be_taken_back(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen", "tags": ["silk"]})
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(f"{LIST}{record}/edit")
    page.fill("[name=name]", "Waha")
    page.fill("[name=tags]", "silk, gift")
    page.uncheck("[name=is_active]")
    page.get_by_role("link", name="Discard").click()
    page.get_by_text("Your changes are discarded.").wait_for()
    assert (page.input_value("[name=name]"), page.input_value("[name=tags]")) == ("Waha Linen", "silk")
    assert page.is_checked("[name=is_active]")
    assert page.locator(".mk-unsaved.mk-on, .mk-changed").count() == 0
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.get_by_text("Unsaved changes: Name, Active, Tags").wait_for()
    assert page.input_value("[name=name]") == "Waha"
    page.get_by_role("link", name="Discard").click()
    page.click(".mk-crumb a")
    page.wait_for_url("**" + LIST)
    assert asked == [], "there is nothing to lose"


def test_what_was_refused_is_compared_with_what_is_stored(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen", "country": "FR"})
    page.goto(f"{LIST}{record}/edit")
    page.fill("[name=country]", "France")
    page.keyboard.press("Control+s")
    page.locator("[data-summary]").wait_for()
    page.get_by_text("Unsaved changes: Country").wait_for()
    assert pages.seen(page) == []
    page.get_by_role("link", name="Discard").click()
    page.locator("[data-summary]").wait_for(state="detached")
    assert page.input_value("[name=country]") == "FR"


def test_a_form_is_saved_without_a_script(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{record}/edit")
    options = {"java_script_enabled": False, "storage_state": page.context.storage_state()}
    plain = page.context.browser.new_page(base_url=page.evaluate("location.origin"), **options)
    plain.goto(f"{LIST}{record}/edit")
    assert not plain.locator(".mk-unsaved").is_visible()
    plain.fill("[name=name]", "Waha")
    plain.get_by_role("button", name="Save").click()
    plain.get_by_text("Saved.").wait_for()
    plain.close()


def test_leaving_asks_only_while_something_would_be_lost(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.goto(f"{LIST}{record}/edit")
    page.fill("[name=name]", "Waha")
    page.fill("[name=name]", "Waha Linen")
    page.click(".mk-crumb a")
    page.wait_for_url("**" + LIST)
    assert asked == []
    page.goto(f"{LIST}{record}/edit")
    page.fill("[name=name]", "Waha")
    page.click(".mk-crumb a", no_wait_after=True)
    page.wait_for_timeout(200)
    assert (asked, page.url.endswith("/edit")) == (["beforeunload"], True)
    page.evaluate("window.onbeforeunload = null; document.querySelector('[data-form]').remove()")


def test_a_clash_is_settled_field_by_field(page: Any, runtime: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen", "country": "FR"})
    page.goto(f"{LIST}{record}/edit")
    service = service_of(runtime.resource("suppliers.supplier"))
    service.update(system_context("cli"), {record: {"name": "Oasis", "country": "DE"}})
    page.fill("[name=name]", "Waha")
    page.fill("[name=country]", "GB")
    page.keyboard.press("Enter")
    rows = page.locator(".mk-diff tbody tr")
    rows.first.wait_for()
    told = [row.locator("td").all_inner_texts()[:4] for row in rows.all()]
    assert told == [["Name", "Waha Linen", "Oasis", "Waha"], ["Country", "FR", "DE", "GB"]]
    assert pages.seen(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert pages.seen(page) == []
    rows.nth(1).get_by_role("button", name="Take over Country").click()
    assert page.input_value("[name=country]") == "DE"
    page.click(".mk-unsaved button")
    page.get_by_text("Saved.").wait_for()
    model = runtime.resource("suppliers.supplier").model
    assert model.select(model.name, model.country).tuples()[0] == ("Waha", "DE")


def test_what_ends_many_records_wants_their_number(page: Any) -> None:
    make_suppliers(count=3)
    page.goto("/admin/suppliers/")
    page.check("[data-all]")
    page.click("[data-bulk] >> text=Delete")
    dialog = page.locator("dialog")
    dialog.get_by_label("Reason").fill("Doubles")
    dialog.get_by_label("Type 3 to go on.").fill("2")
    page.keyboard.press("Enter")
    dialog.locator("[aria-invalid=true]").wait_for()
    assert page.evaluate("document.activeElement.id") == "f-confirm.typed"
    assert dialog.get_by_label("Reason").input_value() == "Doubles"
    assert pages.seen(page) == []
    dialog.get_by_label("Type 3 to go on.").fill("3")
    dialog.get_by_role("button", name="Delete: 3 suppliers").click()
    page.get_by_text("No suppliers yet").wait_for()
