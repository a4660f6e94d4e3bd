"""The command bar: what it finds, for whom, in how many statements; the page without a script; the hook."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from core import access
from core.context import Context
from core.resources import Resource
from core.web import palette
from tests.helpers import count_statements, make_suppliers, suppliers_on

BAR = "/admin/palette/"
PART = {"HX-Request": "true"}


runtime = suppliers_on("visits", "transfer")


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def hits(browser: Any, asked: str = "", *recent: str) -> dict[str, str]:
    """{address: text} of what the bar shows."""
    answer = browser.get(BAR, query_string={"q": asked, "recent": recent}, headers=PART)
    assert answer.status_code == 200
    found = re.findall(r'<a class="mk-pal-o" href="([^"]+)"[^>]*role="option"[^>]*>(.*?)</a>', answer.text, re.S)
    assert answer.text.count('role="option"') == len(found)
    return {html.unescape(url): html.unescape(re.sub(r"<[^>]+>", "", text)) for url, text in found}


@pytest.mark.parametrize("asked", ["S-0002", "s-0002", "Waha Linen", "aha lin", "٠٠٠٢"])
def test_a_record_is_found_by_its_number_its_name_and_a_part_of_it(owner: Any, asked: str) -> None:
    make_suppliers({"code": "S-0001", "name": "Other"}, {"code": "S-0002", "name": "Waha Linen"})
    found = hits(owner, asked)
    assert [text for url, text in found.items() if url.startswith("/admin/suppliers/")] == ["Waha Linen · S-0002£0.00"]


def test_more_than_a_few_hits_lead_to_the_list_with_the_same_search(owner: Any) -> None:
    make_suppliers(count=8)
    found = [url for url in hits(owner, "supplier") if url.startswith("/admin/suppliers/")]
    assert len(found) == palette.MOST + 5  # the list, new ones of it, a view, a form, and all that match
    assert found[-1] == "/admin/suppliers/?q=supplier"
    assert "Supplier 8" in owner.get(found[-1]).text


def test_a_short_number_finds_the_record_that_has_it_and_not_all_that_begin_so(owner: Any) -> None:
    make_suppliers({"code": "S1", "name": "One"}, {"code": "S12", "name": "Twelve"})
    assert [text for url, text in hits(owner, "s1").items() if "suppliers" in url] == ["One · S1£0.00"]


def test_pages_and_new_records_are_found_by_any_part_of_their_names(owner: Any) -> None:
    assert hits(owner, "audit") == {"/admin/audit/": "Audit log"}
    assert hits(owner, "user new") == {"/admin/users/new": "New user"}
    assert "/admin/profile/" in hits(owner, "langua")


def test_views_of_lists_are_found_the_declared_and_the_saved(owner: Any, ctx: Context) -> None:
    from core.views import SavedView

    row = SavedView.create(resource="suppliers.supplier", name="Active abroad", owner=owner.user.id)
    found = hits(owner, "active")
    assert found["/admin/suppliers/?view=active"] == "Suppliers: Active"
    assert found[f"/admin/suppliers/?view={row.id}"] == "Suppliers: Active abroad"
    assert owner.get(f"/admin/suppliers/?view={row.id}").status_code == 200


def test_choices_of_the_user_and_settings_are_found_where_they_stand(owner: Any, signed_in: Any) -> None:
    assert hits(owner, "customize") == {"/admin/home/": "Customize Home", "/admin/menu/": "Customize the menu"}
    assert hits(owner, "api tok") == {"/admin/profile/#tokens": "API tokens"}
    assert hits(owner, "largest upl") == {"/admin/settings/#upload_limit_mb": "Largest upload, MB"}
    assert hits(signed_in("viewer"), "largest upl") == {}
    for page, place in (address.split("#") for address in hits(owner, "e") if "#" in address):
        assert f'id="{place}"' in owner.get(page).text


def test_what_begins_with_the_words_comes_first(owner: Any) -> None:
    assert next(iter(hits(owner, "plug"))) == "/admin/plugins/"
    assert list(hits(owner, "suppliers"))[:2] == ["/admin/suppliers/", "/admin/suppliers/?tag=new"]


def test_of_nothing_asked_the_last_opened_come_first_and_then_the_menu(owner: Any) -> None:
    one, two = make_suppliers(count=2)
    found = list(hits(owner, "", f"/admin/suppliers/{two}", "/admin/jobs/", f"/admin/suppliers/{one}"))
    assert found[:2] == [f"/admin/suppliers/{two}", "/admin/jobs/"]
    assert {"/admin/", "/admin/suppliers/new", "/admin/users/"} <= set(found)


@pytest.mark.parametrize(
    "path", ["/admin/suppliers/99", "/admin/nothing/1", "//other.example/", "/admin/suppliers/1/delete", "x" * 5000]
)
def test_a_kept_address_that_leads_nowhere_is_left_out(owner: Any, path: str) -> None:
    assert hits(owner, "", path) == hits(owner)


def test_what_was_opened_before_a_role_was_narrowed_is_not_named_any_more(signed_in: Any) -> None:
    places = {"Ansbach": "DE", "Bath": "GB"}
    german, british = make_suppliers(*({"code": town, "name": town, "country": land} for town, land in places.items()))
    browser = signed_in("viewer", {"suppliers.supplier": {"country": ["DE"]}})
    found = hits(browser, "", f"/admin/suppliers/{german}", f"/admin/suppliers/{british}")
    assert "Ansbach" in found[f"/admin/suppliers/{german}"]
    assert f"/admin/suppliers/{british}" not in found
    assert hits(browser, "Bath") == {}
    assert "Ansbach" in str(hits(browser, "Ansbach"))


def test_what_a_plugin_denies_is_not_found(owner: Any, suppliers: Resource, ctx: Context, monkeypatch: Any) -> None:
    one, two = make_suppliers(count=2)
    monkeypatch.setattr(access, "denied", lambda actor, permission, resource, ids: frozenset({two} & {*ids}))
    addresses = [f"/admin/suppliers/{key}" for key in (one, two)]
    assert set(addresses) & set(hits(owner, "supplier")) == {addresses[0]}
    assert set(addresses) & set(hits(owner, "", *addresses)) == {addresses[0]}


@pytest.fixture
def suppliers(runtime: Any) -> Resource:
    found: Resource = runtime.resource("suppliers.supplier")
    return found


@pytest.mark.parametrize("role", ["viewer", "operator", "manager", "owner"])
def test_nothing_that_a_role_finds_is_forbidden_to_it(signed_in: Any, role: str) -> None:
    made = make_suppliers(count=3)
    browser = signed_in(role)
    found: set[str] = set()
    for asked in ("", "supplier", "s-0001", "new", "a", "e", "o", "i", role):
        found |= set(hits(browser, asked, *(f"/admin/suppliers/{key}" for key in made), "/admin/audit/"))
    assert len(found) > 5
    assert {url: browser.get(url).status_code for url in found} == dict.fromkeys(found, 200)


def test_a_part_costs_few_statements_and_no_more_for_more_records(owner: Any) -> None:
    make_suppliers(count=3)
    with count_statements() as few:
        hits(owner, "supplier")
    make_suppliers(*({"code": f"M-{n}", "name": f"Supplier {n}"} for n in range(40)))
    with count_statements() as many:
        hits(owner, "supplier")
    assert len(many) <= len(few) <= 20, (
        few
    )  # who asks, his choices and views: 4; each resource with a search: at most 4


def test_without_a_script_there_is_a_page_with_the_same_answer(owner: Any) -> None:
    (one,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    page = owner.get(f"{BAR}?q=waha").text
    assert f'href="/admin/suppliers/{one}"' in page
    assert "<html" in page
    assert 'role="option"' not in page
    assert f'class="mk-find" href="{BAR}"' in page
    assert "Nothing found for “&lt;b&gt;”" in owner.get(BAR, query_string={"q": "<b>"}).text


def test_nobody_finds_anything_before_he_signs_in(client: Any) -> None:
    assert client.get(BAR + "?q=a").status_code == 302
