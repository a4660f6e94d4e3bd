"""Permissions, roles, row scopes, and the guard that denies what is not declared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import flask
import flask_admin
import flask_admin.theme
import pytest
from flask.views import MethodView

from core import access, audit, auth, db
from core import runtime as runtime_room
from core.access import Role, RolePermission, UndeclaredRoute, UserRole, requires
from core.access import roles as access_roles
from core.access.guard import permission_of
from core.access.permissions import expand, reaches
from core.auth import Session, User
from core.context import NOBODY, SYSTEM, Actor, Context, Grant
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.resources import Action, Selection, service_of
from tests.conftest import confirmed, csrf_of
from tests.test_audit import counting

ORDER = "orders.order"


def acting(user: User) -> Context:
    """As a request of `user` would see it now."""
    return auth.context_for(user, "ui")


# Permissions


def test_owner_holds_every_permission_also_later_ones(runtime: Any, make_user: Callable[..., User]) -> None:
    user = make_user("owner")
    actor = acting(user).actor
    assert all(actor.can(name) for name in access.permissions())
    later = replace(runtime, permissions={**runtime.permissions, "wool.sheep.shear": "Shear"})
    with runtime_room.bound(later):
        assert acting(user).actor.can("wool.sheep.shear")


def test_patterns_do_not_reach_into_core(make_user: Callable[..., User]) -> None:
    viewer = acting(make_user("viewer")).actor
    assert viewer.can("orders.order.view")
    assert not viewer.can("orders.order.edit")
    assert not any(
        viewer.can(name) for name in access.permissions() if name.startswith("core.") and name not in access.HELD_BY_ALL
    )


def test_default_roles_grow_from_viewer_to_owner(make_user: Callable[..., User]) -> None:
    actors = [acting(make_user(role)).actor for role in ("viewer", "operator", "manager", "owner")]
    held = [{name for name in access.permissions() if actor.can(name)} for actor in actors]
    assert held[0] < held[1] < held[2] < held[3] == set(access.permissions())


def test_user_without_role_is_signed_in_and_keeps_views_and_no_more(make_user: Callable[..., User]) -> None:
    actor = acting(make_user()).actor
    assert {name for name in access.permissions() if actor.can(name)} == access.HELD_BY_ALL
    with pytest.raises(Forbidden):
        access.demand(actor, "orders.order.view")


def test_nobody_may_nothing_and_the_system_everything() -> None:
    assert not NOBODY.can(access.SIGNED_IN)
    assert SYSTEM.can("any.thing.at_all")


def test_grants_of_many_users_cost_one_statement(make_user: Callable[..., User]) -> None:
    users = [make_user("viewer").id, make_user("operator").id, make_user().id]
    with counting() as seen:
        grants = access.grants_of(users)
    assert len(seen) == 1
    assert [len(grants[user]) for user in users] == [2, 2, 1]


def test_default_roles_made_again_keep_what_was_changed(runtime: Any, ctx: Context) -> None:
    access.revoke(ctx, "viewer", "*.view")
    access.ensure_default_roles(ctx)
    assert RolePermission.select().join(Role).where(Role.name == "viewer").count() == 0


def an_older_operator(ctx: Context) -> Role:
    """The role as the version before daily work made it."""
    with db.transaction():
        role: Role = Role.get(Role.name == "operator")
        for table in (
            RolePermission.delete().where(RolePermission.role == role),
            Role.delete().where(Role.id == role.id),
        ):
            table.execute()
        made: Role = Role.create(name="operator", label="Operator")
        access_roles.set_permissions(ctx, made, [f"*.{verb}" for verb in access_roles._OPERATOR_ONCE])
    return made


def test_an_operator_that_nobody_changed_gets_daily_work_with_an_upgrade(runtime: Any, ctx: Context) -> None:
    role = an_older_operator(ctx)
    access.ensure_default_roles(ctx)
    assert access.entries_of(role) == sorted(access_roles.DEFAULT_ROLES["operator"][1])
    last = audit.Entry.select().where(audit.Entry.resource == "core.role", audit.Entry.record_id == role.id)
    assert last.order_by(audit.Entry.id.desc()).get().diff["after"] == {"given": ["*.daily"]}


def test_an_operator_that_the_merchant_changed_stays_also_when_it_looks_untouched(runtime: Any, ctx: Context) -> None:
    for role in (Role.get(Role.name == "operator"), an_older_operator(ctx)):
        access.ensure_default_roles(ctx)
        access.revoke(ctx, "operator", "*.daily")
        access.ensure_default_roles(ctx)
        assert "*.daily" not in access.entries_of(role)


# Daily work


def test_daily_work_of_a_later_plugin_is_the_operators_at_once(runtime: Any, make_user: Callable[..., User]) -> None:
    def act(ctx: Context, ids: Any, arguments: Any) -> dict[int, Any]:
        return {}

    actions = [Action("shear", "Shear", act, daily=True), Action("sell", "Sell", act)]
    sheep = replace(runtime.resource(ORDER), name="wool.sheep", slug="sheep", actions=actions, guard=None, scopes=())
    names = {name: name for name in sheep.permissions()}
    later = replace(
        runtime, resources={**runtime.resources, sheep.name: sheep}, permissions={**runtime.permissions, **names}
    )
    user = make_user("operator")
    with runtime_room.bound(later):
        actor = acting(user).actor
        assert actor.can("wool.sheep.shear")
        assert not actor.can("wool.sheep.sell")
        assert not actor.can("wool.sheep.delete")
        assert reaches("wool.*.daily", "wool.sheep.shear")
        assert not reaches("orders.*.daily", "wool.sheep.shear")
    assert "wool.sheep.shear" not in {name for grant in acting(user).actor.grants for name in grant.permissions}


def test_daily_work_is_given_by_who_holds_it_and_by_nobody_else(make_user: Callable[..., User], ctx: Context) -> None:
    operator, viewer = acting(make_user("operator")).actor, acting(make_user("viewer")).actor
    wanted = Grant(expand(["*.daily"]))
    assert access.covers(operator, wanted)
    assert access.covers(acting(make_user("manager")).actor, wanted)
    assert not access.covers(viewer, wanted)


# Row scopes


def sees(runtime: Any, *grants: Grant) -> Any:
    return access.rows(Actor(1, "x", grants), "orders.order.view", runtime.resource(ORDER))


def scoped(*channels: str, name: str = "sales_channel") -> Grant:
    return Grant(frozenset({"orders.order.view"}), {ORDER: {name: channels}})


def test_row_scopes(runtime: Any) -> None:
    everything = Grant(frozenset({"orders.order.view"}))
    assert sees(runtime, everything) is None
    assert sees(runtime, scoped("uk"), everything) is None
    with pytest.raises(Forbidden):
        sees(runtime, Grant(frozenset({"orders.order.edit"})))
    model = runtime.resource(ORDER).model
    for grants, values in (((scoped("uk"),), ["uk"]), ((scoped("uk"), scoped("de", "fr")), ["uk", "de", "fr"])):
        sql, params = model.select(model.id).where(sees(runtime, *grants)).sql()
        assert params == values
    sql, params = model.select(model.id).where(sees(runtime, scoped("uk", name="unknown"))).sql()
    assert "0 = 1" in sql
    assert model.select().where(sees(runtime, scoped())).count() == 0


def test_scope_of_another_permission_does_not_widen(runtime: Any) -> None:
    edit_all = Grant(frozenset({"orders.order.edit"}))
    assert sees(runtime, scoped("uk"), edit_all) is not None


def test_system_sees_all_rows(runtime: Any) -> None:
    assert access.rows(SYSTEM, "orders.order.view", runtime.resource(ORDER)) is None


# The authorize hook


def test_authorize_hook_takes_rights_away(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [[2], None, [3]]
    monkeypatch.setattr(type(runtime.hooks), "call", lambda self, name, **given: answers)
    assert access.denied(NOBODY, "orders.order.edit", ORDER, [1, 2, 3]) == {2, 3}


# Giving and taking


def test_nobody_gives_what_he_lacks(make_user: Callable[..., User], ctx: Context) -> None:
    manager, helper = acting(make_user("manager")), make_user()
    with pytest.raises(Forbidden):
        access.grant(manager, "viewer", "core.user.edit")
    with pytest.raises(Forbidden):
        access.grant(manager, "viewer", "*")
    with pytest.raises(Forbidden):
        access.assign(manager, helper, "owner")
    access.assign(manager, helper, "operator")
    access.grant(manager, "viewer", "orders.order.edit")
    assert acting(helper).actor.can("orders.order.edit")


def test_nobody_takes_what_he_lacks(make_user: Callable[..., User], ctx: Context) -> None:
    owner = make_user("owner")
    make_user("owner")
    with pytest.raises(Forbidden):
        access.unassign(acting(make_user("manager")), owner, "owner")


def test_narrowed_actor_gives_only_inside_his_rows(make_user: Callable[..., User]) -> None:
    narrow = acting(make_user("manager", {ORDER: {"sales_channel": ["uk", "de"]}}))
    helper = make_user()
    for scopes in (None, {}, {ORDER: {}}, {ORDER: {"sales_channel": ["fr"]}}, {"other.thing": {"x": ["uk"]}}):
        with pytest.raises(Forbidden):
            access.assign(narrow, helper, "viewer", scopes)
    access.assign(narrow, helper, "viewer", {ORDER: {"sales_channel": ["uk"]}})


def test_pattern_is_given_only_by_who_holds_a_wider_one(make_user: Callable[..., User], ctx: Context) -> None:
    role = acting(make_user("manager"))
    access.grant(role, "viewer", "orders.*")
    for entry in ("core.*", "*", "c*"):
        with pytest.raises(Forbidden):
            access.grant(role, "viewer", entry)
    assert not acting(make_user("viewer")).actor.can("core.user.view")
    with pytest.raises(Invalid):
        access.grant(ctx, "viewer", "orders.[*]")


def test_limited_token_gives_only_inside_its_scopes(make_user: Callable[..., User]) -> None:
    token = auth.context_for(make_user("owner"), "api", ["core.role.edit", "core.user.edit"])
    with pytest.raises(Forbidden):
        access.assign(token, make_user(), "viewer")


def test_users_who_may_more_are_out_of_reach(make_user: Callable[..., User], ctx: Context) -> None:
    owner, manager = make_user("owner"), make_user("manager")
    access.grant(ctx, "manager", "core.user.*")
    helper = acting(manager)
    for attack in (
        lambda: auth.set_password(helper, owner, "a kettle of my own choice"),
        lambda: auth.set_active(helper, [owner.id], False),
        lambda: service_of(runtime_room.current().resource("core.user")).update(
            helper, {owner.id: {"email": "me@x.y"}}
        ),
    ):
        with pytest.raises(Forbidden):
            attack()
    auth.set_password(helper, make_user("viewer"), "a kettle of my own choice")


def test_unknown_permission_and_role_are_named(runtime: Any, ctx: Context, make_user: Callable[..., User]) -> None:
    with pytest.raises(Invalid, match=r"orders\.oder\.view"):
        access.grant(ctx, "viewer", "orders.oder.view")
    with pytest.raises(NotFound, match="chief"):
        access.assign(ctx, make_user(), "chief")


def test_owner_role_cannot_be_emptied(runtime: Any, ctx: Context) -> None:
    with pytest.raises(Conflict):
        access.revoke(ctx, "owner", "*")


def test_last_owner_stays(make_user: Callable[..., User], ctx: Context) -> None:
    first, second = make_user("owner"), make_user("owner")
    auth.set_active(ctx, [second.id], False)
    with pytest.raises(Conflict):
        auth.set_active(ctx, [first.id], False)
    with pytest.raises(Conflict):
        access.unassign(ctx, first, "owner")
    with pytest.raises(Conflict):
        access.assign(ctx, first, "owner", {ORDER: {"sales_channel": ["uk"]}})
    assert User.get_by_id(first.id).is_active
    auth.set_active(ctx, [second.id], True)
    auth.set_active(ctx, [first.id], False)


def test_of_two_owners_who_disable_each_other_one_stays(make_user: Callable[..., User], ctx: Context) -> None:
    users = [make_user("owner"), make_user("owner")]
    gate = threading.Barrier(2)

    def disable(user: User) -> None:
        gate.wait()
        try:
            auth.set_active(ctx, [user.id], False)
        except Conflict:
            pass
        finally:
            db.database.close()

    import contextvars

    threads = [threading.Thread(target=contextvars.copy_context().run, args=(disable, user)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert User.select().where(User.id.in_([user.id for user in users]), User.is_active).count() == 1


def test_loss_of_rights_ends_sessions_and_gain_does_not(make_user: Callable[..., User], ctx: Context) -> None:
    user = make_user("viewer")
    auth.open_session(user, ip="", browser="")
    access.assign(ctx, user, "operator")
    access.grant(ctx, "viewer", "orders.order.edit")
    assert Session.select().count() == 1
    access.revoke(ctx, "viewer", "orders.order.edit")
    assert Session.select().count() == 0


def test_changes_of_roles_are_audited(make_user: Callable[..., User], ctx: Context) -> None:
    user, role = make_user("viewer"), Role.get(Role.name == "viewer")
    access.grant(ctx.because("new till"), "viewer", "orders.order.edit")
    access.unassign(ctx, user, "viewer")
    entry = audit.history("core.role", role.id)[0]
    assert (entry.action, entry.diff["after"], entry.reason) == (
        "permissions_changed",
        {"given": ["orders.order.edit"]},
        "new till",
    )
    assert [entry.action for entry in audit.history("core.user", user.id).limit(2)] == ["role_taken", "role_assigned"]


# Users and roles as resources


def form(browser: Any, url: str, **values: Any) -> Any:
    page = browser.get(url).get_data(as_text=True)
    import re

    kept = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("base", "version")}
    import html

    values |= {name: html.unescape(found[1]) for name, found in kept.items() if found and name not in values}
    return confirmed(browser, url, browser.post(url, data=values | {"csrf_token": csrf_of(page)}), **values)


def test_owner_makes_a_user_with_roles_by_the_form(signed_in: Callable[..., Any]) -> None:
    browser = signed_in("owner")
    values = {
        "username": "Sara.K",
        "name": "Sara",
        "email": "",
        "locale": "ar",
        "timezone": "UTC",
        "roles": "viewer, operator",
    }
    assert form(browser, "/admin/users/new", **values).status_code == 302
    user = User.get(User.username == "sara.k")
    assert {row.role.name for row in UserRole.select().where(UserRole.user == user)} == {"viewer", "operator"}
    assert user.password_hash == ""
    assert form(browser, "/admin/users/new", **values).status_code == 422
    assert form(browser, f"/admin/users/{user.id}/edit", **(values | {"roles": "viewer"})).status_code == 302
    assert {row.role.name for row in UserRole.select().where(UserRole.user == user)} == {"viewer"}
    assert form(browser, f"/admin/users/{user.id}/edit", **(values | {"roles": "chief"})).status_code == 422


def test_owner_makes_and_names_a_role_by_the_form(signed_in: Callable[..., Any]) -> None:
    browser = signed_in("owner")
    made = form(browser, "/admin/roles/new", name="till", label="Till")
    role = Role.get(Role.name == "till")
    assert made.location == f"/admin/roles/{role.id}", "where its permissions are ticked"
    assert form(browser, f"/admin/roles/{role.id}/edit", name="till", label="Tills").status_code == 302
    assert (Role.get_by_id(role.id).label, access.roles.entries_of(role)) == ("Tills", [])


def test_short_name_of_a_role_stays(runtime: Any, ctx: Context) -> None:
    owner = Role.get(Role.name == "owner")
    outcome = service_of(runtime.resource("core.role")).update(ctx, {owner.id: {"name": "chief", "label": "Chief"}})[0]
    assert (outcome.status, list(outcome.errors)) == ("rejected", ["name"])
    assert Role.get_by_id(owner.id).name == "owner"


def test_scope_that_does_not_exist_is_refused(make_user: Callable[..., User], ctx: Context) -> None:
    """A typing mistake must not leave a role that reaches all rows."""
    with pytest.raises(Invalid):
        access.assign(ctx, make_user(), "viewer", {ORDER: {"chanel": ["uk"]}})
    with pytest.raises(NotFound):
        access.assign(ctx, make_user(), "viewer", {"orders.oder": {"sales_channel": ["uk"]}})


def test_documents_of_users_hold_no_secret(runtime: Any, make_user: Callable[..., User]) -> None:
    resource = runtime.resource("core.user")
    document = service_of(resource).documents([make_user("viewer").id])[0]
    assert document["roles"] == ["viewer"]
    assert not {"password", "password_hash"} & {*document, *resource.schema().fields}


def test_password_is_set_for_one_user_at_a_time_and_lies_in_no_job(
    make_user: Callable[..., User], ctx: Context
) -> None:
    from core import jobs

    users = [make_user(), make_user()]
    given = {"password": "a kettle of my own choice"}
    with pytest.raises(Invalid):
        jobs.start_action(ctx, "core.user", "set_password", Selection("core.user", everything=True), given)
    chosen = Selection("core.user", ids=(users[0].id,))
    outcome = jobs.start_action(ctx, "core.user", "set_password", chosen, given)
    assert outcome[users[0].id].ok
    assert auth.sign_in(users[0].username, given["password"], ip="", browser="")
    assert "kettle of my own" not in str(list(audit.Entry.select().dicts()) + list(jobs.Job.select().dicts()))


def test_users_are_switched_off_and_limited_by_actions(make_user: Callable[..., User], ctx: Context) -> None:
    from core import jobs

    user = make_user("viewer")
    chosen = Selection("core.user", ids=(user.id,))
    given = {"role": "viewer", "resource": ORDER, "scope": "sales_channel", "values": ["uk"]}
    jobs.start_action(ctx, "core.user", "limit_rows", chosen, given)
    assert UserRole.get(UserRole.user == user).scopes == {ORDER: {"sales_channel": ["uk"]}}
    jobs.start_action(ctx, "core.user", "limit_rows", chosen, given | {"values": ""})
    assert UserRole.get(UserRole.user == user).scopes == {}
    jobs.start_action(ctx, "core.user", "disable", chosen, {})
    assert not User.get_by_id(user.id).is_active


# Routes


class Page(flask_admin.BaseView):
    permission = "core.signed_in"

    @flask_admin.expose("/")
    def index(self) -> str:
        return "index"

    @flask_admin.expose("/own", methods=["GET", "POST"])
    @requires("{resource}.edit")
    def own(self) -> str:
        return "own"


class Endpoint(MethodView):
    resource = type("R", (), {"name": "orders.order"})

    @requires("{resource}.view")
    def get(self) -> str:
        return "get"

    def post(self) -> str:
        return "post"


def test_permission_of_a_view(runtime: Any) -> None:
    page = Page(name="x", endpoint="wool_page", url="/admin/x")
    page.resource = type("R", (), {"name": "wool.sheep"})
    view = Endpoint.as_view("x")
    assert permission_of(page.index, "GET") == "core.signed_in"
    assert {permission_of(page.own, method) for method in ("GET", "HEAD", "POST")} == {"wool.sheep.edit"}
    assert permission_of(view, "GET") == "orders.order.view"
    assert permission_of(view, "POST") is None
    assert permission_of(lambda: "", "GET") is None


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (lambda: "open", "declares no permission"),
        (requires("")(lambda: "empty"), "declares no permission"),
        (requires("orders.oder.view")(lambda: "typo"), "nobody declares"),
        (Endpoint.as_view("half"), "declares no permission"),
    ],
)
def test_start_refuses_an_undeclared_route_and_names_the_cure(app: Any, view: Any, said: str) -> None:
    access.check_routes(app)
    bare = flask.Flask("bare")
    bare.add_url_rule("/wool", "wool_open", view)
    with pytest.raises(UndeclaredRoute, match=said) as refused:
        access.check_routes(bare)
    assert "wool_open" in str(refused.value)


def test_undeclared_route_is_closed_even_for_the_owner(signed_in: Callable[..., Any], app: Any) -> None:
    browser = signed_in("owner")
    app._got_first_request = False  # a plugin that slips a route in after the check
    app.add_url_rule("/admin/slipped-in", "slipped_in", lambda: "open")
    assert browser.get("/admin/slipped-in").status_code == 403


def test_public_list_is_short(app: Any) -> None:
    open_rules = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if access.guard.is_public(rule, app.view_functions[rule.endpoint])
    }
    static = {rule for rule in open_rules if "static" in rule}
    assert open_rules - static == {
        "/admin/sign-in",
        "/admin/offline",
        "/admin/worker.js",
        "/healthz",
        "/readyz",
        "/metrics",
    }


def test_nobody_is_sent_to_sign_in_and_back(client: Any) -> None:
    answer = client.get("/admin/users/?q=a&sort=-id")
    assert answer.status_code == 302
    assert answer.location == "/admin/sign-in?next=/admin/users/?q%3Da%26sort%3D-id"
    part = client.get("/admin/users/", headers={"HX-Request": "true"})
    assert (part.status_code, part.text) == (401, "")
    assert client.get("/api/v1/users").status_code == 401


def test_lacking_permission_is_403(signed_in: Callable[..., Any], app: Any, ctx: Context) -> None:
    browser = signed_in("viewer")
    assert browser.get("/admin/users/").status_code == 403
    token = auth.create_token(ctx, browser.user, ["*"])
    answer = app.test_client().get("/api/v1/users", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert answer.content_type.startswith("application/problem+json")


def test_unknown_page_is_404_for_all(client: Any, signed_in: Callable[..., Any]) -> None:
    assert client.get("/admin/nothing-here").status_code == 404
    assert signed_in("owner").get("/admin/nothing-here").status_code == 404
