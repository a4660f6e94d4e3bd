"""The menu: what a role may open, in the order and with the links that its user wants."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import nav, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.context import Context
from core.testing import csrf_of
from tests.helpers import make_suppliers
from tests.plugin_kit import unload

ROLES = ["viewer", "operator", "manager", "owner"]


@pytest.fixture
def plugin_folder() -> Iterator[Path]:
    for name in ("suppliers", "visits"):
        unload(name)
    yield Path(__file__).parent / "plugins" / "visits"
    for name in ("suppliers", "visits"):
        unload(name)


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def menu_of(page: str) -> list[str]:
    """The addresses in the menu, in order."""
    side = page.partition('id="menu"')[2].partition("</nav>")[0]
    return re.findall(r'<li><a href="([^"]+)"', side)


def menu(browser: Any) -> list[str]:
    return menu_of(browser.get("/admin/profile/").text)


def fields(page: str) -> dict[str, list[str]]:
    """What the form of the page sends."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(order|hidden|pin)" value="([^"]*)"', page):
        found.setdefault(name, []).append(value.replace("&amp;", "&"))
    return found


def press(browser: Any, act: str, **more: Any) -> Any:
    return browser.send("/admin/menu/", act=act, **fields(browser.get("/admin/menu/").text), **more)


def test_entries_are_hidden_moved_and_reset(owner: Any) -> None:
    begin = menu(owner)
    press(owner, "hide:core_jobs.index_view")
    assert menu(owner) == [url for url in begin if url != "/admin/jobs/"]
    press(owner, "later:core_user.index_view")
    users, roles = (menu(owner).index(url) for url in ("/admin/users/", "/admin/roles/"))
    assert roles == users - 1
    press(owner, "show:core_jobs.index_view")
    assert "/admin/jobs/" in menu(owner)
    press(owner, "reset")
    assert menu(owner) == begin


def test_a_list_with_its_filters_is_pinned_on_top_until_it_is_taken_off(owner: Any) -> None:
    here = "/admin/suppliers/?country=ES"
    token = csrf_of(owner.get(here).text)
    sent = {"csrf_token": token, "act": "pin", "label": " Suppliers  of Spain "}
    answer = owner.post("/admin/menu/", data=sent, headers={"Referer": f"http://localhost{here}"})
    assert answer.headers["Location"] == here
    page = owner.get("/admin/profile/").text
    assert menu_of(page)[0] == here
    assert "Suppliers of Spain" in page
    press(owner, f"unpin:{here}")
    assert here not in menu(owner)


def pin(browser: Any, here: str) -> str:
    """Pins the list at `here` as its page offers it, and gives the name that it has in the menu then."""
    page = browser.get(here).text
    label = re.search(r'name="label" value="([^"]*)"', page)
    sent = {"csrf_token": csrf_of(page), "act": "pin", "label": label[1] if label else ""}
    assert browser.post("/admin/menu/", data=sent, headers={"Referer": f"http://localhost{here}"}).location == here
    side = browser.get("/admin/profile/").text.partition('id="menu"')[2].partition("</nav>")[0]
    entry = side.partition(f'<li><a href="{html.escape(here)}"')[2].partition("</a>")[0]
    return html.unescape(re.sub(r"<[^>]*>|^[^>]*>", "", entry)).strip()


def test_pins_of_one_list_are_called_by_what_they_show(owner: Any) -> None:
    assert pin(owner, "/admin/suppliers/") == "Suppliers"
    assert pin(owner, "/admin/suppliers/?country=ES") == "Country: ES · Suppliers"
    assert pin(owner, "/admin/suppliers/?view=active&q=wool") == "Active, Search: wool · Suppliers"
    assert pin(owner, "/admin/users/?is_active=1") == "Active: Yes · Users"
    assert pin(owner, "/admin/jobs/") == "Jobs"


def test_two_pins_of_one_list_are_told_apart_by_their_names(owner: Any) -> None:
    assert pin(owner, "/admin/suppliers/?sort=-name") == "by Name, descending · Suppliers"
    assert pin(owner, "/admin/suppliers/?sort=name") == "by Name · Suppliers"
    assert pin(owner, "/admin/suppliers/?q=wool&sort=name") == "Search: wool, by Name · Suppliers"
    changed = "with Part of, without Country, Credit · Suppliers"
    assert pin(owner, "/admin/suppliers/?columns=code%2Cname%2Cparent") == changed
    assert pin(owner, "/admin/suppliers/?columns=name%2Ccode%2Cparent") == f"{changed} (2)"
    assert pin(owner, "/admin/suppliers/?density=compact") == "Suppliers"
    assert pin(owner, "/admin/suppliers/?limit=25") == "Suppliers (2)"
    assert pin(owner, "/admin/suppliers/?limit=25") == "Suppliers (2)", "the same address is one pin"


def test_a_pin_is_renamed(owner: Any) -> None:
    pin(owner, "/admin/suppliers/?country=ES")
    pin(owner, "/admin/jobs/")
    page = owner.get("/admin/menu/").text
    assert re.findall(r'name="label" value="([^"]*)" maxlength', page) == ["Country: ES · Suppliers", "Jobs"]
    urls = ["/admin/suppliers/?country=ES", "/admin/jobs/"]
    press(owner, f"keep:{urls[0]}", label=[" Spain ", ""])
    side = owner.get("/admin/profile/").text.partition('id="menu"')[2].partition("</nav>")[0]
    assert menu(owner)[:2] == urls
    assert "Spain" in side
    assert "Country: ES" not in side
    order = fields(owner.get("/admin/menu/").text)["order"]
    owner.send("/admin/menu/", act=f"later:{urls[0]}", order=order, pin=urls, label=["Spain", "Work"])
    assert menu(owner)[:2] == urls[::-1]


@pytest.mark.parametrize(
    "where", ["http://elsewhere.test/admin/", "http://localhost/api/v1/users", "http://localhost/admin/no-such/", ""]
)
def test_only_a_page_of_the_admin_is_pinned(owner: Any, where: str) -> None:
    sent = {"csrf_token": csrf_of(owner.get("/admin/").text), "act": "pin", "label": "x"}
    answer = owner.post("/admin/menu/", data=sent, headers={"Referer": where} if where else {})
    assert answer.status_code == 422


def test_what_a_plugin_brought_is_left_out_with_it_and_comes_back(owner: Any, runtime: Any, ctx: Context) -> None:
    token = csrf_of(owner.get("/admin/visits/").text)
    sent = {"csrf_token": token, "act": "pin", "label": "Plan"}
    owner.post("/admin/menu/", data=sent, headers={"Referer": "http://localhost/admin/visits/"})
    press(owner, "hide:visits_plan.index_view")
    mine = menu(owner)
    assert mine[0] == "/admin/visits/"
    plugins.disable(ctx, "visits")
    without = plugins.build(runtime.settings)
    with runtime_room.bound(without):
        other = create_app(without).test_client()
        other.set_cookie("maktab", owner.get_cookie("maktab").value)
        page = other.get("/admin/menu/")
        assert "/admin/visits/" not in menu_of(page.text)
        form = {"csrf_token": csrf_of(page.text), "act": "hide:core_jobs.index_view", **fields(page.text)}
        assert other.post("/admin/menu/", data=form).status_code == 302
    assert menu(owner) == [url for url in mine if url != "/admin/jobs/"]


def test_who_chooses_no_role_stays_on_the_page_and_is_told(owner: Any) -> None:
    answer = press(owner, "role", role="")
    assert answer.status_code == 302
    assert "Choose a role." in owner.get(answer.location).text


def test_a_role_gives_the_menu_to_begin_with_as_far_as_rights_go(owner: Any, signed_in: Any) -> None:
    viewer = signed_in("viewer")
    owner.send("/admin/menu/", act="role", role="viewer", order=["core_jobs.index_view"], hidden=["admin"])
    press(owner, "hide:suppliers_supplier.index_view")
    assert "/admin/suppliers/" in menu(viewer)
    press(owner, "role", role="viewer")
    assert "/admin/suppliers/" not in menu(viewer)
    assert "/admin/users/" not in menu(viewer)
    press(viewer, "show:suppliers_supplier.index_view")
    assert "/admin/suppliers/" in menu(viewer)


def test_a_pin_is_not_there_for_who_may_not_open_its_page(runtime: Any, signed_in: Any, app: Any) -> None:
    choices = nav.Choices(pins=[{"label": "Users", "url": "/admin/users/"}, {"label": "Home", "url": "/admin/"}])
    for role, shown in (("owner", ["Users", "Home"]), ("operator", ["Home"])):
        browser = signed_in(role)
        with app.test_request_context("/admin/"):
            from core import auth

            actor = auth.context_for(browser.user, "ui").actor
            assert [pin["label"] for pin in nav.pins(actor, choices)] == shown


def test_shortcuts_of_the_phone_are_the_chosen_ones_then_the_first(owner: Any) -> None:
    def foot() -> list[str]:
        page = owner.get("/admin/").text.partition('class="mk-foot"')[2].partition("</nav>")[0]
        return re.findall(r'href="([^"]+)"', page)

    assert foot()[0] == "/admin/"
    assert len(foot()) == 4
    press(owner, "shortcuts", **{"shortcut-0": "core_jobs.index_view", "shortcut-1": "core_user.index_view"})
    assert foot()[:3] == ["/admin/", "/admin/jobs/", "/admin/users/"]
    assert len(foot()) == 4


def test_a_long_group_shows_seven_and_the_rest_behind_more(runtime: Any, signed_in: Any, app: Any) -> None:
    from core import auth

    with app.test_request_context("/admin/"):
        actor = auth.context_for(signed_in("owner").user, "ui").actor
        for group in nav.menu(actor, nav.Choices()):
            assert len(group["entries"]) <= nav.MOST + 1
            assert len(group["more"]) != 1, "a single one takes no more room than the word"


LINK = re.compile(r'(?:href|hx-get)="(/admin/[^"#]*)')


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("role", ROLES)
def test_no_visible_link_answers_403(signed_in: Any, ctx: Context, role: str) -> None:
    """Every link on every page that the role's links lead to, three steps from Home."""
    make_suppliers(count=2)
    browser = signed_in(role)
    seen: dict[str, int] = {}
    wave = ["/admin/"]
    for _step in range(3):
        found: set[str] = set()
        for url in wave:
            answer = browser.get(url)
            seen[url] = answer.status_code
            if answer.mimetype == "text/html":
                found |= {link.replace("&amp;", "&") for link in LINK.findall(answer.text)}
        wave = sorted(_one_of_each(found - seen.keys(), seen))
    assert len(seen) > 15
    assert {url: status for url, status in seen.items() if status in (401, 403) or status >= 500} == {}


def _one_of_each(links: set[str], seen: dict[str, int]) -> list[str]:
    """Of links that differ in their numbers and arguments alone, a few: they ask for the same permission."""
    kinds: dict[str, list[str]] = {}
    for link in sorted(links):
        kinds.setdefault(re.sub(r"\d+", "#", link.partition("?")[0]), []).append(link)
    known = {re.sub(r"\d+", "#", url.partition("?")[0]) for url in seen}
    return [link for kind, some in kinds.items() for link in some[: 1 if kind in known else 2]]
