"""A role narrowed to some rows tries every road to the others: nothing is shown, changed, or told from nothing."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import flask
import pytest
from itsdangerous import URLSafeSerializer

from core import access, auth
from core import runtime as runtime_room
from core.access import UserRole
from core.api import RateCounter
from core.audit import Entry
from core.auth import Session
from core.context import Context, system_context
from core.errors import Forbidden
from core.files import StoredFile
from core.jobs import Job, JobItem
from core.jobs.worker import Worker
from core.resources import service_of, tags_of, traits
from plugins.transfer import api as transfer
from plugins.transfer.models import Import, ImportChange, Reject, SavedMapping
from tests import hostile
from tests.conftest import confirmed
from tests.helpers import make_suppliers
from tests.test_sweep import SAFE, Caller, Route, routes_of

RESOURCE, LIST, API = "suppliers.supplier", "/admin/suppliers/", "/api/v1/suppliers"
SECRET = re.compile("secretcanary", re.IGNORECASE)
OURS = {"suppliers.supplier": {"country": ["GB"]}, "orders.order": {"sales_channel": ["web"]}}


@dataclass
class Seen:
    """What others have in the house. `values`: ids that are not ours, by the name of the variable in an address."""

    ours: int
    theirs: int
    order: int
    values: dict[str, int]


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def house(app_db: Any, settings: Any) -> Iterator[flask.Flask]:
    with hostile.whole_house(settings) as made:
        yield made


@pytest.fixture
def runtime(house: flask.Flask) -> Any:
    return runtime_room.current()


def work_off() -> None:
    Worker(runtime_room.current().settings).drain()


def caller_of(house: flask.Flask, user: Any) -> Caller:
    return Caller(house, user, auth.create_token(system_context("cli"), user, ["*"]))


@pytest.fixture
def owner(house: flask.Flask, make_user: Any) -> Caller:
    return caller_of(house, make_user("owner"))


@pytest.fixture
def seen(house: flask.Flask, owner: Caller, ctx: Context) -> Seen:
    """Records, a bulk job, an import with rejects, an export, a mapping and a note of theirs."""
    ours, theirs = make_suppliers(
        {"code": "A-1", "name": "Ours", "country": "GB", "tags": ["ours"]},
        {"code": "SECRETCANARY-1", "name": "Secretcanary Ltd", "country": "DE", "tags": ["secretcanarytag"]},
    )
    make_suppliers(*[{"code": f"SECRETCANARY-{n}", "name": "Secretcanary", "country": "DE"} for n in range(2, 30)])
    orders = service_of(runtime_room.current().resource("orders.order"))
    order = orders.create(ctx, [{"number": "SECRETCANARY-9", "sales_channel": "pos", "currency": "GBP"}])[0].id or 0
    traits.add_note(ctx, RESOURCE, theirs, "secretcanary note")
    who = auth.context_for(owner.user, "ui")  # type: ignore[arg-type]
    everything = {"all": True, "arguments": {"tags": ["bulk"]}}
    job = send(owner, "POST", f"{API}/actions/add_tags", json=everything).get_json()["job"]["id"]
    rows = b"code,name,country\nSECRETCANARY-1,Secretcanary Changed,DE\nSECRETCANARY-77,,DE\n"
    upload = {"file": (io.BytesIO(rows), "secretcanary.csv")}
    send(owner, "POST", f"{API}/imports", data=upload)
    send(owner, "POST", f"{API}/exports", json={"all": True})
    work_off()
    mapping = transfer.Mapping(columns=(("code", "code"), ("name", "name")))
    saved = transfer.save_mapping(who, RESOURCE, "shared by all importers", mapping)
    ended, export = Import.get(), Job.get(Job.kind == "transfer.export")
    assert (ended.state, Job.get_by_id(job).done) == ("completed_with_errors", 30)
    values = {"record_id": theirs, "job_id": job, "import_id": ended.id, "file_id": export.result["file_id"]}
    return Seen(ours, theirs, order, values | {"mapping_id": saved.id})


@pytest.fixture
def scoped(house: flask.Flask, seen: Seen, make_user: Any) -> Caller:
    return caller_of(house, make_user("manager", OURS))


def send(caller: Caller, method: str, url: str, **options: Any) -> Any:
    headers = {"X-CSRFToken": caller.csrf} | options.pop("headers", {})
    if url.startswith("/api/"):
        headers["Authorization"] = f"Bearer {caller.token}"
    return caller.browser.open(url, method=method, headers=headers, **options)


def addresses(house: flask.Flask, values: dict[str, int], unsafe: bool) -> list[tuple[Route, str]]:
    """Every address of the house with these ids in it."""
    found = []
    for route in routes_of(house):
        url = re.sub(r"<int:(\w+)>", lambda name: str(values.get(name[1], 1)), route.rule)
        url = re.sub(r"<any\(([^,)]+).*?\):\w+>", r"\1", url) if "<any" in url else url
        if "<" not in url and (route.method not in SAFE) == unsafe and "sign-out" not in url:
            found.append((route, url))
    return found


def state_of_theirs(seen: Seen) -> Any:
    """All that a change could touch, as the database has it."""
    suppliers = service_of(runtime_room.current().resource(RESOURCE))
    orders = service_of(runtime_room.current().resource("orders.order"))
    model = suppliers.model
    ids = [row.id for row in model.select().where(model.country == "DE").order_by(model.id)]
    tables = (Job, JobItem, Import, ImportChange, Reject, SavedMapping, StoredFile, UserRole)
    rows = [sorted(map(repr, table.select().dicts())) for table in tables]
    foreign = Entry.select().where(Entry.resource == RESOURCE, Entry.record_id.in_(ids)).count()
    notes = [note.text for note in traits.notes_of(RESOURCE, seen.theirs)]
    return suppliers.documents(ids), orders.documents([seen.order]), tags_of(RESOURCE, ids), notes, foreign, rows


def test_no_page_shows_them(house: flask.Flask, scoped: Caller, seen: Seen) -> None:
    queries = [
        "",
        "?sort=-id&limit=200",
        "?q=secretcanary",
        "?country=DE",
        "?tag=secretcanarytag",
        "?rows=done",
        "?resource=" + RESOURCE,
    ]
    shown, calls = [], 0
    for route, url in addresses(house, seen.values, unsafe=False):
        for query in queries:
            if "/actions" in url or "openapi" in url or "metrics" in url:
                continue
            answer = send(scoped, route.method, url + query)
            calls += 1
            text = answer.get_data(as_text=True).replace(query.removeprefix("?q="), "").replace("secretcanarytag", "")
            if SECRET.search(text) or SECRET.search(str(answer.headers)):
                shown.append((url, query, answer.status_code, SECRET.search(text)))
    assert not shown
    assert calls > 200


def test_they_are_all_there_for_who_may_see_them(house: flask.Flask, owner: Caller, seen: Seen) -> None:
    """The same addresses, to prove that the test above looks where there is something to be seen."""
    shown = {
        route.rule
        for route, url in addresses(house, seen.values, unsafe=False)
        if route.method == "GET" and SECRET.search(send(owner, "GET", url).get_data(as_text=True))
    }
    lists = {LIST, f"{LIST}<int:record_id>", f"{LIST}<int:record_id>/edit", API, f"{API}/<int:record_id>"}
    others = {"/admin/jobs/file/<int:file_id>", "/admin/imports/", "/admin/imports/<int:import_id>"}
    assert lists | others | {"/admin/jobs/", f"{API}/<int:record_id>/notes"} <= shown


def test_no_command_changes_them(house: flask.Flask, scoped: Caller, seen: Seen) -> None:
    before, calls = state_of_theirs(seen), 0
    ids = [seen.theirs]
    forms: list[dict[str, Any]] = [
        {"ids": ids, "confirmed": "1", "argument.tags": "taken", "code": "X", "name": "X", "version": 1, "base": "{}"},
        {"text": "a note", "rows": "failed", "name": "taken", "do": "run", "t0": "code"},
    ]
    for route, url in addresses(house, seen.values, unsafe=True):
        if "profile" in url or not re.search(r"<|actions", route.rule):
            continue  # own things; what names no record is tried below
        for form in forms:
            if route.is_api:
                body = (
                    {"ids": ids, "arguments": {"tags": ["taken"]}}
                    if "actions" in url
                    else {"name": "taken", "text": "x"}
                )
                answer = send(scoped, route.method, url, json=body)
                assert not SECRET.search(answer.get_data(as_text=True)), url
                outcomes = (answer.get_json(silent=True) or {}).get("outcomes", [])
                assert answer.status_code in (403, 404, 422) or all(one["status"] == "rejected" for one in outcomes), (
                    url
                )
            else:
                answer = send(scoped, route.method, url, data=form)
                assert answer.status_code in (302, 303, 403, 404), (url, answer.status_code)
            calls += 1
    work_off()
    assert state_of_theirs(seen) == before
    assert calls > 60


def told(answer: Any) -> tuple[int, str]:
    """An answer without what must differ: the number that was asked for, that of the request, the CSRF token."""
    text = re.sub(r"\b[0-9a-f]{16}\b|\bIj[\w-]+\.[\w-]+\.[\w-]+", "", answer.get_data(as_text=True))
    return answer.status_code, re.sub(r"\d+", "#", text)


def test_theirs_and_what_never_was_answer_alike(house: flask.Flask, scoped: Caller, seen: Seen) -> None:
    nothing = {"record_id": 987654321, "job_id": 987654321, "import_id": 987654321, "file_id": 987654321}
    compared = 0
    for unsafe in (False, True):
        both = zip(addresses(house, seen.values, unsafe), addresses(house, seen.values | nothing, unsafe), strict=True)
        for (route, theirs), (_route, none) in both:
            names = re.findall(r"<int:(\w+)>", route.rule)
            if not names or names[0] not in nothing or re.search("/(users|roles|audit|orders)", route.rule):
                continue
            sent: dict[str, Any] = {"data": {"text": "x", "name": "x"}}
            if route.is_api and unsafe:
                sent = {"json": {"text": "x"} if "notes" in route.rule else {"name": "x"}}
            pair = [told(send(scoped, route.method, url, **sent)) for url in (theirs, none)]
            assert pair[0] == pair[1], (route.method, route.rule)
            compared += 1
    assert compared > 25
    tags = {"arguments": {"tags": ["x"]}}
    done = [
        send(scoped, "POST", f"{API}/actions/add_tags", json=tags | {"ids": [one]}) for one in (seen.theirs, 987654321)
    ]
    assert told(done[0]) == told(done[1])


def test_no_list_count_sort_or_cursor_tells_of_them(scoped: Caller, seen: Seen) -> None:
    assert send(scoped, "GET", LIST + "count").text == "1"
    for query in (
        "q=secretcanary",
        "q=SECRETCANARY-1",
        "q=SECR",
        "country=DE",
        "tag=secretcanarytag",
        "country__prefix=D",
    ):
        assert send(scoped, "GET", f"{LIST}count?{query}").text == "0", query
        assert send(scoped, "GET", f"{API}?{query}").get_json() == {"data": [], "next": None, "previous": None}, query
    theirs = forged([["SECRETCANARY-1", seen.theirs, False], ["M", 1, True], [None, seen.theirs, False]])
    for sort in ("code", "-code", "name", "-name", "id", "-id", "credit_minor", "country", "-country"):
        for cursor in theirs:
            assert send(scoped, "GET", f"{API}?sort={sort}&cursor={cursor}").status_code == 422


def forged(places: list[Any]) -> list[str]:
    """Cursors that somebody made himself: bare, and signed with keys that he may guess."""
    bare = [base64.urlsafe_b64encode(json.dumps(place).encode()).decode() for place in places]
    return bare + [
        str(URLSafeSerializer(key, f"{RESOURCE} code").dumps(place)) for key in ("x", "") for place in places
    ]


def test_an_exact_find_among_theirs_hides_nothing_of_ours(scoped: Caller, seen: Seen) -> None:
    """Else who names a record SECRETCANARY-1 himself could tell by a search whether that code is taken elsewhere."""
    make_suppliers({"code": "A-2", "name": "Like secretcanary-1", "country": "GB"})
    found = send(scoped, "GET", f"{API}?q=SECRETCANARY-1").get_json()["data"]
    assert [one["code"] for one in found] == ["A-2"]


def test_all_that_match_means_all_of_ours(scoped: Caller, seen: Seen) -> None:
    answer = send(scoped, "POST", f"{API}/actions/add_tags", json={"all": True, "arguments": {"tags": ["mine"]}})
    export = send(scoped, "POST", f"{API}/exports", json={"ids": [seen.ours, seen.theirs]})
    work_off()
    job = Job.get_by_id(answer.get_json()["job"]["id"])
    assert (job.total, job.done) == (1, 1)
    result = Job.get_by_id(export.get_json()["job"]["id"]).result
    assert result["count"] == 1
    assert not SECRET.search(send(scoped, "GET", f"/admin/jobs/file/{result['file_id']}").text)


def test_no_record_is_made_outside_or_moved_there(scoped: Caller, seen: Seen) -> None:
    doc, form = (
        {"code": "N", "name": "N", "country": "DE"},
        {"code": "N", "name": "N", "country": "DE", "currency": "GBP"},
    )
    assert send(scoped, "POST", API, json=doc).status_code == 422
    assert send(scoped, "PATCH", f"{API}/{seen.ours}", json={"country": "DE"}).status_code == 422
    assert send(scoped, "POST", LIST + "new", data=form).status_code == 422
    edit = {"country": "DE", "version": "1", "base": json.dumps({"country": "GB"})}
    assert send(scoped, "POST", f"{LIST}{seen.ours}/edit", data=edit).status_code in (409, 422)
    assert send(scoped, "POST", API, json={"code": "N", "name": "N"}).status_code == 422  # no country is no GB
    assert send(scoped, "POST", API, json=doc | {"country": "GB"}).status_code == 201
    model = runtime_room.current().resource(RESOURCE).model
    assert model.get_by_id(seen.ours).country == "GB"
    order = {"number": "1", "sales_channel": "pos", "currency": "GBP", "lines": []}
    assert send(scoped, "POST", "/api/v1/orders", json=order).status_code == 422
    assert send(scoped, "POST", "/api/v1/orders", json=order | {"sales_channel": "web"}).status_code == 201


@pytest.mark.parametrize(
    "row", ["SECRETCANARY-1,Mine now,GB", "SECRETCANARY-1,Mine now,DE", "NEW,New,DE", "A-1,Away,DE"]
)
def test_no_import_takes_a_record_over(scoped: Caller, seen: Seen, row: str) -> None:
    before = state_of_theirs(seen)[:3]
    for dry_run in ("true", "false"):
        file = (io.BytesIO(f"code,name,country\n{row}\nOWN-{dry_run},Own,GB\n".encode()), "mine.csv")
        answer = send(scoped, "POST", f"{API}/imports", data={"file": file, "dry_run": dry_run})
        work_off()
        import_ = Import.get(Import.job_id == answer.get_json()["job"]["id"])
        assert (import_.created, import_.updated, import_.rejected) == (1, 0, 1)
        assert not SECRET.search(Reject.get(Reject.import_id == import_.id).reason)
        page = send(scoped, "GET", f"/admin/imports/{import_.id}").text
        assert "Secretcanary Ltd" not in page
    assert state_of_theirs(seen)[:3] == before
    assert runtime_room.current().resource(RESOURCE).model.get_by_id(seen.ours).country == "GB"


def test_what_began_before_the_role_was_narrowed_does_not_go_on(owner: Caller, seen: Seen, house: flask.Flask) -> None:
    """Undo, retry and rollback of his own jobs leave alone what he does not reach any more."""
    role = UserRole.get(UserRole.user == owner.user)
    manager = access.Role.get(access.Role.name == "manager")
    UserRole.update(scopes=OURS, role=manager).where(UserRole.id == role.id).execute()
    before, job = state_of_theirs(seen)[:4], seen.values["job_id"]
    assert send(owner, "POST", f"/admin/jobs/{job}/undo").status_code == 302
    rollback = f"/admin/imports/{seen.values['import_id']}/rollback"
    assert confirmed(owner.browser, rollback, send(owner, "POST", rollback)).status_code == 302
    JobItem.update(state="failed").where(JobItem.job_id == job, JobItem.record_id == seen.theirs).execute()
    Job.update(status="done_with_errors", failed=1).where(Job.id == job).execute()
    send(owner, "POST", f"/admin/jobs/{job}/retry")
    work_off()
    assert state_of_theirs(seen)[:4] == before
    undone = Job.get(Job.kind == "core.undo")
    assert undone.failed == 28
    assert tags_of(RESOURCE, [seen.ours])[seen.ours] == ["ours"]


def test_a_narrowed_role_holds_nothing_that_looks_across_all_rows(make_user: Any, ctx: Context) -> None:
    wide = {
        "core.audit_entry.view",
        "core.audit_entry.export",
        "core.file.view_all",
        "core.job.view_all",
        "core.job.manage",
    }
    for role in ("owner", "manager"):
        for scopes, held in (
            (None, wide - {"core.audit_entry.export"}),
            ({"suppliers.supplier": {"country": ["GB"]}}, set()),
        ):
            actor = auth.context_for(make_user(role, scopes), "ui").actor
            assert {name for name in wide if actor.can(name)} - {"core.audit_entry.export"} == held, (role, scopes)
    with pytest.raises(Forbidden):
        access.assign(auth.context_for(make_user("manager", OURS), "ui"), make_user(""), "manager")


def test_a_note_needs_the_right_to_note_on_that_row(
    house: flask.Flask, seen: Seen, make_user: Any, ctx: Context
) -> None:
    user = make_user("viewer")
    access.assign(ctx, user, "operator", OURS)
    caller = caller_of(house, user)
    assert send(caller, "GET", f"{LIST}{seen.theirs}").status_code == 200
    assert send(caller, "POST", f"{LIST}{seen.theirs}/notes", data={"text": "x"}).status_code == 404
    assert send(caller, "POST", f"{LIST}{seen.ours}/notes", data={"text": "x"}).status_code == 302
    assert Session.select().where(Session.user == user).exists()


def test_a_token_is_written_in_one_way_only(owner: Caller, house: flask.Flask) -> None:
    """Else each leading zero would open a fresh allowance of calls."""
    number, secret = owner.token.removeprefix("mk_").split("_", 1)
    for written in (f"mk_0{number}_{secret}", f"mk_{'0' * 9}{number}_{secret}", f"MK_{number}_{secret}"):
        answer = house.test_client().get(API, headers={"Authorization": f"Bearer {written}"})
        assert answer.status_code == 401
    assert not RateCounter.select().where(RateCounter.key.startswith("token:0")).exists()
