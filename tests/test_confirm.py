"""Costly acts: nothing happens without a grant, and a grant is good for one act, once, in one session."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import access, auth, db
from core import runtime as runtime_room
from core.access.models import Role
from core.audit.models import Entry
from core.auth.models import ApiToken, Confirmation, Session, User
from core.context import Context, system_context
from core.plugins.models import PluginState
from core.resources import query
from core.web import selections
from tests.conftest import PASSWORD, csrf_of, yes_to
from tests.helpers import make_suppliers, suppliers_on

LIST = "/admin/suppliers/"


runtime = suppliers_on("transfer")


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def post(browser: Any, url: str, **form: Any) -> Any:
    """What a form sends when no script runs."""
    token = csrf_of(browser.get("/admin/profile/").text)
    return browser.post(url, data={"csrf_token": token} | form)


def stale(browser: Any) -> None:
    """The password was given long ago."""
    Session.update(step_up_at=db.utcnow() - timedelta(hours=1)).where(Session.user == browser.user).execute()


def entries(user: User) -> list[str]:
    return [one.action for one in Entry.select().where(Entry.resource == "core.user", Entry.record_id == user.id)]


# Every act of core that costs something: (address, form, what must still be so when it was not done)
def acts(make_user: Callable[..., User]) -> dict[str, tuple[str, dict[str, Any], Callable[[], bool]]]:
    supplier, user = make_suppliers(count=1)[0], make_user("viewer")
    role, other = Role.get(Role.name == "viewer"), make_user("viewer")
    names = {"username": other.username, "name": "", "email": "", "locale": "en"}
    before = user.password_hash
    token = auth.create_token(system_context(), User.get(User.username.startswith("owner")), ["*"])
    model = runtime_room.current().resource("suppliers.supplier").model
    return {
        "delete": (f"{LIST}{supplier}/delete", {}, lambda: model.select().where(model.id == supplier).exists()),
        "switch off": ("/admin/users/actions/disable", {"ids": user.id}, lambda: User.get_by_id(user.id).is_active),
        "set password": (
            "/admin/users/actions/set_password", {"ids": user.id, "argument.password": "another and long one"},
            lambda: User.get_by_id(user.id).password_hash == before,
        ),
        "limit rows": (
            "/admin/users/actions/limit_rows",
            {"ids": user.id, "argument.role": "viewer", "argument.resource": "suppliers.supplier",
             "argument.scope": "country", "argument.values": "FR"},
            lambda: not access.UserRole.get(access.UserRole.user == user).scopes,
        ),
        "give a role": (
            f"/admin/users/{other.id}/edit",
            names | {"timezone": "UTC", "roles": "manager", "version": 1, "base": "{}"},
            lambda: access.UserRole.get(access.UserRole.user == other).role.name == "viewer",
        ),
        "new user": (
            "/admin/users/new", names | {"username": "another", "timezone": "UTC", "roles": "viewer"},
            lambda: not User.select().where(User.username == "another").exists(),
        ),
        "permissions": (
            f"/admin/roles/{role.id}/permissions", {"permission": ["*.edit", "orders.order.note"]},
            lambda: access.entries_of(role) == ["*.view"],
        ),
        "token": (
            "/admin/profile/", {"what": "create_token", "scopes": "", "days": "30"},
            lambda: ApiToken.select().count() == 1,
        ),
        "revoke": (
            "/admin/profile/", {"what": "revoke_token", "id": ApiToken.get().id}, lambda: bool(auth.by_token(token)),
        ),
        "plugin off": (
            "/admin/plugins/suppliers/disable", {}, lambda: PluginState.get(PluginState.name == "suppliers").enabled,
        ),
        "export": (
            "/admin/imports/export", {"resource": "core.user", "format": "csv"},
            lambda: not Entry.select().where(Entry.action == "exported").exists(),
        ),
    }  # fmt: skip


DIALOG_ALONE = {"delete", "switch off", "revoke"}


def test_no_act_is_done_by_a_post_alone(owner: Any, make_user: Callable[..., User]) -> None:
    """A script that is blocked, or a form that somebody else has built, changes nothing."""
    for what, (url, form, untouched) in acts(make_user).items():
        for more in ({}, {"confirmed": "1"}, {"confirm.grant": ""}, {"confirm.grant": "x" * 43, "confirmed": "1"}):
            answer = post(owner, url, **form | more)
            assert answer.status_code in (200, 409), (what, answer.status_code)
            assert yes_to(answer.text), what
            assert untouched(), what


def test_every_act_is_done_with_its_grant_and_never_twice(owner: Any, make_user: Callable[..., User]) -> None:
    done = 0
    for what, (url, form, untouched) in acts(make_user).items():
        if what == "plugin off":  # takes the others' pages away
            continue
        answer = post(owner, url, **form)
        yes = yes_to(answer.text)
        assert owner.post(url, data=form | yes).status_code in (200, 302), what
        if what != "export":  # a job does it
            assert not untouched(), what
        again = owner.post(url, data=form | yes)
        assert again.status_code in (302, 404, 409, 422), (what, again.status_code)  # gone, or asked anew
        assert again.status_code != 302 or "Nothing had to be changed" in owner.get(again.location).text, what
        done += 1
    assert done == 10


def test_an_old_password_is_asked_for_again_where_rights_change(owner: Any, make_user: Callable[..., User]) -> None:
    for what, (url, form, untouched) in acts(make_user).items():
        stale(owner)
        answer = post(owner, url, **form)
        yes = yes_to(answer.text)
        assert ('name="confirm.password"' in answer.text) is (what not in DIALOG_ALONE), what
        if what not in DIALOG_ALONE:
            del yes["confirm.password"]
            assert owner.post(url, data=form | yes).status_code == 422
            assert untouched(), what


def asked(browser: Any, url: str, **form: Any) -> dict[str, str]:
    return yes_to(post(browser, url, **form).text)


def test_a_grant_is_not_good_for_other_records_or_arguments(owner: Any, make_user: Callable[..., User]) -> None:
    first, second = make_suppliers(count=2)
    yes = asked(owner, f"{LIST}{first}/delete")
    assert owner.post(f"{LIST}{second}/delete", data=yes).status_code == 409
    assert owner.get(f"{LIST}{second}").status_code == 200
    users = [make_user("viewer"), make_user("viewer")]
    yes = asked(owner, "/admin/users/actions/disable", ids=users[0].id)
    for ids in ([users[1].id], [users[0].id, users[1].id]):
        assert owner.post("/admin/users/actions/disable", data=yes | {"ids": ids}).status_code == 409
    assert owner.post("/admin/users/actions/disable", data=yes | {"everything": "1"}).status_code == 409
    assert all(User.get_by_id(user.id).is_active for user in users)
    role = Role.get(Role.name == "viewer")
    url = f"/admin/roles/{role.id}/permissions"
    yes = asked(owner, url, permission=["*.view", "orders.order.note"])
    for other in (["*.view", "*.edit"], ["*.edit"], ["*.view", "orders.order.note", "orders.order.edit"]):
        assert owner.post(url, data=yes | {"permission": other}).status_code == 409
    assert owner.post(url, data=yes | {"permission": ["*.view", "orders.order.note"], "more": "*"}).status_code == 409
    assert access.roles.entries_of(role) == ["*.view"]


def test_a_grant_is_not_good_for_another_act(owner: Any, make_user: Callable[..., User]) -> None:
    user = make_user("viewer")
    yes = asked(owner, "/admin/users/actions/disable", ids=user.id)
    answer = owner.post(
        "/admin/users/actions/set_password", data=yes | {"ids": user.id, "argument.password": "a b c d e f g h"}
    )
    assert answer.status_code == 409


def test_a_grant_is_not_good_for_another_person_or_session(app: Any, owner: Any, signed_in: Any) -> None:
    record = make_suppliers(count=1)[0]
    yes = asked(owner, f"{LIST}{record}/delete")
    other = signed_in("owner")
    taken = yes | {"csrf_token": csrf_of(other.get("/admin/profile/").text)}
    assert other.post(f"{LIST}{record}/delete", data=taken).status_code == 409
    second = app.test_client()
    token = csrf_of(second.get("/admin/sign-in").text)
    form = {"username": owner.user.username, "password": PASSWORD, "csrf_token": token}
    assert second.post("/admin/sign-in", data=form).status_code == 302
    taken = yes | {"csrf_token": csrf_of(second.get("/admin/profile/").text)}
    assert second.post(f"{LIST}{record}/delete", data=taken).status_code == 409
    assert owner.post(f"{LIST}{record}/delete", data=yes).status_code == 302


def test_a_grant_ends(owner: Any) -> None:
    record = make_suppliers(count=1)[0]
    yes = asked(owner, f"{LIST}{record}/delete")
    Confirmation.update(expires_at=db.utcnow() - timedelta(seconds=1)).execute()
    answer = owner.post(f"{LIST}{record}/delete", data=yes)
    assert answer.status_code == 409
    assert "no longer open" in answer.text
    assert owner.post(f"{LIST}{record}/delete", data=yes_to(answer.text)).status_code == 302


def test_a_grant_lies_in_the_database_as_a_hash_alone(owner: Any) -> None:
    yes = asked(owner, f"{LIST}{make_suppliers(count=1)[0]}/delete")
    assert Confirmation.select().where(Confirmation.token_hash == yes["confirm.grant"]).count() == 0
    assert Confirmation.select().count() == 1


def test_the_button_names_the_act_and_the_amount(owner: Any, make_user: Callable[..., User]) -> None:
    one, two = make_user("viewer"), make_user("viewer")
    assert f">Switch off: {one}</button>" in post(owner, "/admin/users/actions/disable", ids=one.id).text
    assert ">Switch off: 2 users</button>" in post(owner, "/admin/users/actions/disable", ids=[one.id, two.id]).text
    everyone = post(owner, "/admin/users/actions/disable", everything="1", query="").text
    assert ">Switch off: 3 users</button>" in everyone


def test_a_question_counts_further_than_a_list_but_not_for_ever(
    owner: Any, make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user("viewer")
    make_user("viewer")
    for of_lists, told, said in ((1, 100, "3"), (100, 2, "2+")):
        monkeypatch.setattr(query, "CAP", of_lists)
        monkeypatch.setattr(selections, "_MOST_TOLD", told)
        page = post(owner, "/admin/users/actions/disable", everything="1", query="").text
        assert f">Switch off: {said} users</button>" in page


def test_the_password_counts_for_a_while_and_gives_the_session_a_new_secret(owner: Any) -> None:
    stale(owner)
    old = owner.get_cookie("maktab").value
    form = {"what": "create_token", "scopes": "", "days": "30"}
    yes = asked(owner, "/admin/profile/", **form)
    assert "mk_" in owner.post("/admin/profile/", data=form | yes).text
    assert entries(owner.user)[-2:] == ["password_confirmed", "token_created"]
    page = post(owner, "/admin/profile/", **form).text
    assert 'name="confirm.password"' not in page
    owner.set_cookie("maktab", old)
    assert owner.get("/admin/profile/").status_code == 302, "who had stolen the old cookie is out"


def test_a_wrong_password_is_noted_counted_and_then_refused(owner: Any) -> None:
    form = {"what": "create_token", "scopes": "", "days": "30"}
    stale(owner)
    yes = asked(owner, "/admin/profile/", **form) | {"confirm.password": "not it at all"}
    statuses = []
    for _try in range(7):
        answer = owner.post("/admin/profile/", data=form | yes)
        statuses.append(answer.status_code)
        yes["confirm.grant"] = yes_to(answer.text)["confirm.grant"]
    assert statuses == [422] * 5 + [429] * 2
    assert entries(owner.user).count("password_refused") == 5
    right = owner.post("/admin/profile/", data=form | yes | {"confirm.password": PASSWORD})
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 600
    assert ApiToken.select().count() == 0


def test_a_dialog_gets_a_part_and_is_told_where_to_go(owner: Any) -> None:
    record = make_suppliers(count=1)[0]
    headers = {"HX-Request": "true", "Maktab-Dialog": "ask"}
    part = owner.get(f"{LIST}{record}/delete", headers=headers)
    assert part.headers["Maktab-Dialog"] == "1"
    assert "<html" not in part.text
    assert re.search(r"data-dialog>Delete \w[^<]*</button>", part.text)
    yes = asked(owner, f"{LIST}{record}/delete")
    done = owner.post(f"{LIST}{record}/delete", data=yes, headers=headers)
    assert (done.status_code, done.headers["HX-Redirect"]) == (204, LIST)


def test_a_token_for_everything_passes_no_act_that_wants_the_password(
    app: Any, make_user: Callable[..., User], ctx: Context
) -> None:
    owner, other = make_user("owner"), make_user("viewer")

    def call(scopes: list[str]) -> int:
        caller = app.test_client()
        caller.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {auth.create_token(ctx, owner, scopes)}"
        body = {"ids": [other.id], "arguments": {"password": "a long password of hers"}}
        answers = [caller.post("/api/v1/users/actions/set_password", json=body)]
        answers.append(caller.patch(f"/api/v1/users/{other.id}", json={"roles": ["operator"]}))
        assert len({answer.status_code for answer in answers}) == 1
        return int(answers[0].status_code)

    assert call(["*"]) == 403
    assert call(["core.*"]) == 403
    assert call(["*", "core.user.set_password", "core.user.edit"]) == 200
    names = app.test_client()
    names.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {auth.create_token(ctx, owner, ['*'])}"
    assert names.patch(f"/api/v1/users/{other.id}", json={"name": "Sara"}).status_code == 200


def test_no_page_asks_by_the_browser(runtime: Any) -> None:
    theme = Path(__file__).parent.parent / "themes" / "tabler"
    sources = [*theme.rglob("*.html"), *(theme / "static" / "js").glob("*.js")]
    assert not [path for path in sources if "data-confirm" in path.read_text() or "confirm(" in path.read_text()]


def test_the_question_about_a_plugin_calls_plugins_by_their_titles(owner: Any) -> None:
    page = post(owner, "/admin/plugins/transfer/disable").text
    assert "Switch off Import and export?" in page
