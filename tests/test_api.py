"""The API over HTTP on both databases: tokens, documents, locking, idempotency, actions, problems, description."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core import access, api, audit, auth, db
from core.api import KeptAnswer
from core.app import create_app
from core.context import system_context
from core.resources import Resource
from core.runtime import Runtime
from core.settings import Settings
from tests.conftest import PASSWORD
from tests.helpers import count_statements, install_suppliers, make_suppliers

CTX = system_context("cli")
URL = "/api/v1/suppliers"
DOC = {"code": "A", "name": "Acme", "tags": ["x"]}


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Runtime:
    return install_suppliers(settings, "transfer")


@pytest.fixture
def suppliers(house: Runtime) -> Resource:
    return house.resource("suppliers.supplier")


@pytest.fixture
def web(house: Runtime) -> Any:
    access.ensure_default_roles(CTX)
    return create_app(house)


@pytest.fixture
def caller(web: Any) -> Callable[..., Any]:
    """caller(role, *scopes, rows=None) -> a client that sends a token of a new user."""

    def make(role: str = "owner", *scopes: str, rows: Any = None) -> Any:
        user = auth.create_user(CTX, f"{role}{auth.User.select().count()}", PASSWORD)
        access.assign(CTX, user, role, scopes=rows)
        client = web.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {auth.create_token(CTX, user, scopes or ['*'])}"
        return client

    return make


@pytest.fixture
def owner(caller: Callable[..., Any]) -> Any:
    return caller()


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.data)
    assert body["status"] == status
    assert body["title"]
    return body


def test_without_a_token_there_is_nothing(web: Any, suppliers: Resource) -> None:
    for header in ({}, {"Authorization": "Bearer mk_1_wrong"}, {"Authorization": "Basic YTpi"}):
        for path in (URL, f"{URL}/1", "/api/v1/openapi.json", "/api/v1/jobs/1"):
            answer = web.test_client().get(path, headers=header)
            problem(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_cookie_does_not_open_the_api(web: Any) -> None:
    user = auth.create_user(CTX, "sam", PASSWORD)
    access.assign(CTX, user, "owner")
    client = web.test_client()
    page = client.get("/admin/sign-in").get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    assert (
        client.post("/admin/sign-in", data={"username": "sam", "password": PASSWORD, "csrf_token": token}).status_code
        == 302
    )
    problem(client.get(URL), 401)


def test_scopes_of_a_token_and_roles_both_limit(caller: Callable[..., Any]) -> None:
    make_suppliers(DOC)
    reader, viewer = caller("owner", "suppliers.supplier.view"), caller("viewer")
    for client in (reader, viewer):
        assert client.get(f"{URL}/1").status_code == 200
        problem(client.post(URL, json=DOC | {"code": "B"}), 403)
        problem(client.patch(f"{URL}/1", json={"name": "B"}), 403)
        problem(client.delete(f"{URL}/1"), 403)
        problem(client.post(f"{URL}/actions/add_tags", json={"ids": [1], "arguments": {"tags": ["a"]}}), 403)
        problem(client.post(f"{URL}/1/notes", json={"text": "a"}), 403)
        problem(client.post(f"{URL}/imports", data={}), 403)


def test_row_scopes_hide_rows_from_the_api(caller: Callable[..., Any]) -> None:
    make_suppliers(DOC | {"country": "GB"}, {"code": "B", "name": "B", "country": "DE"})
    client = caller("manager", rows={"suppliers.supplier": {"country": ("GB",)}})
    assert [doc["code"] for doc in client.get(URL).json["data"]] == ["A"]
    for answer in (client.get(f"{URL}/2"), client.patch(f"{URL}/2", json={"name": "C"}), client.get(f"{URL}/2/notes")):
        problem(answer, 404)
    asked = {"ids": [1, 2], "arguments": {"tags": ["a"]}}
    done = client.post(f"{URL}/actions/add_tags", json=asked).json["outcomes"]
    assert {one["id"]: one["status"] for one in done} == {1: "done", 2: "rejected"}


def test_a_document_goes_in_and_comes_out(owner: Any) -> None:
    made = owner.post(URL, json=DOC)
    assert made.status_code == 201
    assert (made.headers["Location"], made.headers["ETag"]) == (f"{URL}/1", '"1"')
    assert owner.get(made.headers["Location"]).json == made.json == DOC | {
        "id": 1, "version": 1, "country": "", "currency": "GBP", "credit_minor": 0, "is_active": True,
        "parent": None,
    }  # fmt: skip
    changed = owner.patch(f"{URL}/1", json={"credit_minor": 1250}, headers={"If-Match": made.headers["ETag"]})
    assert (changed.json["credit_minor"], changed.json["name"], changed.headers["ETag"]) == (1250, "Acme", '"2"')
    assert owner.delete(f"{URL}/1", headers={"If-Match": '"2"'}).status_code == 204
    problem(owner.get(f"{URL}/1"), 404)
    assert [entry.source for entry in audit.Entry.select().where(audit.Entry.resource == "suppliers.supplier")] == [
        "api"
    ] * 3


def test_a_stale_copy_is_refused(owner: Any) -> None:
    owner.post(URL, json=DOC)
    owner.patch(f"{URL}/1", json={"name": "First"}, headers={"If-Match": '"1"'})
    problem(owner.patch(f"{URL}/1", json={"name": "Second"}, headers={"If-Match": '"1"'}), 412)
    problem(owner.delete(f"{URL}/1", headers={"If-Match": '"1"'}), 412)
    assert owner.get(f"{URL}/1").json["name"] == "First"


def test_what_does_not_fit_is_told_by_field(owner: Any) -> None:
    make_suppliers(DOC)
    errors = problem(owner.post(URL, json={"code": "", "credit_minor": 1.5, "odd": 1}), 422)["errors"]
    assert sorted(errors) == ["code", "credit_minor", "name", "odd"]
    assert problem(owner.post(URL, json=DOC), 422)["errors"] == {"code": ["Another record has this value already."]}
    assert sorted(problem(owner.get(f"{URL}?colour=red&limit=500"), 422)["errors"]) == ["colour", "limit"]
    assert sorted(problem(owner.get(f"{URL}?cursor=x"), 422)["errors"]) == ["cursor"]
    assert problem(owner.post(URL, json=[]), 422)["errors"]


def test_bodies_of_the_wrong_kind_or_size_are_refused(owner: Any) -> None:
    problem(owner.post(URL, data="code=A", content_type="application/x-www-form-urlencoded"), 415)
    for body in (
        "{",
        "nul",
        "[" * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        b"\xff\xfe",
        r'{"a": "\ud800"}',
        r'["\u0000"]',
    ):
        problem(owner.post(URL, data=body, content_type="application/json"), 400)
    problem(owner.post(URL, data=json.dumps(DOC | {"name": "x" * 3_000_000}), content_type="application/json"), 413)


def test_an_address_that_is_not_there_is_a_problem_too(owner: Any) -> None:
    assert problem(owner.get("/api/v1/nothing"), 404)["code"] == "not_found"
    assert problem(owner.put(URL, json=DOC), 405)["code"] == "method_not_allowed"


def test_pages_follow_their_cursors(owner: Any) -> None:
    make_suppliers(count=25)
    seen: list[str] = []
    cursor = ""
    while True:
        page = owner.get(f"{URL}?sort=name&limit=10&q=supplier{cursor}").json
        seen += [doc["code"] for doc in page["data"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == [f"S-{n:04}" for n in range(1, 26)]
    assert len(seen) == 25


def test_a_list_page_takes_at_most_twelve_statements(owner: Any) -> None:
    make_suppliers(count=60)
    owner.get(URL)
    with count_statements() as sent:
        assert len(owner.get(f"{URL}?limit=50&q=supplier&country=&tag=x").json["data"]) == 0
    assert len(sent) <= 12, sent
    with count_statements() as sent:
        assert len(owner.get(f"{URL}?limit=50").json["data"]) == 50
    assert len(sent) <= 8, sent


def test_one_key_is_one_change(owner: Any, caller: Callable[..., Any]) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = owner.post(URL, json=DOC, headers=key)
    again = owner.post(URL, json=DOC, headers=key)
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert (again.headers["Idempotency-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    problem(owner.post(URL, json=DOC | {"code": "B"}, headers=key), 422)
    assert caller().post(URL, json=DOC | {"code": "B"}, headers=key).status_code == 201  # another user's key
    problem(owner.post(URL, json=DOC, headers={"Idempotency-Key": "x" * 256}), 422)


def test_a_refused_call_leaves_its_key_free(owner: Any) -> None:
    key = {"Idempotency-Key": "k"}
    make_suppliers(DOC)
    problem(owner.post(URL, json=DOC, headers=key), 422)
    assert KeptAnswer.select().count() == 0
    assert owner.post(URL, json=DOC | {"code": "B"}, headers=key).status_code == 201


@pytest.mark.parametrize("left", [{"status": None}, {"created_at": datetime(2020, 1, 1, tzinfo=UTC)}])
def test_a_key_is_free_when_its_call_died_or_is_long_past(owner: Any, left: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "k"}
    owner.post(URL, json=DOC, headers=key)
    KeptAnswer.update(left).execute()
    assert owner.post(URL, json=DOC | {"code": "B"}, headers=key).status_code == 201


def test_eight_threads_with_one_key_make_one_record(web: Any, owner: Any, suppliers: Resource) -> None:
    answers: list[Any] = []
    start = threading.Barrier(8)

    def call() -> None:
        client = web.test_client()
        client.environ_base.update(owner.environ_base)
        start.wait()
        answers.append(client.post(URL, json=DOC, headers={"Idempotency-Key": "same"}))
        db.database.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(answer.status_code, answer.json["id"]) for answer in answers} == {(201, 1)}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert suppliers.model.select().count() == 1
    assert audit.Entry.select().where(audit.Entry.resource == suppliers.name).count() == 1


def test_actions_do_few_at_once_and_many_as_a_job(owner: Any) -> None:
    make_suppliers(count=30)
    arguments = {"arguments": {"tags": ["new"]}}
    done = owner.post(f"{URL}/actions/add_tags", json=arguments | {"ids": [1, 2, 999]}).json["outcomes"]
    assert [one["status"] for one in done] == ["done", "done", "rejected"]
    assert owner.get(f"{URL}/1/tags").json == {"data": ["new"]}
    key = {"Idempotency-Key": "bulk"}
    jobs = set()
    for _again in range(2):
        answer = owner.post(
            f"{URL}/actions/add_tags", json=arguments | {"all": True, "search": "supplier"}, headers=key
        )
        assert answer.status_code == 202
        assert owner.get(answer.headers["Location"]).json["status"] == "waiting"
        jobs.add(answer.json["job"]["id"])
    assert len(jobs) == 1
    problem(owner.post(f"{URL}/actions/add_tags", json={"ids": [1], "arguments": {"tags": 5}}), 422)
    missing = problem(owner.post(f"{URL}/actions/add_tags", json={"ids": [1]}), 422)
    assert "arguments.tags" in missing["errors"]
    problem(owner.post(f"{URL}/actions/add_tags", json=arguments), 422)
    problem(owner.post(f"{URL}/actions/add_tags", json=arguments | {"ids": [1], "all": True}), 422)
    problem(owner.post(f"{URL}/actions/none", json={}), 404)


def test_the_job_of_another_user_is_not_found(owner: Any, caller: Callable[..., Any]) -> None:
    make_suppliers(count=30)
    job = owner.post(f"{URL}/actions/add_tags", json={"all": True, "arguments": {"tags": ["new"]}}).headers["Location"]
    problem(caller("viewer").get(job), 404)
    problem(owner.get("/api/v1/jobs/99999999999999999999"), 404)


def test_notes_stand_beside_a_record(owner: Any) -> None:
    make_suppliers(DOC)
    assert owner.post(f"{URL}/1/notes", json={"text": "Call back"}).status_code == 201
    assert [note["text"] for note in owner.get(f"{URL}/1/notes").json["data"]] == ["Call back"]
    problem(owner.post(f"{URL}/1/notes", json={"text": "  "}), 422)


def test_too_many_calls_wait_for_the_next_minute(web: Any, owner: Any, caller: Callable[..., Any]) -> None:
    web.config["API_CALLS_PER_MINUTE"] = 5
    answers = [owner.get(URL) for _ in range(12)]  # two full minutes at most: one of them has more than five
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert problem(refused, 429)["code"] == "too_many_calls"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert (refused.headers["RateLimit-Limit"], refused.headers["RateLimit-Remaining"]) == ("5", "0")
    assert caller().get(URL).status_code == 200


def test_the_description_is_complete(owner: Any, house: Runtime) -> None:
    described = owner.get("/api/v1/openapi.json").json
    assert described["openapi"].startswith("3.1")
    assert described == json.loads(json.dumps(api.openapi(house)))
    operations = {
        (path, verb): one
        for path, verbs in described["paths"].items()
        for verb, one in verbs.items()
        if verb != "parameters"
    }
    for (path, verb), one in operations.items():
        assert {"401", "403", "404", "422", "429"} <= set(one["responses"]), (path, verb)
        assert one["summary"]
        assert verb not in ("post", "patch") or one["requestBody"]["content"]
    listing = {one["name"] for one in operations[(URL, "get")]["parameters"]}
    assert {"q", "sort", "cursor", "limit", "country", "country__prefix", "is_active", "tag", "tag__in"} <= listing
    assert operations[(URL, "post")]["requestBody"]["content"]["application/json"]["example"]["code"] == "Code"
    assert described["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_hostile_calls_never_cause_a_server_error(web: Any, owner: Any, suppliers: Resource) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings

    make_suppliers(count=30)
    web.config["API_CALLS_PER_MINUTE"] = 10**9
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", web, headers={"Authorization": owner.environ_base["HTTP_AUTHORIZATION"]}
    )
    calls = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=4,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def attack(case: Any) -> None:
            nonlocal calls
            calls += 1
            answer = case.call(headers={"Authorization": owner.environ_base["HTTP_AUTHORIZATION"]})
            assert answer.status_code < 500, case.as_curl_command()

        attack()
    assert calls > 100
