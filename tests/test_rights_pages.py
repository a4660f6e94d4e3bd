"""The pages of roles and users: permissions as a table, roles, sessions of others, looking as somebody."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import flask
import pytest

from core import access, auth, db, i18n
from core.access.guard import LEAVING, is_public
from core.access.models import Role, UserRole
from core.audit.models import Entry
from core.auth import throttle
from core.auth.models import LoginAttempt, Session, User
from core.auth.view_as import LONGEST
from core.context import Context
from core.errors import Forbidden, Invalid
from tests.conftest import csrf_of
from tests.helpers import count_statements
from tests.test_sweep import SAFE, callers, routes_of, suppliers, whole_app

__all__ = ["suppliers", "whole_app"]


def role(name: str) -> Role:
    return Role.get(Role.name == name)


def boxes(page: str, name: str = "permission") -> dict[str, str]:
    """{value: the rest of its tag} of the boxes in a page."""
    return dict(re.findall(rf'type="checkbox" name="{name}" value="([^"]+)"([^>]*)>', page))


def ticked(page: str) -> list[str]:
    """What the form sends when nothing is touched."""
    return [name for name, rest in boxes(page).items() if "checked" in rest and "disabled" not in rest]


def test_a_role_shows_what_its_patterns_cover(signed_in: Callable[..., Any]) -> None:
    page = signed_in("owner").get(f"/admin/roles/{role('viewer').id}").text
    found = boxes(page)
    assert "checked" in found["*.view"]
    assert "covers 1 permission" in page
    assert "checked disabled" in found["orders.order.view"]
    assert "checked" not in found["orders.order.edit"]
    assert found.keys() >= {"core.user.set_password", "core.role.view_as", "orders.order.cancel"}


def test_a_permission_stands_once_in_the_table(signed_in: Callable[..., Any]) -> None:
    page = signed_in("owner").get(f"/admin/roles/{role('operator').id}").text
    values = re.findall(r'name="permission" value="([^"]+)"', page)
    assert len(values) == len(set(values)) > 20


def test_a_role_says_that_it_stands_for_daily_work(signed_in: Callable[..., Any]) -> None:
    page = signed_in("owner").get(f"/admin/roles/{role('operator').id}").text
    found = boxes(page)
    assert "checked" in found["*.daily"]
    assert "Daily work:" in page
    assert all("checked disabled" in found[f"orders.order.{name}"] for name in ("place", "complete", "cancel"))
    assert not any("checked" in found[f"orders.order.{name}"] for name in ("expire", "delete", "import"))
    assert 'by <bdi dir="ltr">*.daily</bdi>' in page


def test_what_is_ticked_becomes_the_role_and_the_question_says_what_changes(signed_in: Callable[..., Any]) -> None:
    owner, viewer = signed_in("owner"), role("viewer")
    url = f"/admin/roles/{viewer.id}/permissions"
    kept = ticked(owner.get(f"/admin/roles/{viewer.id}").text)
    assert kept == ["*.view"]
    page = owner.post(url, data=form(owner, kept, "orders.order.edit", "orders.order.note")).text
    assert "Given: Orders: Edit, Orders: Note" in page
    assert access.entries_of(viewer) == ["*.view"]
    assert (
        owner.send(url, permission=[*kept, "orders.order.edit"], more="orders.order.n* core.job.*").status_code == 302
    )
    assert access.entries_of(viewer) == ["*.view", "core.job.*", "orders.order.edit", "orders.order.n*"]
    assert owner.send(url, permission=["orders.order.edit"]).status_code == 302
    assert access.entries_of(viewer) == ["orders.order.edit"]


def test_a_change_of_a_role_is_told_once(signed_in: Callable[..., Any]) -> None:
    owner, viewer = signed_in("owner"), role("viewer")
    owner.send(f"/admin/roles/{viewer.id}/permissions", permission=["orders.order.edit"])
    page = owner.get(f"/admin/roles/{viewer.id}").text
    told = re.sub(r"<[^>]+>", " ", page.partition('id="timeline"')[2])
    assert "Permissions changed" in told
    assert "Updated" not in told


def form(browser: Any, *permissions: Any) -> dict[str, Any]:
    names = [name for one in permissions for name in (one if isinstance(one, list) else [one])]
    return {"csrf_token": csrf_of(browser.get("/admin/profile/").text), "permission": names}


def test_nobody_gives_or_takes_by_the_table_what_he_lacks(signed_in: Callable[..., Any], ctx: Context) -> None:
    access.grant(ctx, "manager", "core.role.edit")
    access.grant(ctx, "viewer", "core.plugin.manage")
    viewer, manager = role("viewer"), signed_in("manager")
    page = manager.get(f"/admin/roles/{viewer.id}").text
    assert "checked disabled" in boxes(page)["core.plugin.manage"]
    assert "not yours to give" in page
    url = f"/admin/roles/{viewer.id}/permissions"
    assert manager.send(url, permission=["*.view", "orders.order.edit"]).status_code == 302
    assert access.entries_of(viewer) == ["*.view", "core.plugin.manage", "orders.order.edit"], "not his to take"
    manager.send(url, permission=["*.view", "core.user.set_password"])
    assert "core.user.set_password" not in access.entries_of(viewer)
    assert "This needs the permission core.user.set_password" in manager.get(f"/admin/roles/{viewer.id}").text


def test_the_owners_role_cannot_be_changed(signed_in: Callable[..., Any]) -> None:
    owner = signed_in("owner")
    page = owner.get(f"/admin/roles/{role('owner').id}").text
    assert "Save permissions" not in page
    owner.send(f"/admin/roles/{role('owner').id}/permissions", permission=["*.view"])
    assert access.entries_of(role("owner")) == ["*"]


def test_a_role_names_its_holders_and_their_rows(signed_in: Callable[..., Any], make_user: Callable[..., User]) -> None:
    user = make_user("operator", {"orders.order": {"sales_channel": ["uk", "de"]}})
    page = signed_in("owner").get(f"/admin/roles/{role('operator').id}").text
    assert f"><bdi>{user}</bdi></a>" in page
    assert "Only Order: uk, de" in page


def test_roles_of_a_user_are_ticked_and_stand_in_the_list_in_words(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    owner, user = signed_in("owner"), make_user("viewer")
    assert "checked" in boxes(owner.get(f"/admin/users/{user.id}").text, "role")["viewer"]
    assert owner.send(f"/admin/users/{user.id}/roles", role=["manager", "viewer"]).status_code == 302
    assert {one.role.name for one in UserRole.select().where(UserRole.user == user)} == {"manager", "viewer"}
    assert "Manager, Viewer" in owner.get("/admin/users/").text
    mine = f"/admin/users/{owner.user.id}/roles"
    last = owner.post(mine, data={"csrf_token": csrf_of(owner.get("/admin/users/").text), "role": ["viewer"]})
    assert last.status_code == 302, "refused before the question"
    assert ">The last owner must stay" in owner.get(f"/admin/users/{owner.user.id}").text
    token = csrf_of(owner.get("/admin/users/").text)
    asked = owner.post(f"/admin/users/{user.id}/roles", data={"csrf_token": token, "role": ["viewer", "operator"]}).text
    assert "Given: Operator" in asked
    assert "Taken: Manager" in asked
    assert "Viewer" not in asked.partition("Given:")[2].partition("</ul>")[0]


def test_a_new_user_waits_for_a_password_and_can_then_sign_in(signed_in: Callable[..., Any]) -> None:
    owner = signed_in("owner")
    made = owner.send("/admin/users/new", username="sara", locale="ar", timezone="UTC", roles="viewer")
    assert "No password yet" in owner.get(made.location).text
    user = User.get(User.username == "sara")
    owner.send("/admin/users/actions/set_password", ids=user.id, **{"argument.password": "a teapot of some other blue"})
    assert "No password yet" not in owner.get(made.location).text
    assert auth.sign_in("sara", "a teapot of some other blue", ip="", browser="")
    assert User.get_by_id(user.id).last_sign_in_at is not None


def user_form(browser: Any, url: str) -> dict[str, Any]:
    """What the form of a user sends when nothing is touched."""
    page = browser.get(url).text
    hidden = re.findall(r'type="hidden" name="(base|version|roles)" value="([^"]*)"', page)
    typed = re.findall(r'name="(username|name|email|timezone)" type="text" value="([^"]*)"', page)
    held = [value for name, value in hidden if name == "roles"] + ticked_of(page, "roles")
    given = {name: html.unescape(value) for name, value in [*hidden, *typed] if name != "roles"}
    return given | {"locale": "en", "roles": held}


def ticked_of(page: str, name: str) -> list[str]:
    return [value for value, rest in boxes(page, name).items() if "checked" in rest and "disabled" not in rest]


def roles_of(user: User) -> set[str]:
    return {one.role.name for one in UserRole.select().where(UserRole.user == user)}


def test_roles_of_a_new_user_are_ticked_by_their_names(signed_in: Callable[..., Any]) -> None:
    owner = signed_in("owner")
    page = owner.get("/admin/users/new").text
    assert list(boxes(page, "roles")) == ["owner", "manager", "operator", "viewer"]
    assert re.search(r'value="operator"><span>Operator', page)
    sent = {"username": "sara", "locale": "en", "timezone": "UTC", "roles": ["operator", "viewer"]}
    asked = owner.post("/admin/users/new", data=sent | form(owner), headers={"Referer": "http://localhost/admin/"})
    assert "Roles: Operator, Viewer" in asked.text
    made = owner.send("/admin/users/new", **sent)
    sara = User.get(User.username == "sara")
    assert roles_of(sara) == {"operator", "viewer"}
    edit = f"{made.location}/edit"
    same = user_form(owner, edit)
    assert same["roles"] == ["operator", "viewer"]
    owner.send(edit, **same)
    assert "Nothing had to be changed." in owner.get(made.location).text
    assert owner.send(edit, **same | {"roles": []}).status_code == 302
    assert roles_of(sara) == set()


def test_roles_that_are_not_ones_own_to_give_are_shown_and_stay(
    signed_in: Callable[..., Any], make_user: Callable[..., User], ctx: Context
) -> None:
    access.grant(ctx, "manager", "core.user.*")
    manager, other = signed_in("manager"), make_user("owner")
    access.assign(ctx, other, "viewer")
    page = manager.get("/admin/users/new").text
    assert {name for name, rest in boxes(page, "roles").items() if "disabled" in rest} == {"owner"}
    assert page.count("not yours to give") == 1
    edit = f"/admin/users/{other.id}/edit"
    assert user_form(manager, edit)["roles"] == ["owner", "viewer"]
    answer = manager.send(edit, **user_form(manager, edit) | {"roles": ["viewer"]})
    assert "This user may do more than you." in answer.text
    assert (
        manager.send("/admin/users/new", username="x", locale="en", timezone="UTC", roles=["owner"]).status_code != 302
    )
    assert roles_of(other) == {"owner", "viewer"}
    assert not User.select().where(User.username == "x").exists()


@pytest.mark.parametrize("text", ["x", "x@", "sam@example", "sam@exa mple.com"])
def test_an_e_mail_address_is_one(
    signed_in: Callable[..., Any], api: Callable[..., Any], ctx: Context, text: str
) -> None:
    owner, wanted = signed_in("owner"), "Write an e-mail address, such as sam@example.com."
    new = {"username": "sara", "locale": "en", "timezone": "UTC"}
    refused = owner.send("/admin/users/new", **new, email=text)
    assert refused.status_code == 422
    assert wanted in refused.text
    assert wanted in owner.send("/admin/profile/", what="profile", name="Me", email=text).text
    answer = api("owner").post("/api/v1/users", json=new | {"email": text})
    assert answer.json["errors"] == {"email": [wanted]}
    with pytest.raises(Invalid) as problem:
        auth.create_user(ctx, "sara", "a teapot of some other blue", email=text)
    assert problem.value.errors == {"email": [wanted]}
    assert not User.select().where(User.username == "sara").exists()
    assert owner.send("/admin/users/new", **new, email="sam@example.com").status_code == 302
    assert owner.send("/admin/users/new", **new | {"username": "lina"}, email="").status_code == 302


def test_what_is_not_written_as_expected_is_told_how(signed_in: Callable[..., Any]) -> None:
    owner = signed_in("owner")
    refused = owner.send("/admin/users/new", username="s a", locale="en", timezone="UTC")
    assert "Use letters, digits and . @ + - _ only." in refused.text
    assert "a letter first." in owner.send("/admin/roles/new", name="9 Tills", label="Tills").text


def test_a_refused_action_keeps_what_was_typed_and_names_fields_as_the_form_does(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    owner, user, url = signed_in("owner"), make_user("viewer"), "/admin/users/actions/limit_rows"
    typed = {"role": "viewer", "resource": "orders.order", "scope": "color", "values": "uk, Saudi Arabia"}
    sent = {"ids": user.id} | {f"argument.{name}": text for name, text in typed.items()}
    refused = owner.send(url, **sent)
    assert refused.status_code == 422
    assert "orders.order has no rows by color." in refused.text.partition('id="e-argument.scope"')[2]
    assert '<option value="viewer" selected>' in refused.text
    assert '<option value="orders.order" selected>' in refused.text
    assert re.search(r'name="argument.values"[^>]* value="uk, Saudi Arabia"', refused.text)
    unknown = owner.send(url, **sent | {"argument.role": "chief"})
    assert "There is no role chief." in unknown.text
    again = owner.send(url, **sent | {"argument.scope": "sales_channel"})
    assert again.status_code == 302
    assert UserRole.get(UserRole.user == user).scopes == {"orders.order": {"sales_channel": ["uk", "Saudi Arabia"]}}
    easy = owner.send("/admin/users/actions/set_password", ids=user.id, **{"argument.password": "short"})
    assert easy.status_code == 422
    assert re.search(r'id="e-argument.password">.*?</span>', easy.text, re.DOTALL)
    assert "password: Use" not in easy.text


def test_who_takes_a_permission_from_a_role_is_told_that_its_holders_are_signed_out(signed_in: Any) -> None:
    owner, _holder, role = signed_in("owner"), signed_in("viewer"), Role.get(Role.name == "viewer")
    token, url = csrf_of(owner.get("/admin/profile/").text), f"/admin/roles/{role.id}/permissions"
    more = owner.post(url, data={"csrf_token": token, "permission": ["*.view", "orders.order.note"]}).text
    assert "1 user holds it.</p>" in more
    less = owner.post(url, data={"csrf_token": token, "permission": ["orders.order.view"]}).text
    assert "1 user holds it and is signed out everywhere.</p>" in less


def test_sessions_of_others_are_seen_and_ended(signed_in: Callable[..., Any]) -> None:
    owner, other = signed_in("owner"), signed_in("viewer")
    session = Session.get(Session.user == other.user)
    url = f"/admin/users/{other.user.id}/sessions/{session.id}/end"
    assert url in owner.get(f"/admin/users/{other.user.id}").text
    assert other.send(url).status_code == 403
    assert owner.send(f"/admin/users/{owner.user.id}/sessions/{session.id}/end").status_code == 404
    assert owner.send(url).status_code == 302
    assert other.get("/admin/").status_code == 302, "signed out"
    entry = Entry.select().where(Entry.action == "session_ended").get()
    assert (entry.record_id, entry.actor_id) == (other.user.id, owner.user.id)


# Locked accounts


def lock(user: User) -> None:
    for _try in range(throttle.ACCOUNT_TRIES):
        throttle.take(throttle.account_key(user.username), throttle.ACCOUNT_TRIES)


def test_a_locked_user_is_seen_and_unlocked(signed_in: Callable[..., Any], make_user: Callable[..., User]) -> None:
    owner, user = signed_in("owner"), make_user("viewer")
    page = f"/admin/users/{user.id}"
    assert "Unlock" not in owner.get(page).text
    lock(user)
    until = i18n.format_clock(LoginAttempt.get(LoginAttempt.blocked_until.is_null(False)).blocked_until)
    assert f"Locked until {until}" in owner.get("/admin/users/").text
    shown = owner.get(page).text
    assert f"Locked until {until}" in shown
    assert re.search(r'class="mk-btn mk-btn-p"[^>]*>.*?Unlock</button>', shown)
    assert owner.send("/admin/users/actions/unlock", ids=user.id, back=page).status_code == 302
    assert "Locked until" not in owner.get(page).text
    throttle.take(throttle.account_key(user.username), throttle.ACCOUNT_TRIES)
    assert [entry.action for entry in Entry.select().where(Entry.action == "unlocked")] == ["unlocked"]


def test_nobody_unlocks_who_may_more_or_without_the_permission(
    signed_in: Callable[..., Any], make_user: Callable[..., User], ctx: Context
) -> None:
    other, boss, peer = signed_in("viewer"), make_user("owner"), make_user("viewer")
    lock(boss), lock(peer)
    assert other.send("/admin/users/actions/unlock", ids=peer.id).status_code == 403
    access.grant(ctx, "viewer", "core.user.view")
    access.grant(ctx, "viewer", "core.user.unlock")
    other.send("/admin/users/actions/unlock", ids=boss.id)
    other.send("/admin/users/actions/unlock", ids=peer.id)
    assert [entry.record_id for entry in Entry.select().where(Entry.action == "unlocked")] == [peer.id]


def test_what_is_locked_costs_pages_of_users_three_statements_more(signed_in: Callable[..., Any]) -> None:
    owner = signed_in("owner")
    for page, most in (("/admin/users/", 8), (f"/admin/users/{owner.user.id}", 12)):
        owner.get(page)
        with count_statements() as seen:
            owner.get(page)
        assert len(seen) <= most, seen


# Looking as somebody


def test_an_owner_looks_as_a_role_and_comes_back(signed_in: Callable[..., Any]) -> None:
    owner, viewer = signed_in("owner"), role("viewer")
    assert owner.send("/admin/view-as", what=f"role:{viewer.id}").location == "/admin/"
    home = owner.get("/admin/").text
    assert "You look at Maktab as Viewer." in home
    assert 'href="/admin/users/"' not in home
    assert owner.get("/admin/users/").status_code == 403
    assert owner.get("/admin/orders/").status_code == 200
    assert owner.send("/admin/view-as/leave").location == f"/admin/roles/{viewer.id}"
    assert owner.get("/admin/users/").status_code == 200
    noted = [one for one in Entry.select().order_by(Entry.id) if one.action.startswith("view_as")]
    said = [(one.action, one.actor_id, one.on_behalf_of, one.record_id) for one in noted]
    assert said == [(f"view_as_{end}", owner.user.id, "Viewer", viewer.id) for end in ("started", "ended")]


def test_an_owner_looks_as_a_user_and_sees_his_rows(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    owner, user = signed_in("owner"), make_user("manager", {"orders.order": {"sales_channel": ["uk"]}})
    owner.send("/admin/view-as", what=f"user:{user.id}")
    assert "This page is your own" in owner.get("/admin/profile/").text
    refused = owner.send("/admin/profile/", what="profile", name="x")
    assert ("Nothing was changed</span>" in refused.text, "Ask an administrator" in refused.text) == (True, False)
    with owner:
        owner.get("/admin/")
        ctx = flask.g.ctx
    assert (ctx.actor.user_id, ctx.on_behalf_of, ctx.is_looking) == (user.id, str(user), True)
    assert any(grant.scopes == {"orders.order": {"sales_channel": ["uk"]}} for grant in ctx.actor.grants)


def test_nobody_looks_as_somebody_who_may_more(
    signed_in: Callable[..., Any], make_user: Callable[..., User], ctx: Context
) -> None:
    access.grant(ctx, "manager", "core.role.view_as")
    manager, owner = signed_in("manager"), make_user("owner")
    for what in (f"role:{role('owner').id}", f"user:{owner.id}"):
        assert manager.send("/admin/view-as", what=what).status_code == 403
    for what in ("", "role:", "role:999", "user:x", "plugin:1", f"user:{'9' * 30}"):
        assert manager.send("/admin/view-as", what=what).status_code == 404
    assert signed_in("viewer").send("/admin/view-as", what=f"role:{role('viewer').id}").status_code == 403


def test_looking_ends_by_itself_and_with_the_session(signed_in: Callable[..., Any]) -> None:
    owner, what = signed_in("owner"), f"role:{role('viewer').id}"
    owner.send("/admin/view-as", what=what)
    until = Session.get(Session.user == owner.user).view_as_until
    assert timedelta(minutes=29) < until - db.utcnow() <= LONGEST == timedelta(minutes=30)
    Session.update(view_as_until=db.utcnow() - timedelta(seconds=1)).execute()
    assert owner.get("/admin/users/").status_code == 200
    assert Entry.select().where(Entry.action == "view_as_ended").count() == 1
    owner.send("/admin/view-as", what=what)
    owner.send("/admin/sign-out")
    assert Entry.select().where(Entry.action == "view_as_ended").count() == 2
    assert Session.select().where(Session.user == owner.user).count() == 0


def test_a_role_that_is_gone_ends_the_view(signed_in: Callable[..., Any], ctx: Context) -> None:
    owner = signed_in("owner")
    made = Role.create(name="till", label="Till")
    owner.send("/admin/view-as", what=f"role:{made.id}")
    Role.delete().where(Role.id == made.id).execute()
    assert owner.get("/admin/users/").status_code == 200


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_whoever_looks_changes_nothing_on_any_route(whole_app: flask.Flask, ctx: Context) -> None:
    owner, swept = callers(whole_app, ctx)["owner"], 0
    Session.update(view_as=f"role:{role('owner').id}", view_as_until=db.utcnow() + LONGEST).where(
        Session.user == owner.user
    ).execute()
    before = Entry.select().count()
    for route in routes_of(whole_app):
        rule = next(whole_app.url_map.iter_rules(route.endpoint))
        if route.is_api or route.method in SAFE or route.endpoint in LEAVING:
            continue
        if is_public(rule, whole_app.view_functions[route.endpoint]):
            continue
        answer = owner.call(route)
        assert answer.status_code == 403, (route, answer.status_code)
        assert "nothing can be changed" in answer.text, route
        swept += 1
    assert swept > 25
    assert Entry.select().count() == before


def test_no_service_writes_for_whoever_looks(make_user: Callable[..., User], ctx: Context, runtime: Any) -> None:
    user = make_user("viewer")
    with pytest.raises(Forbidden, match="nothing can be changed"):
        access.assign(replace(ctx, is_looking=True, on_behalf_of="Viewer"), user, "manager")
    assert UserRole.select().where(UserRole.user == user).count() == 1
