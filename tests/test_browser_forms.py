"""Forms in a real Chromium: what is not saved is shown, and a clash with somebody else is settled field by field."""

from __future__ import annotations

from typing import Any

import pytest

from core.context import system_context
from core.resources import service_of
from core.testing import pages
from tests.helpers import make_suppliers, suppliers_on

LIST = "/admin/suppliers/"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


runtime = suppliers_on()


def test_the_bar_of_a_form_names_what_is_not_saved(page: Any) -> None:
    (record,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{record}/edit")
    bar = page.locator(".mk-save")
    assert not bar.is_visible()
    page.fill("[name=name]", "Waha")
    page.uncheck("[name=is_active]")
    bar.get_by_text("Unsaved: Name, Active").wait_for()
    page.fill("[name=name]", "Waha Linen")
    bar.get_by_text("Unsaved: Active").wait_for()
    page.check("[name=is_active]")
    assert not bar.is_visible()


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
    told = [row.locator("th, td").all_inner_texts()[:4] for row in rows.all()]
    assert told == [["Name", "Waha Linen", "Oasis", "Waha"], ["Country", "FR", "DE", "GB"]]
    assert pages.seen(page) == []
    rows.nth(1).get_by_role("button", name="Take over Country").click()
    assert page.input_value("[name=country]") == "DE"
    page.click(".mk-save button")
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
