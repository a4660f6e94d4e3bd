"""Cells of a list that are edited in place: by the form's input and service; what a clash and a refusal show."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from core import access
from core.audit import Entry
from core.context import Context
from core.resources import Column, Resource, Service, service_of
from core.resources import service as service_room
from core.testing import csrf_of
from tests.helpers import count_statements, make_suppliers, suppliers_on

runtime = suppliers_on()

LIST = "/admin/suppliers/"
PART = {"HX-Request": "true"}
GB = {"suppliers.supplier": {"country": ["GB"]}}


@pytest.fixture
def suppliers(runtime: Any) -> Resource:
    return runtime.resource("suppliers.supplier")  # type: ignore[no-any-return]


@pytest.fixture
def one(suppliers: Resource) -> int:
    doc = {"code": "S-1", "name": "Waha", "country": "GB", "currency": "GBP", "credit_minor": 1250, "tags": ["a"]}
    return make_suppliers(doc)[0]


def opened(browser: Any, record: int, name: str) -> tuple[int, str]:
    answer = browser.get(f"{LIST}{record}/cells/{name}", headers=PART)
    return answer.status_code, answer.text


def typed(browser: Any, record: int, name: str, text: str, cell: str = "", **more: Any) -> Any:
    """What pressing Enter sends, in the cell as it was opened (anew, without `cell`)."""
    found = re.search(r'name="base" value="([^"]*)"', cell or opened(browser, record, name)[1])
    assert found
    return sent(browser, record, name, base=html.unescape(found[1]), **{name: text}, **more)


def sent(browser: Any, record: int, name: str, /, **form: str) -> Any:
    token = csrf_of(browser.get("/admin/").text)
    headers = PART | {"Referer": "http://localhost/admin/"}
    return browser.post(f"{LIST}{record}/cells/{name}", data={"csrf_token": token, **form}, headers=headers)


def stored(suppliers: Resource, record: int) -> dict[str, Any]:
    return service_of(suppliers).documents([record])[0]


def edits(suppliers: Resource) -> list[Any]:
    return list(Entry.select().where(Entry.resource == suppliers.name, Entry.action == "updated").order_by(Entry.id))


@pytest.mark.parametrize(
    ("name", "held", "text", "value", "shown"),
    [
        ("name", "Waha", "Wool", "Wool", "Wool"),
        ("country", "GB", "DE", "DE", "DE"),
        ("credit_minor", "12.50", "1,000", 100_000, "£1,000.00"),
        ("parent", "", "S-2", 2, ">Other<"),
    ],
)
def test_a_cell_becomes_the_forms_input_and_what_it_sends_is_saved(
    suppliers: Resource, one: int, signed_in: Any, name: str, held: str, text: str, value: Any, shown: str
) -> None:
    make_suppliers({"code": "S-2", "name": "Other"})
    browser = signed_in("operator")
    status, cell = opened(browser, one, name)
    assert status == 200
    assert cell.startswith("<td")
    assert re.search(rf'<input[^>]* name="{name}"[^>]* value="{held}"', cell)
    row = typed(browser, one, name, text, **{"in": "columns=code,name,country,credit_minor,parent"})
    assert row.status_code == 200
    assert row.text.startswith(f'<tr data-record="{one}">')
    assert shown in row.text
    assert stored(suppliers, one)[name] == value
    (entry,) = edits(suppliers)
    assert list(entry.diff["after"]) == [name]
    assert entry.source == "ui"


def test_the_row_comes_back_with_the_columns_that_its_list_has(one: int, signed_in: Any) -> None:
    browser = signed_in("operator")
    listed = browser.get(f"{LIST}?columns=country,name").text
    row = typed(browser, one, "name", "Waha", **{"in": "columns=country,name"}).text
    assert row == re.search(rf'<tr data-record="{one}">.*?</tr>', listed, re.S)[0]  # type: ignore[index]


def test_what_was_not_changed_is_not_written(suppliers: Resource, one: int, signed_in: Any) -> None:
    assert typed(signed_in("operator"), one, "name", "Waha").status_code == 200
    assert edits(suppliers) == []
    assert suppliers.model.get_by_id(one).version == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("name", "", "This is needed."),
        ("country", "Germany", "This is not written as expected. Two letters"),
        ("credit_minor", "much", "Write a number like 1,250.50."),
        ("parent", "nobody", "Nothing found for “nobody”."),
    ],
)
def test_what_is_refused_is_said_at_the_cell_and_what_was_typed_stays(
    suppliers: Resource, one: int, signed_in: Any, name: str, text: str, said: str
) -> None:
    before, answer = stored(suppliers, one), typed(signed_in("operator"), one, name, text)
    assert answer.status_code == 422
    assert said in html.unescape(answer.text.split(f'id="e-{name}"')[1])
    assert re.search(rf'<input[^>]* name="{name}"[^>]* value="{text}"[^>]* aria-invalid="true"', answer.text)
    assert stored(suppliers, one) == before


def test_a_clash_shows_both_values_and_a_second_enter_puts_ours_over_it(
    suppliers: Resource, one: int, signed_in: Any, ctx: Context
) -> None:
    browser = signed_in("operator")
    cell = opened(browser, one, "name")[1]
    service_of(suppliers).update(ctx, {one: {"name": "Theirs"}})
    answer = typed(browser, one, "name", "Ours", cell)
    assert answer.status_code == 409
    assert '<input class="mk-input" id="f-name" name="name" type="text" value="Ours"' in answer.text
    assert "Someone else has put this here meanwhile: <b><bdi>Theirs</bdi></b>" in answer.text
    assert stored(suppliers, one)["name"] == "Theirs"
    assert typed(browser, one, "name", "Ours", answer.text).status_code == 200
    assert stored(suppliers, one)["name"] == "Ours"


def test_what_somebody_changes_beside_the_cell_is_no_clash(
    suppliers: Resource, one: int, signed_in: Any, ctx: Context
) -> None:
    browser = signed_in("operator")
    cell = opened(browser, one, "name")[1]
    service_of(suppliers).update(ctx, {one: {"country": "DE"}})
    assert typed(browser, one, "name", "Ours", cell).status_code == 200
    assert (stored(suppliers, one)["name"], stored(suppliers, one)["country"]) == ("Ours", "DE")


def test_the_same_digits_in_another_currency_are_a_clash(
    suppliers: Resource, one: int, signed_in: Any, ctx: Context
) -> None:
    browser = signed_in("operator")
    cell = opened(browser, one, "credit_minor")[1]
    service_of(suppliers).update(ctx, {one: {"currency": "JPY", "credit_minor": 5}})
    assert typed(browser, one, "credit_minor", "20", cell).status_code == 409
    assert stored(suppliers, one)["credit_minor"] == 5


def test_a_change_between_reading_and_writing_is_read_again(
    suppliers: Resource, one: int, signed_in: Any, ctx: Context, monkeypatch: Any
) -> None:
    browser, update, moved = signed_in("operator"), Service.update, list[int]()
    cell = opened(browser, one, "name")[1]

    def late(self: Service, ctx_: Context, docs: Any, versions: Any = None) -> Any:
        if not moved:
            moved.append(1)
            update(self, ctx, {one: {"country": "DE"}})
        return update(self, ctx_, docs, versions)

    monkeypatch.setattr(service_room.Service, "update", late)
    assert typed(browser, one, "name", "Ours", cell).status_code == 200
    assert (stored(suppliers, one)["name"], stored(suppliers, one)["country"]) == ("Ours", "DE")


@pytest.mark.parametrize("name", ["code", "tags", "version", "nothing"])
def test_only_columns_that_say_so_are_edited(one: int, signed_in: Any, name: str) -> None:
    assert opened(signed_in("owner"), one, name)[0] == 404


def test_who_may_not_edit_gets_no_input_and_no_mark(one: int, signed_in: Any, suppliers: Resource) -> None:
    browser = signed_in("viewer")
    assert opened(browser, one, "name")[0] == 403
    assert sent(browser, one, "name", base=json.dumps({"name": "Waha"}), name="X").status_code == 403
    assert "data-record" not in browser.get(LIST).text
    assert stored(suppliers, one)["name"] == "Waha"


def test_rows_that_the_role_may_see_but_not_edit_are_plain(suppliers: Resource, signed_in: Any, ctx: Context) -> None:
    ours, theirs = make_suppliers(
        {"code": "A", "name": "A", "country": "GB"}, {"code": "B", "name": "B", "country": "DE"}
    )
    access.Role.create(name="editors")
    for verb in ("view", "edit"):
        access.grant(ctx, "editors", f"suppliers.supplier.{verb}")
    browser = signed_in("viewer")
    access.assign(ctx, browser.user, "editors", scopes=GB)
    assert re.findall(r'data-record="(\d+)"', browser.get(LIST).text) == [str(ours)]
    assert opened(browser, theirs, "name")[0] == 404
    assert opened(browser, ours, "name")[0] == 200


def test_a_record_is_not_moved_out_of_what_the_role_may_edit(suppliers: Resource, one: int, signed_in: Any) -> None:
    browser = signed_in("operator", GB)
    assert typed(browser, one, "country", "DE").status_code in (403, 422)
    assert stored(suppliers, one)["country"] == "GB"


def test_what_a_plugin_denies_is_plain(one: int, signed_in: Any, monkeypatch: Any) -> None:
    browser = signed_in("operator")
    edit = "suppliers.supplier.edit"
    monkeypatch.setattr(access, "denied", lambda actor, asked, resource, ids: frozenset(ids if asked == edit else ()))
    assert "data-record" not in browser.get(LIST).text
    assert opened(browser, one, "name")[0] == 403


def test_a_field_that_is_fixed_now_says_why(one: int, signed_in: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Service, "fixed_in", lambda self, doc: {"name": "It was printed."})
    status, page = opened(signed_in("operator"), one, "name")
    assert (status, "It was printed." in page) == (409, True)


def test_without_a_script_the_address_is_the_form(one: int, signed_in: Any) -> None:
    answer = signed_in("operator").get(f"{LIST}{one}/cells/name")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}{one}/edit")


def test_a_token_is_wanted(one: int, signed_in: Any, suppliers: Resource) -> None:
    form = {"base": json.dumps({"name": "Waha"}), "name": "X"}
    assert signed_in("operator").post(f"{LIST}{one}/cells/name", data=form, headers=PART).status_code == 401
    assert stored(suppliers, one)["name"] == "Waha"


@pytest.mark.parametrize("base", ["", "[]", "{", '{"name": 3}', '{"name": "Waha", "code": "x"}'])
def test_a_made_up_base_is_a_clash(one: int, signed_in: Any, suppliers: Resource, base: str) -> None:
    assert sent(signed_in("operator"), one, "name", base=base, name="X").status_code == 409
    assert stored(suppliers, one)["name"] == "Waha"


def test_a_cell_says_what_is_expected_of_it_and_a_form_says_it_once(one: int, signed_in: Any) -> None:
    browser, help = signed_in("operator"), "Two letters, such as GB."
    assert f"This is not written as expected. {help}" in typed(browser, one, "country", "Wales").text
    refused = browser.send(f"{LIST}new", code="S-9", name="Nine", country="Wales").text
    assert f"This is not written as expected. {help}" in refused
    assert refused.partition("<form")[2].partition('id="f-country"')[2].partition("</div>")[0].count(help) == 1
    assert 'aria-describedby="e-country "' in refused


def test_a_list_costs_no_statement_more_for_who_edits_all_of_it(one: int, signed_in: Any) -> None:
    seen = []
    for role in ("viewer", "operator"):
        browser = signed_in(role)
        browser.get(LIST)
        with count_statements() as statements:
            browser.get(LIST)
        seen.append(len(statements))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("version", {}, "no field 'version' of one value that may be written"),
        ("nothing", {}, "no field 'nothing'"),
        ("country", {"reauth": ["country"]}, "what wants the password is edited in the form"),
        ("country", {"can_edit": False}, "the form does not edit it"),
        ("country", {"form_fields": ["name"]}, "the form does not edit it"),
    ],
)
def test_a_column_that_cannot_be_edited_in_place_is_refused_as_it_is_declared(
    suppliers: Resource, name: str, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        replace(suppliers, columns=[Column(name, "Label", editable=True)], **more)
