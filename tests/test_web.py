"""The admin pages through a real Flask client, on both databases, with the test plugin `suppliers`."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import flask
import marshmallow as ma
import peewee
import pytest
from werkzeug.routing import Rule

from core import access, auth, db, i18n, jobs
from core import runtime as runtime_room
from core.app import create_app
from core.context import Context, system_context
from core.errors import Conflict, Invalid, Rejected
from core.resources import Minor, service_of, tags_of
from core.runtime import Runtime
from core.testing.databases import cut_connections
from core.web import forms
from core.web.theme import CSP, THEME
from tests.conftest import confirmed, csrf_of
from tests.helpers import count_statements, make_suppliers, suppliers_on, taking_no_writes

LIST = "/admin/suppliers/"


runtime = suppliers_on("transfer")


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def codes(page: str) -> list[str]:
    return re.findall(r'class="mk-key"[^>]*><bdi>(S-\d+)', page)


def send(client: Any, url: str, **form: Any) -> Any:
    """POST with the token of a page that the user has open; a question that comes back is answered with yes."""
    return confirmed(client, url, ask(client, url, **form), **form)


def ask(client: Any, url: str, **form: Any) -> Any:
    """The same without an answer to a question."""
    token = csrf_of(text_of(client.get("/admin/")))
    return client.post(url, data={"csrf_token": token} | form, headers={"Referer": "http://localhost/admin/"})


def document(code: str = "S-1", **more: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Name of {code}"} | more


# lists


def test_list_shows_records_newest_first(owner: Any) -> None:
    make_suppliers(count=3)
    assert codes(text_of(owner.get(LIST))) == ["S-0003", "S-0002", "S-0001"]


def test_filter_is_a_plain_link_with_a_chip_that_can_be_removed(owner: Any) -> None:
    make_suppliers(document("S-1", is_active=False), document("S-2"))
    page = text_of(owner.get(LIST + "?is_active=false"))
    assert codes(page) == ["S-1"]
    assert "Active: <b><bdi>No</bdi></b>" in page
    assert "Remove the filter Active" in page


def test_empty_fields_of_a_filter_form_do_not_stay_in_the_address(owner: Any) -> None:
    answer = owner.get(LIST + "?country__prefix=GB&tag=&is_active=")
    assert answer.status_code == 302
    assert answer.location == LIST + "?country__prefix=GB"


def test_pages_follow_each_other_without_gap_or_overlap(owner: Any) -> None:
    make_suppliers(count=60)
    first = text_of(owner.get(LIST + "?limit=25&sort=code"))
    seen, page = codes(first), first
    while following := re.search(r'href="(\?[^"]*cursor=[^"]+)"[^>]*>(?:(?!</a>).)*Next page', page, re.S):
        page = text_of(owner.get(LIST + following[1].replace("&amp;", "&")))
        seen += codes(page)
    assert seen == [f"S-{n:04}" for n in range(1, 61)]


def test_search_finds_a_part_of_a_word(owner: Any) -> None:
    make_suppliers({"code": "S-1", "name": "Waha Linen"}, {"code": "S-2", "name": "Other"})
    assert codes(text_of(owner.get(LIST + "?q=line"))) == ["S-1"]


def test_a_value_that_no_filter_takes_shows_the_list_and_says_why(owner: Any) -> None:
    make_suppliers(count=1)
    answer = owner.get(LIST + "?is_active=perhaps")
    assert answer.status_code == 200
    assert "Write true or false" in text_of(answer)


def test_htmx_gets_the_table_alone(owner: Any) -> None:
    make_suppliers(count=1)
    page = text_of(owner.get(LIST, headers={"HX-Request": "true"}))
    assert "<html" not in page
    assert codes(page) == ["S-0001"]
    assert 'hx-swap-oob="true"' in page


def test_going_back_in_the_browser_gets_the_whole_page(owner: Any) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in text_of(owner.get(LIST, headers=headers))


def test_count_comes_late_and_follows_the_filters(owner: Any) -> None:
    make_suppliers(document("S-1", country="GB"), document("S-2", country="SA"))
    assert text_of(owner.get(LIST + "count?country=SA")) == "1"


def test_empty_lists_say_what_to_do(owner: Any) -> None:
    for query, says in (("", "No suppliers yet"), ("?country=GB", "No suppliers match")):
        assert says in text_of(owner.get(LIST + query))


def test_a_list_that_never_had_a_record_has_nothing_to_filter_or_arrange(owner: Any) -> None:
    assert "mk-tools" not in text_of(owner.get(LIST))
    assert "mk-tools" in text_of(owner.get(LIST + "?country=GB"))
    make_suppliers(count=1)
    assert "mk-tools" in text_of(owner.get(LIST))


def test_a_record_page_shows_its_subtitle_and_its_first_actions_as_buttons(owner: Any) -> None:
    first = make_suppliers(document(country="SA"))[0]
    page = text_of(owner.get(f"{LIST}{first}"))
    line = re.search(r'<p class="mk-under">(.*?)</p>', page)
    assert line
    assert re.sub("<[^>]+>", "", line[1]) == "S-1 · SA"
    buttons = re.findall(r'<form class="mk-inline mk-wide-only" method="post" action="[^"]*/actions/(\w+)"', page)
    assert buttons == ["add_tags", "remove_tags"]
    assert 'class="mk-btn mk-btn-p" href="/admin/suppliers/1/edit"' in page.replace(f"/{first}/", "/1/")


def test_the_page_of_a_user_says_his_language_and_the_changes_in_words(owner: Any) -> None:
    page = text_of(owner.get(f"/admin/users/{owner.user.id}"))
    assert re.search(r"<dt>Language</dt><dd><bdi>English</bdi>", page)
    changes = [re.sub("<[^>]+>", "", one) for one in re.findall(r'<p class="mk-change">(.*?)</p>', page)]
    assert changes
    assert not [one for one in changes if "scopes" in one or re.search(r"– *–", one)], changes


# statements


def test_a_list_page_needs_at_most_11_statements(owner: Any) -> None:
    make_suppliers(count=60)
    owner.get(LIST)
    with count_statements() as seen:
        assert owner.get(LIST + "?sort=name&is_active=true").status_code == 200
    assert len(seen) <= 11, seen


def test_a_record_page_needs_at_most_9_statements(owner: Any) -> None:
    first = make_suppliers(document(tags=["vip"]))[0]
    with count_statements() as seen:
        assert owner.get(f"{LIST}{first}").status_code == 200
    assert len(seen) <= 9, seen


# forms


def test_a_new_record_with_money_in_major_units(owner: Any) -> None:
    answer = send(owner, LIST + "new", code="S-9", name="Nine", currency="KWD", credit_minor="1,234.5")
    assert answer.status_code == 302
    made = int(answer.location.split("/")[-1])
    stored = service_of(runtime_room.current().resource("suppliers.supplier")).documents([made])[0]
    assert stored["credit_minor"] == 1_234_500


def test_errors_stand_at_their_field_and_the_input_is_kept(owner: Any) -> None:
    answer = send(owner, LIST + "new", code="S-9", name="", credit_minor="much")
    page = text_of(answer)
    assert answer.status_code == 422
    assert 'id="e-credit_minor"' in page
    assert 'value="much"' in page
    assert 'value="S-9"' in page
    assert 'href="#f-credit_minor"' in page


def test_what_a_hook_refuses_stands_at_its_field(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: Any) -> Any:
        raise Rejected(None, "name", "Not this name.")

    monkeypatch.setattr("core.resources.Service.create", refuse)
    page = text_of(send(owner, LIST + "new", **document()))
    assert re.search(r'id="e-name">.*?Not this name\.', page, re.S)


def test_an_edit_changes_only_what_was_edited(owner: Any) -> None:
    first = make_suppliers(document(country="GB"))[0]
    form = form_of(text_of(owner.get(f"{LIST}{first}/edit")))
    assert send(owner, f"{LIST}{first}/edit", **form | {"country": "SA"}).status_code == 302
    page = text_of(owner.get(f"{LIST}{first}"))
    assert "</b> · Updated" in page
    assert page.count('class="mk-change"') == 1


def test_what_the_form_remembers_may_be_nested_without_end(owner: Any) -> None:
    (record_id,) = make_suppliers(count=1)
    answer = send(owner, f"{LIST}{record_id}/edit", version="1", base="[" * 100_000, name="New")
    assert answer.status_code in (302, 409, 422)


def test_what_was_typed_for_a_record_that_was_deleted_meanwhile_is_kept(owner: Any) -> None:
    (one,) = make_suppliers(document())
    form = form_of(text_of(owner.get(f"{LIST}{one}/edit"))) | {"name": "Typed for long"}
    runtime_room.current().resource("suppliers.supplier").model.delete_by_id(one)
    assert owner.get(f"{LIST}{one}/edit").status_code == 404
    answer = send(owner, f"{LIST}{one}/edit", **form)
    assert answer.status_code == 404
    assert "This record was deleted meanwhile." in text_of(answer)
    assert 'value="Typed for long"' in text_of(answer)
    assert f'action="{LIST}new"' in text_of(answer)
    made = send(owner, f"{LIST}new", **form_of(text_of(answer)))
    assert made.status_code == 302
    assert "Typed for long" in text_of(owner.get(made.location))


def test_a_conflict_shows_the_other_change_and_keeps_the_input(owner: Any) -> None:
    first = make_suppliers(document(country="GB"))[0]
    mine = form_of(text_of(owner.get(f"{LIST}{first}/edit")))
    assert send(owner, f"{LIST}{first}/edit", **mine | {"name": "Theirs"}).status_code == 302
    answer = send(owner, f"{LIST}{first}/edit", **mine | {"name": "Mine"})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "Theirs" in page
    assert form_of(page)["name"] == "Mine"
    assert send(owner, f"{LIST}{first}/edit", **form_of(page)).status_code == 302
    assert "<h1><bdi>Mine</bdi></h1>" in text_of(owner.get(f"{LIST}{first}"))


def test_what_only_the_other_changed_is_taken_over_and_stays(owner: Any) -> None:
    first = make_suppliers(document(country="GB"))[0]
    mine = form_of(text_of(owner.get(f"{LIST}{first}/edit")))
    send(owner, f"{LIST}{first}/edit", **mine | {"name": "Theirs"})
    page = text_of(send(owner, f"{LIST}{first}/edit", **mine | {"country": "SA"}))
    assert "Taken over from them: Name" in page
    assert "data-take" not in page
    assert send(owner, f"{LIST}{first}/edit", **form_of(page)).status_code == 302
    kept = form_of(text_of(owner.get(f"{LIST}{first}/edit")))
    assert (kept["name"], kept["country"]) == ("Theirs", "SA")


def test_without_a_script_the_server_takes_over_what_the_other_wrote(owner: Any) -> None:
    first = make_suppliers(document(country="GB"))[0]
    mine = form_of(text_of(owner.get(f"{LIST}{first}/edit")))
    send(owner, f"{LIST}{first}/edit", **mine | {"name": "Theirs", "country": "SA"})
    clash = form_of(text_of(send(owner, f"{LIST}{first}/edit", **mine | {"name": "Mine", "country": "FR"})))
    page = text_of(send(owner, f"{LIST}{first}/edit", **clash, take_over="name"))
    assert (form_of(page)["name"], form_of(page)["country"]) == ("Theirs", "FR")
    assert "Taken over from them: Name" in page
    assert re.findall('name="take_over" value="([^"]+)', page) == ["country"]
    assert f'href="{LIST}{first}/edit?" data-drop' in page


def test_what_a_service_refuses_by_its_state_is_told_and_the_input_is_kept(owner: Any, monkeypatch: Any) -> None:
    def refuse(*_given: Any) -> Any:
        raise Conflict("It is being counted now.")

    (first,) = make_suppliers(document())
    form = form_of(text_of(owner.get(f"{LIST}{first}/edit"))) | {"name": "Typed"}
    monkeypatch.setattr("core.resources.Service.update", refuse)
    monkeypatch.setattr("core.resources.Service.create", refuse)
    edited, made = send(owner, f"{LIST}{first}/edit", **form), send(owner, f"{LIST}new", **document(name="Typed"))
    for answer, status in ((edited, 409), (made, 422)):
        page = text_of(answer)
        assert (answer.status_code, form_of(page)["name"]) == (status, "Typed")
        assert "It is being counted now." in page
        assert "Someone else changed" not in page


def test_who_was_faster_by_a_moment_is_seen_at_once(owner: Any, monkeypatch: Any) -> None:
    (first,) = make_suppliers(document(country="GB"))
    model = runtime_room.current().resource("suppliers.supplier").model

    def meanwhile(*_given: Any) -> None:
        model.change(country="SA").where(model.id == first).execute()

    form = form_of(text_of(owner.get(f"{LIST}{first}/edit")))
    with monkeypatch.context() as patch:
        patch.setattr("core.web.questions.before_writing", meanwhile)  # between what is read and what is written
        page = text_of(send(owner, f"{LIST}{first}/edit", **form | {"country": "FR"}))
    assert re.findall('name="take_over" value="([^"]+)', page) == ["country"]
    assert send(owner, f"{LIST}{first}/edit", **form_of(page)).status_code == 302


def form_of(page: str) -> dict[str, str]:
    """The texts in a page's inputs as the browser would send them."""
    found: dict[str, str] = {}

    class Inputs(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            boxed = given.get("type") in ("checkbox", "radio") and "checked" not in given
            if tag == "input" and given.get("name") not in (None, "csrf_token") and not boxed:
                found[str(given["name"])] = given.get("value") or ""

    Inputs().feed(page)
    return found


def test_delete_asks_first_and_then_deletes(owner: Any) -> None:
    first = make_suppliers(document())[0]
    assert "Delete Name of S-1" in text_of(owner.get(f"{LIST}{first}/delete"))
    assert send(owner, f"{LIST}{first}/delete").location == LIST
    assert owner.get(f"{LIST}{first}").status_code == 404


def test_a_new_form_ticks_what_the_model_takes_by_itself(owner: Any) -> None:
    page = text_of(owner.get(LIST + "new"))
    assert re.search(r'name="is_active" value="1" checked', page)


def test_a_note_stands_in_the_timeline(owner: Any) -> None:
    first = make_suppliers(document())[0]
    send(owner, f"{LIST}{first}/notes", text="Call <b>before</b> noon")
    assert "Call &lt;b&gt;before&lt;/b&gt; noon" in text_of(owner.get(f"{LIST}{first}"))


# actions


def test_an_action_asks_for_its_arguments_first(owner: Any) -> None:
    ids = make_suppliers(count=2)
    page = text_of(send(owner, LIST + "actions/add_tags", ids=ids))
    assert "For 2 selected records." in page
    assert 'name="argument.tags"' in page


def test_a_few_records_are_tagged_at_once(owner: Any) -> None:
    ids = make_suppliers(count=3)
    form = {"ids": ids[:2], "confirmed": "1", "argument.tags": "vip, gift", "back": LIST + "?sort=code"}
    answer = send(owner, LIST + "actions/add_tags", **form)
    assert answer.location == LIST + "?sort=code"
    assert "2 records changed." in text_of(owner.get(LIST))
    assert tags_of("suppliers.supplier", ids) == {ids[0]: ["gift", "vip"], ids[1]: ["gift", "vip"], ids[2]: []}


def test_what_was_done_at_once_is_undone_at_once_on_the_page_where_it_was_done(owner: Any) -> None:
    ids = make_suppliers(count=2)
    undo = tagged(owner, ids)
    answer = send(owner, undo, back=LIST + "?sort=code")
    assert answer.location == LIST + "?sort=code"
    assert "Undone for 2 records." in text_of(owner.get(LIST))
    assert tags_of("suppliers.supplier", ids) == {ids[0]: [], ids[1]: []}
    send(owner, undo)
    assert "This was taken back already." in text_of(owner.get(LIST))


def test_undo_names_the_records_that_somebody_changed_since(owner: Any) -> None:
    ids = make_suppliers(document("S-1"), document("S-2"))
    undo = tagged(owner, ids)
    service_of(runtime_room.current().resource("suppliers.supplier")).update(
        system_context(), {ids[0]: {"name": "New"}}
    )
    send(owner, undo)
    page = text_of(owner.get(LIST))
    assert "1 of 2 records changed." in page
    assert "<li><bdi>New</bdi>: Changed or deleted since.</li>" in page
    assert tags_of("suppliers.supplier", ids) == {ids[0]: ["vip"], ids[1]: []}


def tagged(client: Any, ids: list[int]) -> str:
    """Tags the records by hand; the address of the Undo that the next page offers."""
    send(client, LIST + "actions/add_tags", ids=ids, confirmed="1", **{"argument.tags": "vip"})
    found = re.search(r'action="(/admin/jobs/\d+/undo)"', text_of(client.get(LIST)))
    assert found
    return found[1]


def test_wrong_arguments_come_back_with_the_selection(owner: Any) -> None:
    ids = make_suppliers(count=1)
    answer = send(owner, LIST + "actions/add_tags", ids=ids, confirmed="1", **{"argument.tags": "x" * 80})
    assert answer.status_code == 422
    assert f'name="ids" value="{ids[0]}"' in text_of(answer)


def test_all_that_match_becomes_a_job_with_the_query_and_the_exclusions(owner: Any) -> None:
    ids = make_suppliers(count=30)
    form = {"everything": "1", "query": "is_active=true&q=Supplier", "excluded": ids[:2], "confirmed": "1"}
    answer = send(owner, LIST + "actions/add_tags", **form | {"argument.tags": "vip"})
    job = jobs.Job.select().order_by(jobs.Job.id.desc()).get()
    assert answer.location == f"/admin/jobs/{job.id}"
    chosen = job.args["selection"]
    assert chosen["filters"] == {"is_active": "true"}
    assert chosen["search"] == "Supplier"
    assert chosen["ids"] == []
    assert sorted(chosen["excluded"]) == ids[:2]
    assert chosen["max_id"] == ids[-1]


def test_the_question_says_how_many_records_of_which_list_it_is_about(owner: Any) -> None:
    make_suppliers(count=30)
    ids = make_suppliers(document("X-1", is_active=False), document("X-2"))
    form = {"everything": "1", "query": "is_active=true&q=Supplier", "excluded": ids[1:]}
    page = re.sub(r"<[^>]+>", "", text_of(send(owner, LIST + "actions/add_tags", **form)))
    assert "For 30 records that match: Active: Yes, Search: Supplier" in page
    page = re.sub(r"<[^>]+>", "", text_of(send(owner, LIST + "actions/add_tags", everything="1", excluded=ids)))
    assert "For 30 records of the whole list." in page


def test_nothing_selected_does_nothing(owner: Any) -> None:
    send(owner, LIST + "actions/add_tags", confirmed="1")
    assert "Nothing was selected." in text_of(owner.get(LIST))


def test_an_action_never_sends_the_browser_elsewhere(owner: Any) -> None:
    for back in ("https://evil.example/", "//evil.example", "/admin/suppliers/\\..\\..", "/other", LIST + "\r\nX: 1"):
        assert send(owner, LIST + "actions/add_tags", back=back).location == LIST


def test_a_user_is_offered_to_be_switched_off_or_on_but_not_both(owner: Any, make_user: Any) -> None:
    user = make_user("viewer")
    for present, other in (("disable", "enable"), ("enable", "disable")):
        page = text_of(owner.get(f"/admin/users/{user.id}"))
        assert f"/actions/{present}" in page
        assert f"/actions/{other}" not in page
        send(owner, f"/admin/users/actions/{present}", ids=user.id, confirmed="1")


def test_a_page_offers_what_the_roles_reach_for_this_very_record(app: Any, make_user: Any, signed_in: Any) -> None:
    ours, theirs = make_suppliers(document("S-1", country="FR"), document("S-2", country="DE"))
    person = signed_in("viewer")
    access.assign(system_context("cli"), person.user, "manager", {"suppliers.supplier": {"country": ["FR"]}})
    pages = [text_of(person.get(f"{LIST}{record}")) for record in (ours, theirs)]
    for offered in ("/edit", "/delete", "actions/add_tags"):
        assert [offered in page for page in pages] == [True, False], offered


def test_a_new_password_is_not_typed_in_plain_sight(owner: Any, make_user: Any) -> None:
    page = text_of(ask(owner, "/admin/users/actions/set_password", ids=make_user("viewer").id))
    assert re.search(r'name="argument.password" type="password"', page)


# rights


def test_who_may_only_look_sees_no_buttons(signed_in: Any) -> None:
    first = make_suppliers(count=1)[0]
    viewer = signed_in("viewer")
    page = text_of(viewer.get(LIST)) + text_of(viewer.get(f"{LIST}{first}"))
    assert codes(page)
    for absent in ("/admin/suppliers/new", "/edit", "/delete", 'name="ids"', "actions/add_tags", "/notes"):
        assert absent not in page


def test_who_may_only_look_can_change_nothing(signed_in: Any) -> None:
    first, viewer = make_suppliers(count=1)[0], signed_in("viewer")
    for path in ("new", f"{first}/edit", f"{first}/delete", f"{first}/notes", "actions/add_tags"):
        assert send(viewer, LIST + path, ids=first, text="x").status_code == 403, path


def test_records_outside_the_row_scope_look_like_none(signed_in: Any) -> None:
    ours, theirs = make_suppliers(document("S-1", country="GB"), document("S-2", country="SA"))
    narrow = signed_in("manager", {"suppliers.supplier": {"country": ["GB"]}})
    assert codes(text_of(narrow.get(LIST))) == ["S-1"]
    assert [narrow.get(f"{LIST}{one}").status_code for one in (ours, theirs)] == [200, 404]


def test_the_menu_has_only_what_may_be_opened(signed_in: Any) -> None:
    homes = {role: text_of(signed_in(role).get("/admin/")) for role in ("viewer", "owner")}
    menus = {role: set(re.findall(r'<li><a href="([^"]+)"', page)) for role, page in homes.items()}
    assert LIST in menus["viewer"]
    assert "/admin/users/" not in menus["viewer"]
    assert {LIST, "/admin/users/", "/admin/roles/", "/admin/plugins/", "/admin/jobs/"} <= menus["owner"]


def test_a_form_without_its_token_is_refused(owner: Any) -> None:
    assert owner.post(LIST + "new", data=document()).status_code == 400


def test_stock_routes_of_flask_admin_do_not_exist(app: Any) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin/")}
    assert not [rule for rule in rules if re.search(r"ajax|/action/|/export/|details/|/static/", rule)]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_builds_an_address_is_compiled_when_it_is_wanted(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, compile_ = [], Rule._compile_builder
    monkeypatch.setattr(Rule, "_compile_builder", lambda rule, unknown: compiled.append(rule.rule) or compile_(rule))
    app = create_app(runtime)
    assert compiled == []
    with app.test_request_context():
        assert [flask.url_for("root", page=n) for n in (1, 2)] == ["/?page=1", "/?page=2"]
    assert compiled == ["/"]


def test_a_form_and_a_note_refuse_a_card_number(owner: Any, runtime: Any) -> None:
    answer = send(owner, LIST + "new", **document(name="paid by 4111 1111 1111 1111"))
    assert answer.status_code == 422
    assert "payment card" in text_of(answer)
    make_suppliers(document())
    page = text_of(send(owner, LIST + "1/notes", text="4111-1111-1111-1111"))
    assert "payment card" in page
    assert "4111" not in page


# pages


PAGES = ["/admin/", LIST, LIST + "?is_active=true&q=a", LIST + "new", LIST + "1", LIST + "1/edit", LIST + "1/delete"]
PAGES += ["/admin/jobs/", "/admin/plugins/", "/admin/users/", "/admin/roles/", "/admin/audit/", "/admin/profile/"]
PAGES += ["/admin/users/1", "/admin/users/1/edit", "/admin/users/new", "/admin/roles/1", "/admin/audit/1"]
PAGES += ["/admin/imports/", "/admin/imports/new", "/admin/imports/export?resource=suppliers.supplier", "/nothing"]


class Inline(HTMLParser):
    """Collects what our content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and not (given.get("src") or "").startswith("/static/")):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            address = (value or "").strip().lower() if name in ("href", "src", "action", "formaction") else ""
            if name == "style" or name.startswith(("on", "hx-on")) or address.startswith(("javascript:", "http")):
                self.found.append(f"{tag} {name}={value}")


@pytest.mark.parametrize(
    ("language", "name", "said"),
    [
        ("ar", "Waha (UK)", "\u2068Waha (UK)\u2069"), ("ar", "واحة (لندن)", "واحة (لندن)"),
        ("en", "واحة (لندن)", "\u2068واحة (لندن)\u2069"), ("en", "Waha (UK)", "Waha (UK)"),
    ],
)  # fmt: skip
def test_a_name_within_a_sentence_keeps_its_signs(owner: Any, language: str, name: str, said: str) -> None:
    (one,) = make_suppliers(document(name=name))
    auth.User.update(locale=language).where(auth.User.id == owner.user.id).execute()
    title = re.search(r"<title>(.*?) · Maktab", text_of(owner.get(f"{LIST}{one}/edit")))
    assert title
    assert title[1] in (f"Edit {said}", f"تعديل {said}")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_is_free_of_inline_code_and_carries_the_policy(owner: Any, language: str) -> None:
    make_suppliers(document(tags=["vip"]))
    send(owner, "/admin/profile/", what="profile", name="Noura", email="", locale=language, timezone="Asia/Riyadh")
    for path in PAGES:
        answer = owner.get(path)
        parser = Inline()
        parser.feed(text_of(answer))
        assert answer.status_code == (404 if path == "/nothing" else 200), path
        assert parser.found == [], path
        assert answer.headers["Content-Security-Policy"] == CSP
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Referrer-Policy" in answer.headers
        direction = 'lang="ar" dir="rtl"' if language == "ar" else 'lang="en" dir="ltr"'
        assert direction in text_of(answer), path


@pytest.mark.parametrize(("asked", "given"), [("ar-SA,ar;q=0.9", 'lang="ar" dir="rtl"'), ("fr", 'lang="en" dir="ltr"')])
def test_the_browser_chooses_the_language_before_sign_in(client: Any, asked: str, given: str) -> None:
    page = text_of(client.get("/admin/sign-in", headers={"Accept-Language": asked}))
    assert given in page


def test_assets_are_kept_for_ever_under_a_name_of_their_content(client: Any) -> None:
    page = text_of(client.get("/admin/sign-in"))
    sheet = client.get(re.search(r'href="(/static/\w+/maktab.css)"', page)[1], headers={"Accept-Encoding": "gzip"})  # type: ignore[index]
    assert "immutable" in sheet.headers["Cache-Control"]
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert client.get("/static/older/maktab.css").headers["Cache-Control"] == "no-cache"
    assert client.get("/static/older/../icons.json").status_code == 404


def test_a_full_disk_is_a_read_only_page_and_no_error(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any, **_named: Any) -> None:
        try:
            raise OSError("database or disk is full")
        except OSError:
            raise peewee.OperationalError("cannot rollback - no transaction is active")  # noqa: B904 - as it comes

    monkeypatch.setattr("core.resources.query.page", full)
    answer = owner.get(LIST)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Nothing was changed" in text_of(answer)


def test_while_no_writes_are_taken_pages_can_be_read_and_say_so(owner: Any, ctx: Context) -> None:
    make_suppliers(document("S-1"))
    bearer = {"Authorization": f"Bearer {auth.create_token(ctx, owner.user, ['*'])}"}
    new = {"code": "S-2", "name": "Second", "is_active": "1"}
    with taking_no_writes():
        refused = send(owner, LIST + "new", **new)
        assert (refused.status_code, "Nothing was changed" in text_of(refused)) == (503, True)
        page = text_of(owner.get(LIST))
        assert "Read only for now" in page
        assert "S-1" in page
        assert owner.application.test_client().get("/api/v1/suppliers", headers=bearer).status_code == 200
        by_api = owner.application.test_client().post("/api/v1/suppliers", json=document("S-3"), headers=bearer)
        assert (by_api.status_code, "Nothing was changed" in by_api.json["detail"]) == (503, True)
    assert "Read only for now" not in text_of(owner.get(LIST))
    assert send(owner, LIST + "new", **new).status_code == 302


def test_an_unexpected_error_shows_the_number_of_the_request(
    owner: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    monkeypatch.setattr("core.resources.query.page", lambda *_given: 1 // 0)
    answer = owner.get(LIST)
    assert answer.status_code == 500
    assert "Number of this request" in text_of(answer)


def test_other_errors_of_the_database_are_not_taken_for_a_full_disk() -> None:
    assert not db.takes_no_writes(peewee.IntegrityError("UNIQUE constraint failed"))


def test_a_statement_that_is_wrong_is_an_error_and_no_full_disk(app_db: Any) -> None:
    with pytest.raises(peewee.PeeweeException) as wrong:
        app_db.execute_sql("SELECT nothing FROM nowhere")
    assert not db.takes_no_writes(wrong.value)


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_a_page_whose_connection_was_cut_says_so_and_the_next_one_works(owner: Any) -> None:
    owner.get(LIST)
    cut_connections()
    answer = owner.get(LIST)
    assert answer.status_code == 503
    assert "Nothing was changed" in text_of(answer)
    db.database.close_idle()
    db.database.manual_close()
    assert owner.get(LIST).status_code == 200


def test_no_template_lies_about_unused() -> None:
    names = {str(path.relative_to(THEME / "templates")) for path in (THEME / "templates").rglob("*.html")}
    sources = [*Path("core").rglob("*.py"), *(THEME / "templates").rglob("*.html")]
    used = set(re.findall(r"admin/[\w/]+\.html", "".join(path.read_text() for path in sources)))
    assert names == used & names, names - used


def test_our_style_sheet_keeps_to_its_rules() -> None:
    """One sheet serves both directions, its classes meet no others, its components take no raw colour."""
    sheet = re.sub(r"/\*.*?\*/|url\(.*?\)", "", (THEME / "static" / "maktab.css").read_text(), flags=re.S)
    components = sheet[sheet.index("body {") :]
    assert re.findall(r"(?<![\w-])(?:left|right)\b|(?:margin|padding|border)-(?:left|right)", sheet) == []
    assert {name for name in re.findall(r"\.([a-z][\w-]*)", sheet) if not name.startswith("mk-")} <= {"htmx-request"}
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", components) == []


# formats


@pytest.mark.parametrize(
    ("language", "minor", "currency", "shown"),
    [
        ("en", -124_900, "SAR", '<bdi dir="ltr">−SAR 1,249.00</bdi>'),
        ("en", 5, "GBP", '<bdi dir="ltr">£0.05</bdi>'),
        ("en", 1234, "JPY", '<bdi dir="ltr">¥1,234</bdi>'),
        ("ar", -124_900, "SAR", '<bdi dir="ltr">−1,249.00</bdi> ر.س'),
        ("ar", 1234, "KWD", '<bdi dir="ltr">1.234</bdi> د.ك'),
        ("ar", 5, "GBP", '<bdi dir="ltr">0.05</bdi> £'),
    ],
)
def test_money_by_language(language: str, minor: int, currency: str, shown: str) -> None:
    with i18n.speaking(language):
        assert str(i18n.money(minor, currency)).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("language", "amount", "currency", "shown"),
    [
        ("en", "2.5", "GBP", '<bdi dir="ltr">£2.50</bdi>'),
        ("en", "18.000", "GBP", '<bdi dir="ltr">£18.00</bdi>'),
        ("en", "0.0010", "GBP", '<bdi dir="ltr">£0.001</bdi>'),
        ("en", "1234", "JPY", '<bdi dir="ltr">¥1,234</bdi>'),
        ("ar", "-1234.5", "KWD", '<bdi dir="ltr">−1,234.500</bdi> د.ك'),
    ],
)
def test_a_unit_price_keeps_all_its_digits_beside_its_currency(
    language: str, amount: str, currency: str, shown: str
) -> None:
    with i18n.speaking(language):
        assert str(i18n.price(Decimal(amount), currency)).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(("typed", "meant"), [
        ("1,234.50", "1234.50"), ("١٬٢٣٤٫٥", "1234.5"), (" -7 ", "-7"), ("1 234 567", "1234567"), (".5", "0.5"),
        ("12.", "12"), ("1,234,567.891", "1234567.891"),
    ])  # fmt: skip
def test_numbers_as_people_type_them(typed: str, meant: str) -> None:
    assert str(i18n.parse_number(typed)) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "abc",
        "NaN",
        "1e999999",
        "12,50",
        "1,5",
        "1.250,00",
        "1,23,456",
        "1234,567",
        "1,234 567",
        ".",
        "1,250,",
        "--5",
        "9" * 60,
    ],
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        i18n.parse_number(typed)


class Place(ma.Schema):
    city = ma.fields.String()


class Line(ma.Schema):
    sku = ma.fields.String(required=True)
    price_minor = Minor()


class Purchase(ma.Schema):
    place = ma.fields.Nested(Place, allow_none=True)
    lines = ma.fields.Nested(Line, many=True)


def purchase(**values: str) -> forms.Form:
    form = forms.form_of(Purchase)
    form.values = {name.replace("__", "."): text for name, text in values.items()}
    return form


def test_rows_of_a_form_become_a_list_without_its_empty_rows() -> None:
    form = purchase(lines__0__sku="A", lines__0__price_minor="1.50", lines__1__sku="", lines__2__sku="B")
    assert form.document("GBP")["lines"] == [{"sku": "A", "price_minor": 150}, {"sku": "B"}]


def test_an_error_in_a_row_stands_in_that_row() -> None:
    form = purchase(lines__0__sku="A", lines__3__price_minor="1")
    with pytest.raises(Invalid) as caught:
        form.document("GBP")
    assert list(caught.value.errors) == ["lines.1.sku"]
    assert form.values["lines.1.price_minor"] == "1"


def test_an_emptied_object_is_taken_away_and_an_untouched_one_is_not_sent() -> None:
    assert purchase(place__city="").document("GBP", {"place.city": "Riyadh"}) == {"place": None}
    assert purchase(place__city="Riyadh").document("GBP", {"place.city": "Riyadh"}) == {}


def test_what_a_schema_says_is_said_in_arabic() -> None:
    with i18n.speaking("ar"):
        assert i18n.said("Length must be between 1 and 32.") == "يجب أن يكون الطول بين 1 و32."
        assert i18n.said("A rule of a plugin: 7.") == "A rule of a plugin: 7."


def test_marks_of_a_chart_are_in_the_digits_of_the_reader() -> None:
    with i18n.speaking("ar", digits="arab"):
        assert i18n.compact(15000).startswith("١٥")
        assert i18n.short_day(date(2026, 11, 26)).startswith("٢٦")


def test_numbers_in_the_words_of_a_text_are_in_the_digits_of_the_reader() -> None:
    with i18n.speaking("ar", digits="arab"):
        assert i18n.told("core", "30 days") == "٣٠ يومًا"
        assert i18n.told("core", "Write a number like 1,250.50.") == "اكتب رقمًا مثل 1,250.50."
    with i18n.speaking("ar"):
        assert i18n.told("core", "30 days") == "30 يومًا"


def test_what_is_not_there_keeps_the_menu_beside_it_for_who_is_signed_in(signed_in: Any, client: Any) -> None:
    page = signed_in("owner").get("/admin/orders/999999")
    assert (page.status_code, 'id="menu"' in page.text, "There is nothing here" in page.text) == (404, True, True)
    part = signed_in("owner").get("/admin/orders/999999", headers={"HX-Request": "true"})
    assert (part.status_code, 'id="menu"' in part.text) == (404, False)
    for path in ("/admin/nothing", "/nothing"):
        assert 'id="menu"' not in client.get(path).text
