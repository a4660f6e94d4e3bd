"""The numbers beside the entries of the menu: asked late, narrowed as the rows are, and never in the way of a page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from core import access, nav
from core.app import create_app
from core.context import SYSTEM, system_context
from core.plugins import guards
from core.plugins.models import PluginFailure, PluginState
from core.resources import Waiting
from core.runtime import bound
from core.web import waiting
from tests.helpers import count_statements, make_suppliers, suppliers_on
from tests.plugin_kit import MerchantFolder

runtime = suppliers_on()

LATE, PAGE = "/admin/menu/waiting", "/admin/profile/"
ASKED = re.compile(rf'hx-get="{LATE}[?]of=[0-9]+" hx-trigger="load,')
NAME = "suppliers.supplier"


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def of(country: str, code: str, is_active: bool = False) -> dict[str, Any]:
    return {"code": code, "name": code, "country": country, "currency": "SAR", "is_active": is_active}


OF_SUPPLIERS = r"""(?:data-waits="|innerHTML:\[data-waits=')suppliers_supplier\.index_view[^>]*>"""


def places(browser: Any, url: str = LATE) -> list[list[str]]:
    """What stands beside the suppliers at each place, as a screen reader reads it."""
    page = browser.get(url).get_data(as_text=True).replace("&#39;", "'")
    found = re.findall(OF_SUPPLIERS + "((?:<span.*?</span></span>)*)</span>", page)
    return [
        [re.sub("<[^>]+>", "", one) for one in re.findall(r"<span class=.*?</span></span>", inner)] for inner in found
    ]


def numbers(browser: Any, url: str = LATE) -> list[str]:
    """The same in the menu."""
    return next(iter(places(browser, url)), [])


def test_the_menu_says_what_waits_by_one_late_request(owner: Any) -> None:
    make_suppliers(of("SA", "S-1"), of("SA", "S-2", is_active=True))
    assert numbers(owner, PAGE) == []
    assert ASKED.search(owner.get(PAGE).get_data(as_text=True))
    with count_statements() as seen:
        assert numbers(owner) == ["1 not active"]
    assert len(seen) <= 6, seen


def test_the_next_page_has_the_numbers_at_once_and_asks_nobody(owner: Any) -> None:
    make_suppliers(of("SA", "S-1"))
    numbers(owner)
    with count_statements() as seen:
        assert places(owner, PAGE) == [["1 not active"]] * 2, "in the menu, and at the foot of a phone's screen"
    assert not any("suppliers_supplier" in sql for sql in seen)
    assert not ASKED.search(owner.get(PAGE).get_data(as_text=True))


def test_a_page_of_other_plugins_gets_the_whole_menu(owner: Any) -> None:
    make_suppliers(of("SA", "S-1"))
    around = {"HX-Request": "true", "HX-Current-URL": "http://localhost/admin/suppliers/7?within=x"}
    menu = owner.get(f"{LATE}?of=0", headers=around).get_data(as_text=True)
    assert menu.count('hx-swap-oob="true"') == 2, "the menu and the foot of a phone"
    assert re.findall(r'href="([^"]+)"[^>]*aria-current="page"', menu) == ["/admin/suppliers/"] * 2
    assert places(owner, f"{LATE}?of=0") == [["1 not active"]] * 2
    now = re.search(r"waiting[?]of=([0-9]+)", menu)
    assert now
    assert "<nav" not in owner.get(f"{LATE}?of={now[1]}", headers=around).get_data(as_text=True)


def test_a_change_and_the_time_end_what_was_counted(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _second = make_suppliers(of("SA", "S-1"), of("SA", "S-2"))
    assert numbers(owner) == ["2 not active"]
    owner.send(f"/admin/suppliers/{first}/delete")
    make_suppliers(of("SA", "S-3"), of("SA", "S-4"))
    before = numbers(owner)
    make_suppliers(of("SA", "S-5"))
    assert numbers(owner) == before
    monkeypatch.setattr(waiting, "KEPT_S", -1)
    owner.send("/admin/menu/", act="reset")
    assert numbers(owner) != before


def test_so_does_a_change_by_the_api(owner: Any, api: Any) -> None:
    (first,) = make_suppliers(of("SA", "S-1"))
    assert numbers(owner) == ["1 not active"]
    assert api("owner").patch(f"/api/v1/suppliers/{first}", json={"is_active": True}).status_code == 200
    assert numbers(owner) == []


def test_nothing_that_waits_is_no_number_and_many_are_99_plus(owner: Any) -> None:
    assert numbers(owner) == []
    make_suppliers(*(of("SA", f"S-{n}") for n in range(101)))
    owner.send("/admin/menu/", act="reset")
    assert numbers(owner) == ["99+ not active"]


def test_only_rows_within_ones_scope_are_counted(signed_in: Any, owner: Any) -> None:
    make_suppliers(of("SA", "S-1"), of("SA", "S-2"), of("FR", "S-3"))
    person = signed_in("manager", {NAME: {"country": ["FR"]}})
    assert (numbers(owner), numbers(person)) == (["3 not active"], ["1 not active"])


def test_what_somebody_may_not_open_is_not_counted_for_him(signed_in: Any) -> None:
    make_suppliers(of("SA", "S-1"))
    for line in access.entries_of(access.Role.get(name="viewer")):
        access.revoke(system_context("cli"), "viewer", line)
    assert "suppliers" not in signed_in("viewer").get(LATE).get_data(as_text=True)


def test_a_count_that_fails_leaves_the_menu_and_its_plugin_alone(owner: Any, runtime: Any) -> None:
    def broken(ctx: Any) -> list[Waiting]:
        raise RuntimeError("no such index")

    runtime.resources[NAME] = replace(runtime.resources[NAME], waiting=broken)
    for _time in range(6):
        owner.send("/admin/menu/", act="reset")
        assert numbers(owner) == []
    guards.flush()
    assert PluginFailure.select().count() == 0
    assert 'href="/admin/suppliers/"' in owner.get(PAGE).get_data(as_text=True)


def test_a_quarantined_plugin_is_an_exception_and_an_entry_that_is_hidden_has_no_number(owner: Any) -> None:
    PluginState.insert(name="gone", version="1", status="quarantined").execute()
    page = owner.get(LATE).get_data(as_text=True)
    assert '<span class="mk-nav-n mk-bad">1<span class="mk-vh"> quarantined</span></span>' in page
    owner.send("/admin/menu/", act="hide:core_plugins.index")
    assert "core_plugins" not in owner.get(LATE).get_data(as_text=True)


def test_who_counts_answers_for_it_and_no_plugin_whose_name_begins_alike(merchant: MerchantFolder) -> None:
    counts = """
        from flask_admin import expose
        from core.nav import NavItem
        from core.web import AdminView

        def count(ctx):
            return []

        class Page(AdminView):
            permission, nav_group = "core.signed_in", "work"

            @expose("/")
            def index(self):
                return ""

            def waiting(self, ctx):
                return []

        @hookimpl
        def register_views():
            return [Page(name="Page", endpoint="carriers_acme", url="/admin/acme")]

        @hookimpl
        def nav_items():
            return [NavItem("Item", "/admin/acme/", waiting=count)]
    """
    merchant.on("carriers")
    merchant.on("carriers_acme", hooks=counts)
    with bound(merchant.build()) as built, create_app(built).test_request_context("/admin/"):
        owners = {str(item.label): item.plugin for item in nav.items(SYSTEM) if item.waiting}
    assert {name: owners[name] for name in ("Page", "Item", "Plugins")} == {
        "Page": "carriers_acme", "Item": "carriers_acme", "Plugins": "core",
    }  # fmt: skip
