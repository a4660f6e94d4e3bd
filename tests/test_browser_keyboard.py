"""Work without a mouse, in a real Chromium: the command bar, and the shortcuts of every pattern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core import access, boot
from core import runtime as runtime_room
from core.context import system_context
from tests.helpers import install_suppliers, make_suppliers

LIST = "/admin/suppliers/"


@pytest.fixture
def database_kind() -> str:
    """One database is enough here: the pages are the same, and the Flask client has seen both."""
    return "sqlite"


@pytest.fixture
def runtime(app_db: Any, settings: Any) -> Iterator[Any]:
    boot.migrate_all(settings)
    built = install_suppliers(settings)
    with runtime_room.bound(built):
        access.ensure_default_roles(system_context("cli"))
        yield built


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
    assert page.locator("#palette-status").inner_text().endswith("results")


def test_the_bar_moves_by_arrows_and_closes_by_escape(page: Any) -> None:
    make_suppliers(count=2)
    page.keyboard.press("Control+k")
    page.keyboard.type("supplier")
    selected(page, "New: Supplier")
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


def test_what_one_user_opened_is_forgotten_when_he_signs_out(page: Any) -> None:
    (one,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page.goto(f"{LIST}{one}")
    assert page.evaluate("localStorage.maktab_recent").count(f"{LIST}{one}") == 1
    page.click(".mk-top details summary")
    page.click(".mk-top details button:has-text('Sign out')")
    page.wait_for_url("**/sign-in")
    assert page.evaluate("localStorage.maktab_recent") is None
