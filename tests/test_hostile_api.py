"""The API of the whole house against what no client of ours sends: no server error, on both databases."""

from __future__ import annotations

import copy
import io
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import flask
import pytest

from core import access, auth
from core import runtime as runtime_room
from core.api import openapi
from core.context import Context
from core.jobs import Job
from core.jobs.worker import Worker
from core.resources import service_of
from tests import hostile
from tests.helpers import make_suppliers

VALUES: list[Any] = [
    None, True, -1, 0, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**300, 1.5, -0.0, 1e308, "", " ", [], {},
    "a" * 70_000, "9" * 5000, "-1", "NaN", "1e999999", "\u202e💥" * 40, "\x00", "\x1b[2J", "' OR 1=1 --", "%s%n{0}",
    [[]], [None],    [1, "a", {}], {"a": {"b": []}}, {"$gt": ""}, "2026-13-45", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-03-01T14:30:00", "٢٠٢٦-٠٣-٠١", [{"x": 1}] * 300, ["tag"] * 60, "*", "x" * 64, "GBP\n", "🏴", "en\0",
]  # fmt: skip
_LINE = {"sku": "A", "title": "B", "quantity": "1", "unit_price": "1.5", "line_total_minor": 5, "extra": {"x": 1}}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "users": {"username": "new", "name": "N", "email": "a@b.example", "locale": "en", "timezone": "UTC", "roles": []},
    "roles": {"name": "new", "label": "L", "permissions": ["orders.order.view"]},
    "views": {
        "resource": "suppliers.supplier", "name": "new", "filters": {"country": "GB"}, "search": "x", "sort": "name",
        "columns": ["code", "name"], "density": "compact", "position": 1, "shared_with": "",
    },
    "suppliers": {
        "code": "NEW", "name": "N", "country": "GB", "currency": "GBP", "credit_minor": 1, "is_active": True,
        "tags": ["a"],
    },
    "orders": {
        "number": "NEW", "sales_channel": "web", "currency": "GBP", "placed_at": "2026-03-01T14:30:00Z", "kind": "sale",
        "customer_name": "C", "customer_email": "a@b.example", "customer_phone": "1", "tax_included": False,
        "tags": ["a"],
        "lines": [_LINE], "adjustments": [{"kind": "fee", "label": "L", "amount_minor": 1}], "extra": {"x": {"y": 1}},
        "billing_address": {"name": "N", "line1": "1", "city": "C", "postcode": "P", "country": "GB"},
    },
}  # fmt: skip
ARGUMENTS: dict[str, dict[str, Any]] = {
    "add_tags": {"tags": ["x"]}, "remove_tags": {"tags": ["x"]}, "reopen": {"reason": "why"},
    "cancel": {"reason": "why"},
    "set_password": {"password": "green kettle on a cold stove"},
    "limit_rows": {"role": "viewer", "resource": "suppliers.supplier", "scope": "country", "values": ["GB"]},
}  # fmt: skip


@pytest.fixture
def house(app_db: Any, settings: Any) -> Iterator[flask.Flask]:
    with hostile.whole_house(settings) as made:
        yield made


@pytest.fixture
def runtime(house: flask.Flask) -> Any:
    return runtime_room.current()


@pytest.fixture
def token(house: flask.Flask, make_user: Any, ctx: Context) -> str:
    make_suppliers(count=30)
    orders = service_of(runtime_room.current().resource("orders.order"))
    docs = [{"number": str(n), "sales_channel": "web", "currency": "GBP"} for n in range(30)]
    assert all(outcome.ok for outcome in orders.create(ctx, docs))
    owner, _other = make_user("owner"), make_user("viewer")
    return auth.create_token(ctx, owner, ["*", *access.permissions()])


@pytest.fixture
def caller(house: flask.Flask, token: str) -> Any:
    client = house.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, of inner ones too."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = copy.deepcopy(document)
    node = made
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return made


def bodies(runtime: Any) -> dict[tuple[str, str], Any]:
    """A body that is right for every call that takes one; record 2 is a user who may be changed."""
    found: dict[tuple[str, str], Any] = {}
    for resource in runtime.resources.values():
        home, document = f"/api/v1/{resource.slug}", DOCUMENTS.get(resource.slug)
        found[f"{home}/exports", "post"] = {"ids": [1, 2], "filters": {}, "search": "", "excluded": [], "format": "csv"}
        if document:
            found |= {(home, "post"): document, (f"{home}/{{record_id}}", "patch"): document}
        if resource.has_notes:
            found[f"{home}/{{record_id}}/notes", "post"] = {"text": "A note"}
        for action in resource.actions:
            found[f"{home}/actions/{action.name}", "post"] = {"ids": [2], "arguments": ARGUMENTS.get(action.name, {})}
    return found


def test_no_value_in_any_place_of_a_body_is_a_server_error(house: flask.Flask, caller: Any, runtime: Any) -> None:
    calls, taken, picker = 0, set(), random.Random(5)  # the same sample each time
    for (path, verb), body in bodies(runtime).items():
        for place in places(body):
            for value in [body, *(VALUES if hostile.DEEP else picker.sample(VALUES, 2))]:
                fresh = body | {name: f"k{calls}" for name in ("code", "number", "username", "name") if name in body}
                sent = fresh if value is body else replaced(fresh, place, value)
                answer = caller.open(path.replace("{record_id}", "2"), method=verb.upper(), json=sent)
                assert answer.status_code < 500, (verb, path, place, value)
                calls += 1
                if answer.status_code < 300:
                    taken.add((path, verb))
    assert calls > 500
    assert bodies(runtime).keys() - taken <= {("/api/v1/roles/{record_id}", "patch")}  # its short name stays
    Worker(runtime.settings).drain()
    assert not Job.select().where(Job.error.contains("Unexpected")).exists()
    for slug in ("suppliers", "orders", "users", "roles", "audit"):
        assert caller.get(f"/api/v1/{slug}?limit=200").status_code == 200  # what was taken can be given out


def test_the_bodies_above_are_those_of_every_call(runtime: Any) -> None:
    described = {
        (path, verb)
        for path, verbs in openapi(runtime)["paths"].items()
        for verb, one in verbs.items()
        if verb != "parameters" and "application/json" in one.get("requestBody", {}).get("content", {})
    }
    assert described == set(bodies(runtime))


def test_no_value_in_an_address_is_a_server_error(house: flask.Flask, caller: Any, runtime: Any) -> None:
    texts = [*hostile.NAUGHTY, *[str(value) for value in VALUES if isinstance(value, str | int | float)]]
    picker = random.Random(6)
    for resource in runtime.resources.values():
        names = [
            one.name + end for one in resource.filters for end in ("", "__gte", "__lte", "__prefix", "__in", "__eq")
        ]
        for name in [*names, "q", "sort", "cursor", "limit", "foo"]:
            for text in texts if hostile.DEEP else picker.sample(texts, 2):
                for path in (
                    f"/api/v1/{resource.slug}",
                    f"/api/v1/{resource.slug}/{quote(text[:40], errors='replace')}",
                ):
                    answer = caller.get(path, query_string={name: text[:4000].encode("utf-8", "replace")})
                    assert answer.status_code < 500, (path, name, text)


def test_files_and_their_form_fields_are_no_server_error(caller: Any, runtime: Any) -> None:
    for slug in ("suppliers", "orders"):
        for number, text in enumerate([*hostile.NAUGHTY, "a\r\nb", "true", "x" * 5000]):
            name = text.replace('"', "").encode("utf-8", "replace").decode()
            file = (io.BytesIO(f"code,name,number,{text}\n1,2,3,4\n".encode("utf-8", "replace")), f"{name}.csv")
            form: dict[str, Any] = {"file": file} | ({"mapping": text} if number % 3 == 0 else {})
            form |= {"dry_run": text} if number % 3 == 1 else {}
            answer = caller.post(f"/api/v1/{slug}/imports", data=form)
            assert answer.status_code in (202, 415, 422), (text, answer.text)
        for body in (
            {"all": True, "format": "exe"},
            {"all": True, "ids": [1]},
            {"ids": [2**63]},
            {"all": True, "filters": {"x": "y"}},
        ):
            assert caller.post(f"/api/v1/{slug}/exports", json=body).status_code in (202, 422), body
    Worker(runtime.settings).drain()
    assert not Job.select().where(Job.error.contains("Unexpected")).exists()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_calls_made_from_the_description_are_no_server_error(house: flask.Flask, token: str) -> None:
    """schemathesis over every operation of the whole house."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, seed, settings

    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", house, headers=headers)
    calls = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @seed(1)
        @given(case=operation.as_strategy())
        @settings(
            max_examples=40 if hostile.DEEP else 2, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def attack(case: Any) -> None:
            nonlocal calls
            calls += 1
            answer = case.call(headers=headers)
            assert answer.status_code < 500, case.as_curl_command()

        attack()
    assert calls > 100
