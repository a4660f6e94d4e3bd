"""Attacks on the admin shell: what it asks, keeps, shares and shows, sent as no page of ours would send it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest

from core import auth
from core import runtime as runtime_room
from core.auth import LoginAttempt
from core.context import Context
from tests import hostile
from tests.helpers import make_suppliers
from tests.test_sweep import Caller, routes_of

LIST = "/admin/suppliers/"
RAW = "q=\xff&\xfe=\xc3&country=\x80"
"""Bytes of a query that are no UTF-8 and not percent-encoded: no browser sends them, a scanner does."""


@pytest.fixture
def house(app_db: Any, settings: Any) -> Iterator[flask.Flask]:
    with hostile.whole_house(settings) as made:
        make_suppliers(count=3)
        yield made


@pytest.fixture
def runtime(house: flask.Flask) -> Any:
    return runtime_room.current()


@pytest.fixture
def owner(house: flask.Flask, make_user: Any, ctx: Context) -> Caller:
    user = make_user("owner")
    return Caller(house, user, auth.create_token(ctx, user, ["*"]))


# Requests that are none of a browser's


def test_raw_bytes_in_an_address_break_no_page(house: flask.Flask, owner: Caller) -> None:
    here = {"Referer": "http://localhost/admin/"}
    for caller in (house.test_client(), owner.browser):
        for url in {route.url for route in routes_of(house) if route.method == "GET"} | {"/admin/nothing"}:
            answer = caller.get(url, environ_overrides={"QUERY_STRING": RAW}, headers=here)
            assert answer.status_code < 500, (url, answer.text[:300])
    answer = owner.browser.get(LIST, environ_overrides={"QUERY_STRING": "q=Ã\x85"})
    assert 'value="Å"' in answer.text, "UTF-8 that is not encoded means what it says"


def test_a_head_is_never_taken_for_a_form(house: flask.Flask, owner: Caller) -> None:
    """A page of somebody else may send it from the browser of a user, and it has no CSRF token."""
    nobody = house.test_client()
    assert {nobody.head("/admin/sign-in").status_code for _try in range(30)} == {200}
    assert LoginAttempt.select().where(LoginAttempt.key.startswith("address:"), LoginAttempt.tries > 1).count() == 0
    for route in routes_of(house):
        if route.method == "GET" and "metrics" not in route.rule:
            pair = [owner.browser.open(route.url, method=method) for method in ("HEAD", "GET")]
            assert len({answer.status_code for answer in pair}) == 1, (route.url, pair)
            assert pair[0].data == b"", route.url
