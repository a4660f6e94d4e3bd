"""Attacks on the admin shell: what it asks, keeps, shares and shows, sent as no page of ours would send it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import flask
import pytest

from core import access, auth
from core import runtime as runtime_room
from core.access import Role, UserRole
from core.auth import LoginAttempt
from core.auth.models import ApiToken
from core.context import Context
from core.resources import service_of
from tests import hostile
from tests.conftest import confirmed
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


# Rights


def ask(caller: Caller, url: str, **form: Any) -> Any:
    """A form with its token; a question that comes back is answered with yes."""
    given = {"csrf_token": caller.csrf} | form
    return confirmed(caller.browser, url, caller.browser.post(url, data=given), **given)


def person(house: flask.Flask, make_user: Any, role: str, scopes: Any = None) -> Caller:
    return Caller(house, make_user(role, scopes))


def test_nobody_narrows_a_user_who_may_do_more(house: flask.Flask, make_user: Any, ctx: Context) -> None:
    access.grant(ctx, "viewer", "core.user.edit")
    access.grant(ctx, "viewer", "core.user.limit_rows")
    access.grant(ctx, "viewer", "core.user.view")
    small = person(house, make_user, "viewer", {"suppliers.supplier": {"country": ["GB"]}})
    boss = make_user("owner")
    access.assign(ctx, boss, "viewer")
    form = {"ids": boss.id, "argument.role": "viewer", "argument.resource": "suppliers.supplier"}
    ask(small, "/admin/users/actions/limit_rows", **form, **{"argument.scope": "country", "argument.values": "GB"})
    assert [one.scopes for one in UserRole.select().where(UserRole.user == boss)] == [{}, {}]


def test_looking_ends_when_what_is_looked_as_grows_over_the_looker(
    house: flask.Flask, make_user: Any, ctx: Context
) -> None:
    access.grant(ctx, "manager", "core.role.view_as")
    manager, viewer = person(house, make_user, "manager"), Role.get(Role.name == "viewer")
    assert ask(manager, "/admin/view-as", what=f"role:{viewer.id}").status_code == 302
    assert "You look at Maktab as" in manager.browser.get("/admin/").text
    access.grant(ctx, "viewer", "core.plugin.view")
    assert manager.browser.get("/admin/plugins/").status_code == 403
    assert "You look at Maktab as" not in manager.browser.get("/admin/").text


@pytest.mark.parametrize("what", ["role", "user"])
def test_rights_that_somebody_changed_meanwhile_are_not_written_over(
    owner: Caller, make_user: Any, ctx: Context, what: str
) -> None:
    user, viewer = make_user("viewer"), Role.get(Role.name == "viewer")
    page = f"/admin/roles/{viewer.id}" if what == "role" else f"/admin/users/{user.id}"
    form = fields_of(owner.browser.get(page).text, "permissions" if what == "role" else "roles")
    if what == "role":
        access.grant(ctx, "viewer", "orders.order.note")
        ask(owner, f"{page}/permissions", **form | {"permission": ["*.view", "orders.order.edit"]})
        assert access.entries_of(viewer) == ["*.view", "orders.order.note"]
    else:
        users = service_of(runtime_room.current().resource("core.user"))
        users.update(ctx, {user.id: {"roles": ["viewer", "manager"]}})
        ask(owner, f"{page}/roles", **form | {"role": ["viewer", "operator"]})
        assert {one.role.name for one in UserRole.select().where(UserRole.user == user)} == {"viewer", "manager"}
    assert "Someone changed this in the meantime" in owner.browser.get(page).text


def fields_of(page: str, action: str) -> dict[str, str]:
    """The hidden inputs of the form that is sent to …/`action`."""
    form = re.search(rf'<form method="post" action="[^"]*/{action}".*?</form>', page, re.S)
    assert form, page
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))


@pytest.mark.parametrize("days", ["0", "-1", "ten", "1e3", "30 days", "99999999", "9" * 30])
def test_a_token_without_an_end_is_made_only_when_it_is_asked_for(owner: Caller, days: str) -> None:
    before = ApiToken.select().count()
    answer = ask(owner, "/admin/profile/", what="create_token", scopes="", days=days)
    assert (answer.status_code, ApiToken.select().count()) == (422, before)
    assert "mk-err" in answer.text
