"""Rows of a form in groups: what the test plugin `textiles` declares with `group_by` and `shown`."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from core import runtime as runtime_room
from core.context import system_context
from core.resources import service_of
from core.testing import pages
from core.web import forms
from tests.helpers import suppliers_on

runtime = suppliers_on("textiles")

ROWS = [("sand", "Queen", "S-Q", 64900), ("clay", "Queen", "C-Q", 64900), ("sand", "King", "S-K", 74900)]


def fabric() -> str:
    """The page that edits a new one."""
    resource = runtime_room.current().resource("textiles.fabric")
    rows = [{"color": c, "width": w, "sku": s, "price_minor": p, "is_sold": True} for c, w, s, p in ROWS]
    (made,) = service_of(resource).create(
        system_context("cli"), [{"code": "LINEN", "currency": "GBP", "variants": rows}]
    )
    resource.model.update(counted={"S-Q": 8, "C-Q": 5}).execute()
    return f"/admin/fabrics/{made.id}/edit"


def stored() -> list[dict[str, Any]]:
    return list(runtime_room.current().resource("textiles.fabric").model.get().variants)


def inputs(page: str) -> dict[str, str]:
    """What a browser would send of the form."""
    form = page.partition('<form class="mk-form')[2].partition("<template>")[0]
    given = re.findall(r'name="([^"]+)"(?: type="\w+")? value="([^"]*)"', form)
    chosen = re.findall(r'<select[^>]* name="([^"]+)".*?<option value="(\w+)" selected', form)
    return {name: html.unescape(value) for name, value in [*given, *chosen] if "_row" not in name}


def test_rows_stand_in_groups_in_the_order_in_which_they_come(signed_in: Any) -> None:
    page = signed_in("owner").get(fabric()).text
    groups = re.findall(r"<tbody data-group>(.*?)</tbody>", page, re.DOTALL)
    heads = [re.search(r"<bdi>(.*?)</bdi> <span[^>]*>· (.*?)</span>", group) for group in groups]
    assert [head.groups() for head in heads if head] == [("Sand", "2 rows"), ("Clay", "1 row")]
    skus = [re.findall(r'name="variants\.\d\.sku" type="text" value="([^"]+)"', group) for group in groups]
    assert skus == [["S-Q", "S-K"], ["C-Q"]]


def test_a_cell_that_is_only_read_is_kept_by_the_form_and_never_written(signed_in: Any) -> None:
    owner, place = signed_in("owner"), fabric()
    form = inputs(owner.get(place).text)
    assert form["variants.0.stock"] == "8"
    refused = owner.send(place, **form | {"variants.2.price_minor": "much"})
    assert refused.status_code == 422
    assert inputs(refused.text)["variants.0.stock"] == "8"
    assert owner.send(place, **form | {"variants.2.price_minor": "799.00", "variants.0.stock": "99"}).status_code == 302
    assert [row["price_minor"] for row in stored()] == [64900, 64900, 79900]
    assert all("stock" not in row for row in stored())


def test_a_value_that_has_a_badge_is_shown_by_it_and_comes_back_with_a_refused_form(signed_in: Any) -> None:
    owner, place = signed_in("owner"), fabric()
    badge = r'<span class="mk-badge mk-(\w+)"><span class="mk-pip[^>]*></span>(.*?)</span>'
    page = owner.get(place).text
    assert re.findall(badge, page) == [("ok", "In stock"), ("bad", "Out of stock"), ("ok", "In stock")]
    refused = owner.send(place, **inputs(page) | {"variants.2.price_minor": "much"})
    assert re.findall(badge, refused.text) == re.findall(badge, page)
    owner.send(place, **inputs(page) | {"variants.1.reorder_at": "5"})
    assert ("warn", "Low") in re.findall(badge, owner.get(place).text)
    assert all("state" not in row for row in stored())


def test_a_row_that_is_emptied_goes_though_its_stock_is_still_said(signed_in: Any) -> None:
    owner, place = signed_in("owner"), fabric()
    form = inputs(owner.get(place).text)
    emptied = dict.fromkeys(("color", "width", "sku", "price_minor", "is_sold"), "")
    answer = owner.send(place, **form | {f"variants.0.{name}": text for name, text in emptied.items()})
    assert answer.status_code == 302, re.findall(r"data-summary.*?</ul>", answer.text)
    assert [row["sku"] for row in stored()] == ["C-Q", "S-K"]


def test_rows_without_a_group_come_last(runtime: Any) -> None:
    values = {f"variants.{n}.color": text for n, text in enumerate(["", "ink", "", "sand", "ink"])}
    form = forms.form_of(runtime.resource("textiles.fabric").schema, values=values)
    assert [(str(name), rows) for name, rows in form.groups("variants")] == [
        ("Ink", [1, 4]), ("Sand", [3]), ("", [0, 2]),
    ]  # fmt: skip


def cell(page: Any, number: int, name: str) -> Any:
    return page.locator(f'[name="variants.{number}.{name}"]')


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_the_head_of_a_group_fills_all_of_its_rows(page: Any) -> None:
    page.goto(fabric())
    price = page.get_by_label("Price of all rows of Sand")
    assert price.get_attribute("placeholder") == "different"
    price.fill("700.00")
    assert [cell(page, number, "price_minor").input_value() for number in range(3)] == ["700.00", "649.00", "700.00"]
    assert page.locator(".mk-changed").count() == 2
    page.get_by_text("Unsaved changes: Price (2)").wait_for()
    page.get_by_label("Sold of all rows of Sand").uncheck()
    page.keyboard.press("Control+s")
    page.get_by_text("Saved.").wait_for()
    assert [(row["price_minor"], row["is_sold"]) for row in stored()] == [(70000, False), (64900, True), (70000, False)]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_selected_rows_are_filled_together(page: Any) -> None:
    page.goto(fabric())
    price = page.get_by_label("Price of all selected rows")
    assert not price.is_visible()
    page.get_by_label("Select row 1").check()
    page.get_by_label("Select row 3").check()
    page.get_by_role("rowheader", name="2 selected").wait_for()
    assert pages.seen(page) == []
    assert page.get_by_label("Select all rows of Sand").evaluate("box => box.indeterminate")
    assert page.get_by_label("Select all rows of Clay").is_checked()
    assert price.get_attribute("placeholder") == "649.00"
    price.fill("500.00")
    assert [cell(page, number, "price_minor").input_value() for number in range(3)] == ["500.00", "500.00", "749.00"]
    page.get_by_text("Unsaved changes: Price (2)").wait_for()
    page.get_by_label("Select all rows", exact=True).check()
    page.get_by_label("Sold of all selected rows").uncheck()
    page.keyboard.press("Control+s")
    page.get_by_text("Saved.").wait_for()
    kept = [(row["price_minor"], row["is_sold"]) for row in stored()]
    assert kept == [(50000, False), (50000, False), (74900, False)]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_discard_brings_back_rows_and_what_their_head_says(page: Any) -> None:
    page.goto(fabric())
    page.get_by_label("Price of all rows of Sand").fill("700.00")
    page.get_by_role("button", name="Remove row 3").click()
    page.get_by_role("button", name="Add a row").click()
    page.get_by_text("Unsaved changes: Price (2), Variants").wait_for()
    page.get_by_role("link", name="Discard").click()
    assert [cell(page, number, "price_minor").input_value() for number in range(3)] == ["649.00", "649.00", "749.00"]
    assert page.locator("[data-rows] tbody tr:not([data-head])").count() == 3
    head = page.get_by_label("Price of all rows of Sand")
    assert (head.input_value(), head.get_attribute("placeholder")) == ("", "different")
    assert page.locator(".mk-changed").count() == 0
    assert not page.get_by_role("button", name="Save").is_visible()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_keys_of_a_spreadsheet_pass_over_what_is_folded_or_only_read(page: Any) -> None:
    page.goto(fabric())
    page.get_by_role("button", name="Rows of Sand").click()
    assert cell(page, 0, "sku").is_hidden()
    cell(page, 1, "sku").focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "variants.1.sku"
    page.get_by_role("button", name="Rows of Sand").click()
    page.keyboard.press("Escape")
    cell(page, 1, "sku").focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "variants.2.sku"
    page.keyboard.press("Control+d")
    assert cell(page, 2, "sku").input_value() == "S-Q"
    paste = "event = new ClipboardEvent('paste', {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});"
    cell(page, 1, "reorder_at").evaluate(
        f"(field) => {{ const {paste} event.clipboardData.setData('text', '4\\t\\t77'); field.dispatchEvent(event); }}"
    )
    assert cell(page, 1, "reorder_at").input_value() == "4"
    assert cell(page, 1, "stock").input_value() == "5"


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("look", pages.LOOKS)
def test_a_matrix_can_be_used_by_all(page: Any, app: Any, owner: Any, look: pages.Look) -> None:
    fabric()
    assert any("edit" in place for place in pages.sweep(page, app, owner, look, only="/admin/fabrics/"))


@pytest.fixture
def owner(make_user: Any) -> Any:
    return make_user("owner")


def test_the_page_of_a_record_shows_its_rows_where_a_section_names_them(signed_in: Any) -> None:
    place = fabric().removesuffix("/edit")
    page = signed_in("owner").get(place).text
    table = page.partition('aria-label="Table of Variants"')[2].partition("</table>")[0]
    rows = [
        [html.unescape(re.sub("<[^>]+>", "", text)).strip() for text in re.findall("<td[^>]*>(.*?)</td>", row)]
        for row in table.split("<tr>")[2:]
    ]
    assert rows[0] == ["Sand", "Queen", "S-Q", "£649.00", "Yes", "8", "In stock"]
    assert [row[-1] for row in rows] == ["In stock", "In stock", "Out of stock"]
