"""Every route × every kind of caller, made from the URL map: nothing is reachable without its permission."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import flask
import pytest

from core import access, auth
from core import runtime as runtime_room
from core.access.guard import is_public
from core.app import create_app
from core.auth import User
from core.context import Context
from tests.conftest import PASSWORD, csrf_of
from tests.helpers import make_suppliers

ROLES = ["viewer", "operator", "manager", "owner"]
SAFE = {"GET", "HEAD"}
REACHED = 299
# One view serves all actions of a resource, so it asks for the action's own permission itself; swept below by action.
# Pages of views ask for what core.view demands; columns and density are the own choice of whoever looks.
ASKS_ITSELF = {"run_view", "start", "setup_view", "view_new_view", "view_view"}


@dataclass(frozen=True)
class Route:
    """One address with one method and what it declares."""

    rule: str
    url: str
    endpoint: str
    method: str
    permission: str | None

    @property
    def is_api(self) -> bool:
        return self.rule.startswith("/api/")


class Caller:
    """Somebody with a session, a token, both or none."""

    def __init__(self, app: flask.Flask, user: User | None, token: str = "") -> None:
        self.browser, self.user, self.token, self.csrf = app.test_client(), user, token, ""
        if user is not None:
            page = self.browser.get("/admin/sign-in").get_data(as_text=True)
            form = {"username": user.username, "password": PASSWORD, "csrf_token": csrf_of(page)}
            assert self.browser.post("/admin/sign-in", data=form).status_code == 302
            self.csrf = csrf_of(self.browser.get("/admin/profile/").get_data(as_text=True))

    def call(self, route: Route, *, csrf: bool = True) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if csrf and self.csrf:
            headers["X-CSRFToken"] = self.csrf
        return self.browser.open(route.url, method=route.method, headers=headers)


@pytest.fixture
def suppliers(settings: Any) -> Any:
    """Our own plugins and the test plugin, in one generation."""
    return replace(settings, plugin_dir=str(Path(__file__).parent / "plugins"))


@pytest.fixture
def whole_app(app_db: Any, suppliers: Any, ctx: Context) -> Iterator[flask.Flask]:
    from core import boot, plugins
    from core.plugins.models import PluginState

    boot.prepare(suppliers)
    PluginState.insert(name="suppliers", version="1").on_conflict_ignore().execute()
    boot.migrate_all(suppliers)
    built = plugins.build(suppliers)
    runtime_room.install(built)
    with runtime_room.bound(built):
        assert {"orders.order", "suppliers.supplier", "core.user"} <= set(built.resources)
        access.ensure_default_roles(ctx)
        made = create_app(built)
        made.config.update(TESTING=True)
        yield made


def routes_of(app: flask.Flask) -> list[Route]:
    """Every address with sample values for its variables; public ones have no permission."""
    declared, found = access.route_permissions(app), []
    samples = {"int": 1, "path": "x", "any": None, "string": "x", "default": "x"}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values = {
                name: samples.get(type(c).__name__.removesuffix("Converter").lower(), 1)
                for name, c in rule._converters.items()
            }
            values = {
                name: sorted(rule._converters[name].items)[0] if value is None else "x" if isinstance(value, str) else 1
                for name, value in values.items()
            }
            built = rule.build(values, append_unknown=False)
            assert built, rule
            assert rule.provide_automatic_options or "OPTIONS" not in (rule.methods or ()), rule
            for method in (rule.methods or set()) - {"OPTIONS"}:  # Flask answers it itself, with the methods alone
                permission = declared.get((rule.endpoint, method))
                found.append(Route(rule.rule, built[1], rule.endpoint, method, permission))
    return found


@pytest.fixture
def gate(whole_app: flask.Flask) -> flask.Flask:
    """The app, answering 299 for whatever passes its gate, so that no view runs."""
    whole_app.before_request_funcs[None].append(_reached)
    return whole_app


def _reached() -> Any:
    signing_in = flask.request.path in ("/admin/sign-in", "/admin/profile/") and not flask.request.headers.get(
        "X-Sweep"
    )
    return None if signing_in and flask.request.method in ("GET", "POST") else flask.make_response("reached", REACHED)


def callers(app: flask.Flask, ctx: Context) -> dict[str, Caller]:
    """Nobody, one user per role (with session and token), and an owner's token with a scope that opens nothing else."""
    found = {"nobody": Caller(app, None)}
    for role in ["", *ROLES]:
        user = auth.create_user(ctx, role or "roleless", PASSWORD)
        if role:
            access.assign(ctx, user, role)
        found[role or "roleless"] = Caller(app, user, auth.create_token(ctx, user, ["*"]))
    token = auth.create_token(ctx, found["owner"].user, ["core.job.manage"])  # type: ignore[arg-type]
    found["wrong scope"] = Caller(app, None, token)
    return found


def holds(name: str, caller: Caller, permission: str) -> bool:
    """What the grants in the database say, read without the guard."""
    if caller.user is None and name != "wrong scope":
        return False
    if name == "wrong scope":
        return permission in ("core.job.manage", access.SIGNED_IN)
    return auth.context_for(caller.user, "ui").actor.can(permission)  # type: ignore[arg-type]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_no_route_is_reachable_without_its_permission(gate: flask.Flask, ctx: Context) -> None:
    routes, found = routes_of(gate), callers(gate, ctx)
    assert len(routes) > 150
    wrong, checked = [], 0
    rights = {(name, p): holds(name, caller, p) for name, caller in found.items() for p in access.permissions()}
    for route in routes:
        if is_public(next(gate.url_map.iter_rules(route.endpoint)), gate.view_functions[route.endpoint]):
            continue
        for name, caller in found.items():
            allowed = rights[name, route.permission or ""]
            if name == "wrong scope" and not route.is_api:
                allowed = False  # a token opens no page
            status = _status(caller, route)
            checked += 1
            if (status == REACHED) is not allowed or (not allowed and status not in _closed(name, route)):
                wrong.append((name, route.method, route.rule, route.permission, status))
    assert not wrong, wrong[:20]
    assert checked > 1000


def _status(caller: Caller, route: Route) -> int:
    headers = {"X-Sweep": "1"} | ({"X-CSRFToken": caller.csrf} if caller.csrf else {})
    if route.is_api and caller.token:
        headers["Authorization"] = f"Bearer {caller.token}"
    status: int = caller.browser.open(route.url, method=route.method, headers=headers).status_code
    return status


def _closed(name: str, route: Route) -> set[int]:
    """How a closed door answers this caller: sign in first, no token, no right; a form without its CSRF token 400."""
    if route.is_api:
        return {401} if name == "nobody" else {403}
    if name in ("nobody", "wrong scope"):
        return {302} if route.method in SAFE else {302, 400}
    return {403}


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_csrf_is_demanded_on_every_unsafe_route_but_the_api(gate: flask.Flask, ctx: Context) -> None:
    owner = callers(gate, ctx)["owner"]
    unsafe = [route for route in routes_of(gate) if route.method not in SAFE and not route.is_api]
    assert len(unsafe) > 15
    for route in unsafe:
        for token in ("", "wrong"):
            headers = {"X-Sweep": "1"} | ({"X-CSRFToken": token} if token else {})
            answer = owner.browser.open(route.url, method=route.method, headers=headers)
            assert answer.status_code == 400, (route, token, answer.status_code)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_cookie_opens_no_api_route(gate: flask.Flask, ctx: Context) -> None:
    owner = callers(gate, ctx)["owner"]
    owner.token = ""
    for route in routes_of(gate):
        if route.is_api:
            assert _status(owner, route) == 401, route


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_changing_routes_need_more_than_the_right_to_look(whole_app: flask.Flask) -> None:
    lax = [
        (route.endpoint, route.method, route.permission)
        for route in routes_of(whole_app)
        if route.method not in SAFE and (route.permission or "").endswith(".view")
    ]
    assert {endpoint.rpartition(".")[2] for endpoint, _, _ in lax} <= ASKS_ITSELF, lax


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_owner_finds_no_broken_page(whole_app: flask.Flask, ctx: Context) -> None:
    owner = callers(whole_app, ctx)["owner"]
    for route in routes_of(whole_app):
        if route.method == "GET":
            answer = owner.call(route)
            assert answer.status_code < 500, (route, answer.status_code)
            assert answer.status_code not in (401, 403) or "metrics" in route.rule, (route, answer.status_code)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_actions_are_closed_without_their_own_permission(whole_app: flask.Flask, ctx: Context) -> None:
    """The right to look at a resource opens none of its actions, neither in the admin nor in the API."""
    for resource in runtime_room.current().resources.values():
        access.grant(ctx, "viewer", resource.permission("view"))
    viewer = callers(whole_app, ctx)["viewer"]
    swept = 0
    for resource in runtime_room.current().resources.values():
        for action in resource.actions:
            for url in (
                f"/admin/{resource.slug}/actions/{action.name}",
                f"/api/v1/{resource.slug}/actions/{action.name}",
            ):
                answer = viewer.call(Route(url, url, "", "POST", None))
                assert answer.status_code == 403, (url, answer.status_code)
                swept += 1
    assert swept >= 10


def test_rows_out_of_scope_look_as_if_they_were_not_there(whole_app: flask.Flask, ctx: Context) -> None:
    seen, hidden = make_suppliers(
        {"code": "A", "name": "Ours", "country": "FR"}, {"code": "B", "name": "Theirs", "country": "DE"}
    )
    user = auth.create_user(ctx, "scoped", PASSWORD)
    access.assign(ctx, user, "manager", {"suppliers.supplier": {"country": ["FR"]}})
    caller = Caller(whole_app, user, auth.create_token(ctx, user, ["*"]))
    for record, status in ((seen, 200), (hidden, 404)):
        for url in (f"/admin/suppliers/{record}", f"/admin/suppliers/{record}/edit", f"/api/v1/suppliers/{record}"):
            assert caller.call(Route(url, url, "", "GET", None)).status_code == status, url
    for method, url in (
        ("POST", f"/admin/suppliers/{hidden}/edit"),
        ("POST", f"/admin/suppliers/{hidden}/delete"),
        ("DELETE", f"/api/v1/suppliers/{hidden}"),
    ):
        assert caller.call(Route(url, url, "", method, None)).status_code == 404, url
    page = caller.call(Route("", "/admin/suppliers/", "", "GET", None)).get_data(as_text=True)
    assert "Ours" in page
    assert "Theirs" not in page
    listed = caller.call(Route("", "/api/v1/suppliers", "", "GET", None)).get_json()["data"]
    assert [row["code"] for row in listed] == ["A"]
