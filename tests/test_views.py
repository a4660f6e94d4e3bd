"""Saved views: the address says what is shown, who sees and writes which, and what is left when a plugin goes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import access, audit, auth
from core import runtime as runtime_room
from core.context import Context, system_context
from core.db import Record
from core.resources import Column, Filter, ListState, Resource, query
from core.views import DENSITIES, SavedView, Setup, changed, differences
from tests.helpers import count_statements, make_suppliers, suppliers_on
from tests.test_web import codes, document, send, text_of

LIST, NEW = "/admin/suppliers/", "/admin/suppliers/views/new"


class Thing(Record):
    """For addresses alone; it has no table."""


THINGS = Resource(
    "things.thing", "things", Thing, ma.Schema, "Thing", "Things",
    columns=[Column(name, name, sortable=True, shown=name != "d") for name in "abcd"],
    filters=[Filter("a", "A", choices={"x": "X", "y": "Y"}), Filter("b", "B", "text"), Filter("c", "C", "number")],
)  # fmt: skip
_TEXTS = st.text(min_size=1, max_size=8)
_FILTERS = st.fixed_dictionaries(
    {}, optional={"a": st.sampled_from(["x", "y", "x,y"]), "b": _TEXTS, "b__prefix": _TEXTS, "c__gte": _TEXTS}
)
_SETUPS = st.builds(
    Setup,
    filters=_FILTERS,
    search=st.text(max_size=8),
    sort=st.sampled_from(["a", "-a", "-id", "d"]),
    columns=st.lists(st.sampled_from("abcd"), min_size=1, unique=True).map(tuple),
    density=st.sampled_from(DENSITIES),
)


@given(base=_SETUPS, wanted=_SETUPS)
def test_the_address_of_any_list_beside_any_view_leads_back_to_it(base: Setup, wanted: Setup) -> None:
    args = dict(parse_qsl(urlencode(differences(base, wanted)), keep_blank_values=True))
    assert changed(THINGS, base, args) == wanted


@given(base=_SETUPS, args=st.dictionaries(st.sampled_from("a b b__prefix q sort columns without".split()), _TEXTS))
def test_an_address_that_was_made_short_stays_as_it_is(base: Setup, args: dict[str, str]) -> None:
    short = differences(base, changed(THINGS, base, args))
    assert differences(base, changed(THINGS, base, short)) == short


runtime = suppliers_on("transfer")


@pytest.fixture
def owner(signed_in: Any) -> Any:
    make_suppliers(document("S-1", country="GB"), document("S-2", country="SA", is_active=False))
    return signed_in("owner")


def keep(person: Any, name: str = "Ours", query: str = "country=GB", **more: str) -> str:
    """Save a view and give its name in addresses."""
    answer = send(person, NEW, name=name, query=query, **more)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location).partition("view=")[2]


def tabs_of(page: str) -> list[str]:
    return re.findall(r"data-view[^>]*><bdi[^>]*>([^<]*)", page)


def kept(ref: str) -> SavedView:
    return SavedView.get_by_id(int(ref))  # type: ignore[no-any-return]


# keeping and opening


def test_a_view_keeps_what_the_list_shows_and_becomes_a_tab(owner: Any) -> None:
    ref = keep(owner, "British", "country=GB&sort=-name&columns=name,code&density=compact&q=Name")
    page = text_of(owner.get(f"{LIST}?view={ref}"))
    assert tabs_of(page) == ["All", "Active", "British"]
    assert codes(page) == []  # the first column is the name now, which leads to the record
    assert re.findall(r'class="mk-key"[^>]*><bdi>([^<]*)', page) == ["Name of S-1"]
    assert re.findall(r'<th scope="col"[^>]*>\s*(?:<a[^>]*>)?(\w+)', page) == ["Name", "Code"]
    assert "mk-compact" in page
    assert 'aria-sort="descending"' in page


def test_save_is_offered_only_when_something_differs(owner: Any) -> None:
    ref = keep(owner)
    assert "Save view" not in text_of(owner.get(LIST))
    assert "Save view" not in text_of(owner.get(f"{LIST}?view={ref}"))
    assert "Save view" in text_of(owner.get(f"{LIST}?view={ref}&sort=code"))
    assert "Save view" in text_of(owner.get(f"{LIST}?view=active&sort=code"))


def test_a_filter_of_the_view_can_be_taken_away_and_given_anew(owner: Any) -> None:
    ref = keep(owner)
    page = text_of(owner.get(f"{LIST}?view={ref}&without=country"))
    assert sorted(codes(page)) == ["S-1", "S-2"]
    answer = owner.get(f"{LIST}?view={ref}&without=country&country=SA&country__prefix=")
    assert answer.location == f"{LIST}?view={ref}&country=SA"
    assert codes(text_of(owner.get(answer.location))) == ["S-2"]
    assert owner.get(f"{LIST}?view={ref}&country=GB").location == f"{LIST}?view={ref}"


def test_a_search_of_the_view_can_be_emptied(owner: Any) -> None:
    ref = keep(owner, query="q=S-2")
    answer = owner.get(f"{LIST}?view={ref}&q=")
    assert answer.location == f"{LIST}?view={ref}&without=q"
    assert sorted(codes(text_of(owner.get(answer.location)))) == ["S-1", "S-2"]


def test_all_that_match_means_all_of_the_view(owner: Any) -> None:
    ref = keep(owner)
    page = text_of(owner.get(f"{LIST}?view={ref}"))
    assert 'name="query" value="country=GB"' in page


def test_a_declared_view_is_a_tab_of_the_resource(owner: Any) -> None:
    assert codes(text_of(owner.get(f"{LIST}?view=active"))) == ["S-1"]
    page = text_of(owner.get(f"{LIST}views/active"))
    assert "begins with this view" in page
    assert send(owner, f"{LIST}views/active", what="delete").status_code == 403


def test_a_view_is_changed_renamed_and_deleted(owner: Any) -> None:
    ref = keep(owner)
    version = kept(ref).version
    send(owner, f"{LIST}views/{ref}", what="update", query=f"view={ref}&country=SA&sort=code", version=str(version))
    assert kept(ref).filters == {"country": "SA"}
    send(owner, f"{LIST}views/{ref}", what="edit", name="Theirs", position="7", version=str(version + 1))
    assert (kept(ref).name, kept(ref).position, kept(ref).filters) == ("Theirs", 7, {"country": "SA"})
    assert send(owner, f"{LIST}views/{ref}", what="delete").location == f"{LIST}?view=all"
    assert "This view was deleted" in text_of(owner.get(f"{LIST}?view={ref}&country=SA"))


def test_what_somebody_changed_meanwhile_is_not_written_over(owner: Any) -> None:
    ref = keep(owner)
    answer = send(owner, f"{LIST}views/{ref}", what="edit", name="Late", version="0")
    assert answer.status_code == 422
    assert "Someone changed this in the meantime" in text_of(answer)


def test_two_views_of_one_name_are_refused_at_the_name(owner: Any) -> None:
    keep(owner)
    answer = send(owner, NEW, name="Ours", query="country=SA")
    assert answer.status_code == 422
    assert 'id="e-name"' in text_of(answer)


def test_a_view_opens_with_what_still_exists_and_says_what_does_not(owner: Any) -> None:
    user = owner.user
    row = SavedView.create(
        resource="suppliers.supplier", name="Old", owner=user, sort="-weight", columns=["shelf", "name"],
        filters={"country": "GB", "gone_since": "x", "is_active": "perhaps"},
    )  # fmt: skip
    page = text_of(owner.get(f"{LIST}?view={row.id}"))
    assert re.findall(r'class="mk-key"[^>]*><bdi>([^<]*)', page) == ["Name of S-1"]
    assert "gone since, Active, shelf, weight." in page


# who


def test_a_private_view_is_its_owner_s_alone(owner: Any, signed_in: Any) -> None:
    ref, other = keep(owner), signed_in("manager")
    assert tabs_of(text_of(other.get(LIST))) == ["All", "Active"]
    assert other.get(f"{LIST}views/{ref}").status_code == 404
    assert other.get(f"/admin/views/{ref}").status_code == 404
    assert send(other, f"{LIST}views/{ref}", what="delete").status_code == 404


def test_the_list_of_views_names_owners_and_is_reached_from_the_settings_of_a_view(owner: Any) -> None:
    ref = keep(owner)
    assert 'href="/admin/views/"' in text_of(owner.get(f"{LIST}views/{ref}"))
    cell = text_of(owner.get("/admin/views/")).partition('data-label="Owner"')[2].partition("</td>")[0]
    assert "owner" in cell


def test_an_empty_list_of_views_says_how_one_comes_to_be(owner: Any) -> None:
    assert "then press Save view." in text_of(owner.get("/admin/views/"))


def test_views_are_made_and_changed_at_their_list_and_nowhere_else(owner: Any) -> None:
    ref = keep(owner)
    page = text_of(owner.get("/admin/views/"))
    assert f'href="{LIST}?view={ref}"' in page
    assert "/admin/views/new" not in page
    assert f"/admin/views/{ref}/edit" not in text_of(owner.get(f"/admin/views/{ref}"))
    assert owner.get("/admin/views/new").status_code == 404
    assert owner.get(f"/admin/views/{ref}/edit").status_code == 404


def test_the_page_of_a_view_says_in_words_what_it_keeps_and_leads_to_its_list(owner: Any) -> None:
    ref = keep(owner, query="country=ES&sort=-name&q=wool")
    page = text_of(owner.get(f"/admin/views/{ref}")).partition("<main")[2]
    assert f'href="{LIST}?view={ref}"' in page
    assert "Country: ES; Search: wool" in page
    assert "Name, descending" in page
    assert owner.get(f"{LIST}?view={ref}").status_code == 200


def test_a_view_shared_with_a_role_is_seen_by_its_holders(owner: Any, signed_in: Any) -> None:
    ref = keep(owner, shared_with="operator")
    assert tabs_of(text_of(signed_in("operator").get(LIST))) == ["All", "Active", "Ours"]
    assert tabs_of(text_of(signed_in("viewer").get(LIST))) == ["All", "Active"]
    send(owner, f"{LIST}views/{ref}", what="edit", name="Ours", shared_with="*", version="1")
    assert tabs_of(text_of(signed_in("viewer").get(LIST))) == ["All", "Active", "Ours"]


def test_sharing_needs_its_permission(owner: Any, signed_in: Any) -> None:
    operator = signed_in("operator")
    answer = send(operator, NEW, name="Mine", query="country=GB", shared_with="*")
    assert answer.status_code == 422
    assert "You may not share views." in text_of(answer)
    ref = keep(operator, "Mine")
    answer = send(operator, f"{LIST}views/{ref}", what="edit", shared_with="operator", version="1")
    assert (answer.status_code, kept(ref).shared_with) == (422, "")


def test_who_may_share_changes_what_others_share_and_nobody_else_does(owner: Any, signed_in: Any) -> None:
    ref = keep(owner, shared_with="*")
    viewer = signed_in("viewer")
    assert send(viewer, f"{LIST}views/{ref}", what="edit", name="No", version="1").status_code == 403
    assert send(viewer, f"/admin/views/{ref}/delete").status_code == 302
    assert kept(ref).name == "Ours"
    send(signed_in("manager"), f"{LIST}views/{ref}", what="edit", name="Yes", version="1")
    assert kept(ref).name == "Yes"


def test_who_cannot_open_the_list_cannot_read_its_views(owner: Any, api: Any, ctx: Context) -> None:
    keep(owner, shared_with="*")
    role = access.Role.create(name="cook", label="Cook")
    access.grant(ctx, role.name, "transfer.*")
    assert api("cook").get("/api/v1/views").get_json()["data"] == []
    assert [row["name"] for row in api("viewer").get("/api/v1/views").get_json()["data"]] == ["Ours"]


def test_a_shared_view_shows_no_more_than_its_viewer_may_see(owner: Any, signed_in: Any) -> None:
    ref = keep(owner, "Everything named S", "q=Name", shared_with="*")
    narrow = signed_in("viewer", {"suppliers.supplier": {"country": ["SA"]}})
    assert codes(text_of(narrow.get(f"{LIST}?view={ref}"))) == ["S-2"]
    assert 'id="count" data-count hx-swap-oob="true">1<' in text_of(narrow.get(f"{LIST}count?view={ref}"))


def test_many_views_of_others_crowd_out_nobody_s_own(owner: Any, signed_in: Any) -> None:
    """A list has 50 tabs at most; every other view still opens by its address."""
    viewer = signed_in("viewer")
    shared = [
        SavedView.create(resource="suppliers.supplier", name=f"N{n}", owner=owner.user, shared_with="*")
        for n in range(60)
    ]
    ref = keep(viewer, "Mine", position="9999")
    assert tabs_of(text_of(viewer.get(f"{LIST}?view={ref}")))[-1] == "Mine"
    last = shared[-1].id
    page = text_of(viewer.get(f"{LIST}?view={last}"))
    assert "This view was deleted" not in page
    assert len(tabs_of(page)) == 52
    assert {"Mine", "N59"} <= set(tabs_of(page))
    send(owner, f"{LIST}views/{last}", what="edit", name="Renamed", version="1")
    assert kept(str(last)).name == "Renamed"
    send(viewer, f"{LIST}views/{ref}", what="delete")
    assert not SavedView.select().where(SavedView.id == int(ref)).exists()


# which one opens first


def test_a_list_begins_with_the_view_that_the_user_chose(owner: Any) -> None:
    ref = keep(owner)
    send(owner, f"{LIST}views/{ref}", what="edit", first="")
    assert owner.get(LIST).location == f"{LIST}?view={ref}"
    assert owner.get(f"{LIST}?view=all").status_code == 200
    send(owner, f"{LIST}views/{ref}", what="delete")
    assert owner.get(LIST).status_code == 200


def test_a_role_says_which_view_its_holders_begin_with(owner: Any, signed_in: Any) -> None:
    viewer = signed_in("viewer")
    send(owner, f"{LIST}views/active", what="edit", first="viewer")
    assert viewer.get(LIST).location == f"{LIST}?view=active"
    assert owner.get(LIST).status_code == 200
    send(viewer, f"{LIST}views/all", what="edit", first="")
    assert viewer.get(LIST).location == f"{LIST}?view=all"
    assert send(viewer, f"{LIST}views/all", what="edit", first="viewer").status_code == 403


# columns


def test_columns_and_density_are_remembered_where_no_view_says_them(owner: Any, signed_in: Any) -> None:
    answer = send(owner, f"{LIST}setup", query="view=active", columns=["credit_minor", "code"], density="compact")
    assert answer.location == f"{LIST}?view=active"
    for where in ("", "?view=active", "?country=GB"):
        page = text_of(owner.get(LIST + where))
        assert re.findall(r'<th scope="col"[^>]*>\s*(?:<a[^>]*>)?(\w+)', page) == ["Credit", "Code"]
        assert "mk-compact" in page
    assert "mk-compact" not in text_of(signed_in("owner").get(LIST))


def test_columns_of_a_saved_view_stay_in_the_address_until_they_are_saved(owner: Any) -> None:
    ref = keep(owner)
    answer = send(owner, f"{LIST}setup", query=f"view={ref}", columns=["name", "code"], density="comfortable")
    assert answer.location == f"{LIST}?view={ref}&columns=name%2Ccode"
    assert "Save view" in text_of(owner.get(answer.location))


def test_there_is_a_way_back_to_the_usual_columns_while_they_are_others(owner: Any) -> None:
    ref, button = keep(owner), 'name="usual"'
    assert button not in text_of(owner.get(LIST))
    send(owner, f"{LIST}setup", query="view=all", columns=["credit_minor", "code"], density="compact")
    assert button in text_of(owner.get(LIST))
    form = {"columns": ["credit_minor", "code"], "density": "compact", "usual": "1"}
    assert send(owner, f"{LIST}setup", query="view=all", **form).location == f"{LIST}?view=all"
    page = text_of(owner.get(LIST))
    assert button not in page
    assert re.findall(r'<th scope="col"[^>]*>\s*(?:<a[^>]*>)?(\w+)', page)[:2] == ["Code", "Name"]
    assert "mk-compact" in page, "the rows stay as they were chosen"
    changed = f"view={ref}&columns=name"
    assert button in text_of(owner.get(f"{LIST}?{changed}"))
    form["density"] = "comfortable"
    assert send(owner, f"{LIST}setup", query=changed, **form).location == f"{LIST}?view={ref}"


def test_without_a_script_a_column_moves_by_its_button(owner: Any) -> None:
    ref = keep(owner)
    answer = send(owner, f"{LIST}setup", query=f"view={ref}", columns=["code", "name", "country"], up="country")
    assert answer.location == f"{LIST}?view={ref}&columns=code%2Ccountry%2Cname"


# numbers


def test_one_request_counts_all_tabs_and_no_more_than_the_cap(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_suppliers(count=5)
    ref = keep(owner)
    monkeypatch.setattr("core.resources.query.CAP", 3)
    monkeypatch.setattr("core.resources.query.count.__defaults__", (3, "view"))
    with count_statements() as seen:
        answer = text_of(owner.get(f"{LIST}count?view={ref}"))
    counts = dict(re.findall(r'id="(?:n-)?(\w+)"[^>]*>([^<]*)<', answer))
    assert counts == {"all": "3+", "active": "3+", ref: "1", "count": "1"}
    assert sum("COUNT" in sql for sql in seen) == 3
    assert len(seen) <= 9, seen


def test_a_view_costs_a_list_no_more_than_its_budget(owner: Any) -> None:
    ref = keep(owner, "Named", "country=GB&q=Name")
    with count_statements() as seen:
        assert owner.get(f"{LIST}?view={ref}&sort=name").status_code == 200
    assert len(seen) <= 12, seen


# traces and API


def test_every_write_leaves_an_entry(owner: Any) -> None:
    ref = keep(owner)
    send(owner, f"{LIST}views/{ref}", what="edit", name="Theirs", version="1")
    send(owner, f"{LIST}views/{ref}", what="delete")
    entries = audit.history("core.view", int(ref)).order_by(audit.Entry.id)
    assert [entry.action for entry in entries] == ["created", "updated", "deleted"]
    send(owner, f"{LIST}views/active", what="edit", first="")
    assert audit.history("core.user", owner.user.id).order_by(audit.Entry.id.desc()).first().action == "preference_set"


def test_the_api_reads_and_writes_views(owner: Any, api: Any) -> None:
    caller = api("operator")
    doc = {"resource": "suppliers.supplier", "name": "By API", "filters": {"country": "GB"}}
    made = caller.post("/api/v1/views", json=doc)
    assert made.status_code == 201, made.get_json()
    where = made.headers["Location"]
    assert caller.patch(where, json={"sort": "-code"}).get_json()["sort"] == "-code"
    assert caller.patch(where, json={"sort": "weight"}).status_code == 422
    assert caller.patch(where, json={"shared_with": "*"}).status_code == 422
    assert caller.post("/api/v1/views", json=doc | {"name": "x", "filters": {"gone": "1"}}).status_code == 422
    assert caller.post("/api/v1/views", json=doc | {"name": "x", "resource": "core.user"}).status_code == 422
    assert api("operator").get(where).status_code == 404
    assert caller.delete(where).status_code == 204


def test_a_token_that_is_narrowed_does_not_write_views(owner: Any, app: Any, make_user: Any, ctx: Context) -> None:
    caller = app.test_client()
    token = auth.create_token(ctx, make_user("operator"), ["suppliers.supplier.view"])
    caller.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    doc = {"resource": "suppliers.supplier", "name": "By API"}
    assert caller.post("/api/v1/views", json=doc).status_code == 403


# from record to record


def beside(page: str) -> dict[str, str]:
    """{previous or next: address}"""
    found = re.findall(r'href="([^"]+)" rel="\w+" data-(previous|next)', page)
    return {name: address.replace("&amp;", "&") for address, name in found}


def test_the_page_of_a_record_leads_to_those_beside_it_in_the_list(owner: Any) -> None:
    make_suppliers(count=3)
    listed = text_of(owner.get(f"{LIST}?sort=-code&q=Supplier"))
    page = text_of(owner.get(re.findall(r'class="mk-key" href="([^"]+)"', listed)[0].replace("&amp;", "&")))
    seen = []
    while "next" in beside(page):
        seen.append(re.findall(r"<h1><bdi>([^<]+)", page)[0])
        page = text_of(owner.get(beside(page)["next"]))
    assert [*seen, re.findall(r"<h1><bdi>([^<]+)", page)[0]] == ["Supplier 3", "Supplier 2", "Supplier 1"]
    assert re.findall(r"<h1><bdi>([^<]+)", text_of(owner.get(beside(page)["previous"]))) == ["Supplier 2"]


@pytest.mark.parametrize("sort", ["country", "-country", "credit_minor", "-id", ""])
def test_no_record_is_left_out_on_the_way_through_a_list(owner: Any, sort: str) -> None:
    docs = [document(f"T-{n}", country=country) for n, country in enumerate(["GB", "SA", "GB", "SA"])]
    ids = make_suppliers(*docs)
    resource = runtime_room.current().resource("suppliers.supplier")
    state = ListState(sort=sort)
    order = query.page_ids(system_context(), resource, state)[0]
    assert set(order) > set(ids)
    for at, one in enumerate(order):
        record = query.get(system_context(), resource, one)
        assert query.place(system_context(), resource, state, record) == (at + 1, len(order))
        around = query.beside(system_context(), resource, state, record)
        assert around == (order[at - 1] if at else None, order[at + 1] if at + 1 < len(order) else None)


def place(browser: Any, page: str) -> str:
    """What the late request of a record's page brings."""
    (address,) = re.findall(r'class="mk-place[^>]*hx-get="([^"]+)"', page)
    return text_of(browser.get(address.replace("&amp;", "&")))


def test_the_place_in_the_list_comes_late_and_counts_no_further_than_lists_do(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = make_suppliers(count=3)
    page = text_of(owner.get(f"{LIST}{second}?in=sort%3D-code%26q%3DSupplier"))
    assert place(owner, page) == "2 of 3"
    assert place(owner, text_of(owner.get(f"{LIST}{second}?in=is_active%3Dfalse"))) == "", "it is not in that list"
    assert owner.get(f"{LIST}{second}/place?in=sort%3Dnothing").status_code == 200
    assert owner.get(f"{LIST}999/place").status_code == 404
    monkeypatch.setattr(query, "CAP", 2)
    assert place(owner, page) == "2 of 2+"
    for far, said in ((first, ""), (third, "1 of 2+")):
        assert place(owner, text_of(owner.get(f"{LIST}{far}?in=sort%3D-code%26q%3DSupplier"))) == said
    resource = runtime_room.current().resource("suppliers.supplier")
    record = query.get(system_context(), resource, second)
    with count_statements() as seen:
        query.place(system_context(), resource, ListState(sort="-code"), record)
    assert len(seen) == 3
    assert sum("LIMIT" in sql for sql in seen) == 3, "each ends at the cap"


def test_what_lies_beside_costs_two_statements_and_a_saved_view_one_more(owner: Any) -> None:
    first = make_suppliers(count=3)[1]
    ref = keep(owner, query="sort=name")
    spent = {}
    for where in ("", "?in=sort%3Dname", f"?in=view%3D{ref}"):
        with count_statements() as seen:
            assert owner.get(f"{LIST}{first}{where}").status_code == 200
        spent[where] = len(seen)
    plain, listed, viewed = spent.values()
    assert (listed - plain, viewed - plain) == (3, 3), spent
    assert viewed <= 14, spent


def test_a_list_that_cannot_be_leads_nowhere_and_breaks_nothing(owner: Any) -> None:
    first = make_suppliers(count=1)[0]
    for where in ("sort%3Dnothing", "is_active%3Dperhaps", "limit%3D9999", "view%3D99"):
        assert owner.get(f"{LIST}{first}?in={where}").status_code == 200
