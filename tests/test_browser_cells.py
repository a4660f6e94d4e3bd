"""Cells of a list that are edited in place, in a real Chromium: by keyboard alone, by a click, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from core.context import system_context
from core.resources import service_of
from core.testing import pages
from tests.helpers import make_suppliers, on_sqlite, suppliers_on

runtime = suppliers_on()

LIST = "/admin/suppliers/"
ALL = f"{LIST}?columns=code,name,country,credit_minor,parent"


database_kind = on_sqlite()


@pytest.fixture
def one() -> int:
    """The lower of two rows."""
    return make_suppliers({"code": "S-1", "name": "Waha", "country": "GB"}, {"code": "S-2", "name": "Other"})[0]


@pytest.fixture
def listed(page: Any, one: int) -> Any:
    page.goto(ALL)
    page.wait_for_load_state("networkidle")
    return page


def doc(runtime: Any, key: int) -> dict[str, Any]:
    return service_of(runtime.resource("suppliers.supplier")).documents([key])[0]


def cell(page: Any, name: str) -> Any:
    return page.locator(f"td.mk-cell[data-cell={name}]")


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.name || document.activeElement.textContent"))


def test_a_row_is_edited_by_keyboard_alone(listed: Any, runtime: Any, one: int) -> None:
    for key in ("j", "j", "x", "i"):
        listed.keyboard.press(key)
    cell(listed, "name").wait_for()
    assert focused(listed) == "name"
    listed.keyboard.type("Waha Linen")  # the present text was selected
    listed.keyboard.press("Tab")
    cell(listed, "country").wait_for()
    assert doc(runtime, one)["name"] == "Waha Linen"
    listed.keyboard.press("Tab")  # unchanged: nothing is written
    cell(listed, "credit_minor").wait_for()
    listed.keyboard.type("1,250.50")
    listed.keyboard.press("Tab")
    cell(listed, "parent").wait_for()
    listed.keyboard.type("other")
    listed.locator("[role=option]").first.wait_for()
    listed.keyboard.press("Enter")  # takes the suggestion
    listed.keyboard.press("Enter")  # saves
    listed.locator("td[data-cell=parent] a", has_text="Other").wait_for()
    listed.wait_for_function("document.activeElement.matches('a.mk-key')")
    assert focused(listed) == "S-1"
    assert (doc(runtime, one)["credit_minor"], doc(runtime, one)["parent"], doc(runtime, one)["version"]) == (
        125050, one + 1, 4,
    )  # fmt: skip
    assert listed.locator("tr[data-record] input[name=ids]:checked").count() == 1
    listed.keyboard.press("k")
    assert focused(listed) == "S-2"
    assert listed.url.endswith(ALL)


def test_esc_leaves_the_cell_as_it_was(listed: Any, runtime: Any, one: int) -> None:
    listed.keyboard.press("j")
    listed.keyboard.press("i")
    cell(listed, "name").wait_for()
    listed.keyboard.type("Nothing")
    listed.keyboard.press("Escape")
    assert cell(listed, "name").count() == 0
    assert focused(listed) == "S-2"
    assert doc(runtime, one + 1)["name"] == "Other"


def test_a_click_opens_and_leaving_it_saves(listed: Any, runtime: Any, one: int) -> None:
    listed.locator("tbody tr").nth(1).locator("td[data-cell=name]").click()
    cell(listed, "name").wait_for()
    listed.keyboard.type("By mouse")
    listed.locator("tbody tr").nth(0).locator("td[data-cell=country]").click()
    cell(listed, "country").wait_for()
    assert doc(runtime, one)["name"] == "By mouse"
    assert focused(listed) == "country"


def test_a_quick_click_beside_it_in_the_same_row_waits_for_the_save(listed: Any, runtime: Any, one: int) -> None:
    row = listed.locator("tbody tr").nth(1)
    row.locator("td[data-cell=name]").click()
    cell(listed, "name").wait_for()
    listed.keyboard.type("Quick")
    # A busy page hears of the press and of the click in one go.
    row.locator("td[data-cell=country]").evaluate("one => { document.activeElement.blur(); one.click(); }")
    cell(listed, "country").wait_for()
    listed.wait_for_load_state("networkidle")
    assert (doc(runtime, one)["name"], focused(listed)) == ("Quick", "country")


def test_what_is_typed_before_the_cell_has_come_is_its_text(listed: Any, runtime: Any, one: int) -> None:
    late = listed.context.new_cdp_session(listed)
    slow = {"offline": False, "latency": 500, "downloadThroughput": -1, "uploadThroughput": -1}
    late.send("Network.emulateNetworkConditions", slow)
    listed.locator("tbody tr").nth(1).locator("td[data-cell=name]").click()
    listed.keyboard.type("Noor, xj")
    assert cell(listed, "name").count() == 0  # it is on its way
    cell(listed, "name").wait_for()
    listed.keyboard.type("!")
    listed.keyboard.press("Enter")
    listed.locator("td[data-cell=name]:not(.mk-cell)", has_text="Noor, xj!").wait_for()
    assert doc(runtime, one)["name"] == "Noor, xj!"
    assert listed.locator("tr[data-record] input[name=ids]:checked").count() == 0


def test_what_is_refused_is_said_at_the_cell_and_nothing_is_lost(listed: Any, runtime: Any, one: int) -> None:
    listed.locator("tbody tr").nth(1).locator("td[data-cell=country]").click()
    cell(listed, "country").wait_for()
    listed.keyboard.type("Germany")
    listed.keyboard.press("Enter")
    cell(listed, "country").locator(".mk-err").wait_for()
    assert cell(listed, "country").locator("input[name=country]").input_value() == "Germany"
    assert focused(listed) == "country"
    assert [one for one in pages.seen(listed) if "mk-cell" in one or "f-country" in one] == []
    listed.keyboard.type("DE")
    listed.keyboard.press("Enter")
    listed.locator("td[data-cell=country]:not(.mk-cell)", has_text="DE").wait_for()
    assert doc(runtime, one)["country"] == "DE"


def test_a_clash_is_only_settled_by_enter(listed: Any, runtime: Any, one: int) -> None:
    listed.locator("tbody tr").nth(1).locator("td[data-cell=name]").click()
    cell(listed, "name").wait_for()
    service = service_of(runtime.resource("suppliers.supplier"))
    service.update(system_context("cli"), {one: {"name": "Theirs"}})
    listed.keyboard.type("Ours")
    listed.keyboard.press("Enter")
    cell(listed, "name").locator("[data-clash]", has_text="Theirs").wait_for()
    listed.locator("h1").click()
    listed.wait_for_timeout(300)
    assert doc(runtime, one)["name"] == "Theirs"
    cell(listed, "name").locator("input[name=name]").press("Enter")
    listed.locator("td[data-cell=name]:not(.mk-cell)", has_text="Ours").wait_for()
    assert doc(runtime, one)["name"] == "Ours"


def test_without_the_server_what_was_typed_stays(listed: Any, one: int) -> None:
    listed.locator("tbody tr").nth(1).locator("td[data-cell=name]").click()
    cell(listed, "name").wait_for()
    listed.keyboard.type("Kept")
    listed.context.set_offline(True)
    listed.keyboard.press("Enter")
    listed.wait_for_timeout(300)
    assert cell(listed, "name").locator("input[name=name]").input_value() == "Kept"
    listed.context.set_offline(False)
    cell(listed, "name").locator("input[name=name]").press("Enter")
    listed.locator("td[data-cell=name]:not(.mk-cell)", has_text="Kept").wait_for()


@pytest.mark.parametrize("width", [1280, 360])
def test_an_open_cell_is_within_the_page_and_axe_has_no_complaint(listed: Any, width: int) -> None:
    listed.set_viewport_size({"width": width, "height": 800})
    listed.locator("tbody tr").nth(1).locator("td[data-cell=name]").click()
    cell(listed, "name").wait_for()
    assert pages.seen(listed) == []
