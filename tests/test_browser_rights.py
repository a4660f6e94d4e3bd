"""A real Chromium changes what a role may do, and switches a plugin on: with the password again, without a reload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import access, db, plugins
from core import runtime as runtime_room
from core.access.models import Role
from core.auth.models import Session
from core.plugins.models import PluginState
from core.settings import Settings
from tests.conftest import PASSWORD
from tests.helpers import PLUGINS, on_sqlite

database_kind = on_sqlite()


@pytest.fixture
def runtime(app_db: Any, settings: Settings) -> Iterator[Any]:
    """The plugin `suppliers` lies there and is off."""
    built = plugins.build(replace(settings, plugin_dir=str(PLUGINS)))
    runtime_room.install(built)
    with runtime_room.bound(built):
        yield built


def long_ago() -> None:
    """The password was given too long ago to count."""
    Session.update(step_up_at=db.utcnow() - timedelta(hours=1)).execute()


def test_a_role_is_changed_in_its_table_with_the_password(page: Any) -> None:
    role = Role.get(Role.name == "viewer")
    page.goto(f"/admin/roles/{role.id}")
    page.check("input[value='orders.order.note']")
    long_ago()
    page.click("text=Save permissions")
    asked = page.locator("dialog[open]")
    asked.get_by_text("Given: Orders: Note").wait_for()
    page.wait_for_selector("dialog[open] input[type=password]:focus")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    asked.get_by_text("This is not your present password.").wait_for()
    page.wait_for_selector("dialog[open] input[type=password]:focus")
    assert access.entries_of(role) == ["*.view"]
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".mk-flash", has_text="Saved.").wait_for()
    assert page.is_checked("input[value='orders.order.note']")
    assert access.entries_of(role) == ["*.view", "orders.order.note"]


def test_escape_and_cancel_leave_everything_as_it_is(page: Any) -> None:
    role = Role.get(Role.name == "viewer")
    page.goto(f"/admin/roles/{role.id}")
    page.check("input[value='orders.order.note']")
    for leave in (lambda: page.keyboard.press("Escape"), lambda: page.click("dialog[open] >> text=Back")):
        page.click("text=Save permissions")
        page.wait_for_selector("dialog[open]")
        leave()
        page.wait_for_selector(".mk-dialog", state="detached")
        assert page.evaluate("document.activeElement.textContent").strip() == "Save permissions"
    assert access.entries_of(role) == ["*.view"]


def test_a_plugin_is_switched_on_and_off_and_the_menu_of_the_page_follows(page: Any, switch: Any) -> None:
    page.goto("/admin/plugins/")
    assert page.locator("#menu a", has_text="Suppliers").count() == 0
    long_ago()
    page.get_by_role("switch", name="Suppliers").click()
    page.locator("dialog[open]").get_by_text("Holds personal data: suppliers_supplier").wait_for()
    page.keyboard.type(PASSWORD)
    page.set_default_timeout(120_000)  # it is tried out in a process of its own
    page.get_by_role("button", name="Switch on Suppliers").click()
    page.locator(".mk-flash", has_text="Suppliers is on").wait_for()
    assert PluginState.get(PluginState.name == "suppliers").enabled
    page.locator("#menu [aria-current=page]", has_text="Plugins").wait_for()
    switch.look()  # as every process does four times a second
    entry = page.locator("#menu a", has_text="Suppliers")
    entry.wait_for()
    assert page.locator("#menu [aria-current=page]").inner_text().strip() == "Plugins"
    assert page.locator("#foot a", has_text="Suppliers").count() == 1
    entry.click()
    page.get_by_role("heading", name="Suppliers", level=1).wait_for()
    page.goto("/admin/plugins/suppliers")
    page.get_by_role("button", name="Switch off").click()
    page.locator("dialog[open]").get_by_role("button", name="Switch off Suppliers").click()
    page.locator(".mk-flash", has_text="Suppliers: off").wait_for()
    switch.look()
    entry.wait_for(state="detached")


def test_without_a_script_the_same_question_is_a_page(browser: Any, address: str, owner: Any) -> None:
    role = Role.get(Role.name == "viewer")
    page = browser.new_context(java_script_enabled=False, base_url=address).new_page()
    page.goto("/admin/sign-in")
    page.fill("[name=username]", owner.username)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.goto(f"/admin/roles/{role.id}")
    page.check("input[value='orders.order.note']")
    page.click("text=Save permissions")
    page.get_by_role("heading", name="Change what Viewer may do?").wait_for()
    assert access.entries_of(role) == ["*.view"]
    page.click("text=Save Viewer")
    page.locator(".mk-flash", has_text="Saved.").wait_for()
    assert access.entries_of(role) == ["*.view", "orders.order.note"]
