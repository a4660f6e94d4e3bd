"""Attacks on the admin shell: what it asks, keeps, shares and shows, sent as no page of ours would send it."""

from __future__ import annotations

import io
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import quote

import flask
import pytest

from core import access, db, files, notifications
from core import runtime as runtime_room
from core.access import Role, UserRole
from core.app import create_app
from core.audit import Entry
from core.auth import LoginAttempt, Session, User
from core.auth.models import ApiToken
from core.context import Context
from core.files import StoredFile
from core.notifications import Notification
from core.preferences import Preference
from core.resources import Outcome, service_of, tags_of
from core.views import SavedView
from tests import hostile
from tests.conftest import confirmed, yes_to
from tests.helpers import make_suppliers
from tests.test_hostile_text import Shape
from tests.test_hostile_web import house, owner, runtime
from tests.test_sweep import Caller, routes_of

__all__ = ["house", "owner", "runtime"]
LIST = "/admin/suppliers/"
RAW = "q=\xff&\xfe=\xc3&country=\x80"
"""Bytes of a query that are no UTF-8 and not percent-encoded: no browser sends them, a scanner does."""


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


# What is asked


@pytest.mark.parametrize(("title", "typed"), [("Two  blanks ", "two blanks"), ("Ünïcode ﬁ", "ünïcode ﬁ")])
def test_a_title_is_typed_as_it_is_read(app_with: Any, make_user: Any, title: str, typed: str) -> None:
    (record,) = make_suppliers({"code": "T", "name": title})
    owner = Caller(app_with("typed"), make_user("owner"))
    url, form = f"{LIST}actions/add_tags", {"ids": record, "argument.tags": "x", "csrf_token": owner.csrf}
    yes = yes_to(owner.browser.post(url, data=form).text)
    for wrong in ("", "two", f"{typed}."):
        refused = owner.browser.post(url, data=form | yes | {"confirm.typed": wrong})
        assert (refused.status_code, tags_of("suppliers.supplier", [record])[record]) == (422, [])
    assert owner.browser.post(url, data=form | yes | {"confirm.typed": typed}).status_code == 302
    assert tags_of("suppliers.supplier", [record])[record] == ["x"]


@pytest.fixture
def app_with(house: flask.Flask, runtime: Any) -> Iterator[Any]:
    """app_with(level, run=None) -> the house, in which a tag wants a confirmation of this level."""
    with ExitStack() as stack:

        def build(level: Any, run: Any = None) -> flask.Flask:
            old = runtime.resource("suppliers.supplier")
            action = old.actions[0]
            new = replace(old, actions=[replace(action, level=level, run=run or action.run)])
            stack.enter_context(runtime_room.bound(replace(runtime, resources=runtime.resources | {old.name: new})))
            made: flask.Flask = create_app(runtime_room.current())
            return made

        yield build


def test_a_grant_is_for_what_was_said(owner: Caller, make_user: Any, ctx: Context) -> None:
    """Between the question and the answer somebody gave the role a line, and the record another name."""
    viewer, form = (
        Role.get(Role.name == "viewer"),
        {"csrf_token": owner.csrf, "permission": ["*.view"], "more": "*.note"},
    )
    url = f"/admin/roles/{viewer.id}/permissions"
    yes = yes_to(owner.browser.post(url, data=form).text)
    access.grant(ctx, "viewer", "orders.order.edit")
    late = owner.browser.post(url, data=form | yes)
    assert (late.status_code, "Taken: Orders: Edit" in late.text) == (409, True)
    assert access.entries_of(viewer) == ["*.view", "orders.order.edit"]
    assert owner.browser.post(url, data=form | yes_to(late.text)).status_code == 302
    assert access.entries_of(viewer) == ["*.note", "*.view"]
    yes = yes_to(owner.browser.get(f"{LIST}1/delete").text)
    service_of(runtime_room.current().resource("suppliers.supplier")).update(ctx, {1: {"name": "Another"}})
    assert "Delete Another?" in owner.browser.post(f"{LIST}1/delete", data=yes).text


def at_once(work: Callable[[], Any], count: int = 4) -> list[Any]:
    """What `work` gives in each of some threads that begin at the same moment."""
    present, start, found = runtime_room.current(), threading.Barrier(count), list[Any]()

    def run() -> None:
        with runtime_room.bound(present):
            start.wait()
            found.append(work())
            db.database.close()

    threads = [threading.Thread(target=run) for _one in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_of_several_answers_to_one_question_one_is_taken(house: flask.Flask, owner: Caller) -> None:
    cookie = owner.browser.get_cookie("maktab").value

    def answer(url: str, yes: dict[str, str]) -> int:
        browser = house.test_client()
        browser.set_cookie("maktab", cookie)
        return int(browser.post(url, data=yes).status_code)

    for record in (1, 2, 3):
        url = f"{LIST}{record}/delete"
        seen = at_once(partial(answer, url, yes_to(owner.browser.get(url).text)))
        assert (len(seen), seen.count(302)) == (4, 1), seen
        assert set(seen) <= {302, 404, 409}
    assert Entry.select().where(Entry.resource == "suppliers.supplier", Entry.action == "deleted").count() == 3


def test_a_request_beside_a_long_act_is_not_signed_out(app_with: Any, make_user: Any) -> None:
    """The password gives the session a new secret; a page that polls comes with the old one until the act is done."""
    seen = []

    def slow(ctx: Context, ids: Any, arguments: Any) -> dict[int, Outcome]:
        cookie = owner.browser.get_cookie("maktab").value
        seen.extend(at_once(lambda: polled(cookie), 1))
        return {record_id: Outcome("done", record_id) for record_id in ids}

    def polled(cookie: str) -> int:
        other = app.test_client()
        other.set_cookie("maktab", cookie)
        return int(other.get("/admin/jobs/pill", headers={"HX-Request": "true"}).status_code)

    app = app_with("reauth", slow)
    owner = Caller(app, make_user("owner"))
    old = owner.browser.get_cookie("maktab").value
    Session.update(step_up_at=None).execute()
    answer = ask(owner, f"{LIST}actions/add_tags", ids="1", **{"argument.tags": "x"})
    assert (answer.status_code, seen) == (302, [200])
    assert owner.browser.get("/admin/").status_code == 200
    owner.browser.set_cookie("maktab", old)
    assert owner.browser.get("/admin/").status_code == 302, "who had stolen the old cookie is out"


def test_a_long_refusal_costs_nobody_his_session(owner: Caller, make_user: Any) -> None:
    """A browser drops a cookie over 4 kB; the one that tells of the refusal may carry a new secret of the session."""
    viewer = Role.get(Role.name == "viewer")
    Session.update(step_up_at=None).execute()
    unknown = " ".join(f"orders.{secrets.token_hex(20)}" for _one in range(200))
    answer = ask(owner, f"/admin/roles/{viewer.id}/permissions", permission=["*.view"], more=unknown)
    assert len(answer.headers["Set-Cookie"]) < 4093
    page = owner.browser.get(f"/admin/roles/{viewer.id}")
    assert page.status_code == 200
    assert "There is no permission orders." in page.text
    long = [make_user("viewer") for _one in range(15)]
    for user in long:
        User.update(name="".join(chr(0x621 + secrets.randbelow(25)) for _sign in range(200))).where(
            User.id == user.id
        ).execute()
    answer = ask(owner, "/admin/users/actions/enable", ids=[user.id for user in long])
    assert len(answer.headers["Set-Cookie"]) < 4093
    assert "records" in owner.browser.get("/admin/users/").text


# What is kept


def test_the_files_of_its_notes_go_with_a_record(owner: Caller) -> None:
    form = {"csrf_token": owner.csrf, "text": "See", "file": [(io.BytesIO(b"secret"), "a.pdf")]}
    where = {"Referer": "http://localhost/admin/"}
    for record in (1, 2):
        form["file"] = [(io.BytesIO(b"secret"), f"{record}.pdf"), (io.BytesIO(b"too"), f"{record}.txt")]
        assert owner.browser.post(f"{LIST}{record}/notes", data=form, headers=where).status_code == 302
    assert ask(owner, f"{LIST}1/delete").status_code == 302
    files.remove_expired()
    kept = StoredFile.select()
    assert sorted(file.name for file in kept) == ["2.pdf", "2.txt"]
    assert sum(1 for path in runtime_room.current().settings.files_dir.rglob("*") if path.is_file()) == 2


def test_a_view_that_is_saved_again_passes_the_border(owner: Caller) -> None:
    """A card number, and more than the schema takes, neither when it is made nor when it is changed."""
    made = ask(owner, f"{LIST}views/new", name="Mine", query="q=S-0001")
    ref = made.location.partition("view=")[2]
    for query in ("q=4111+1111+1111+1111", "country=4111111111111111", f"q={'x' * 201}"):
        assert ask(owner, f"{LIST}views/new", name="Other", query=query).status_code == 422
        assert ask(owner, f"{LIST}views/{ref}", what="update", query=query).status_code == 422
    view = SavedView.get_by_id(int(ref))
    assert (view.search, view.filters, view.version) == ("S-0001", {}, 1)


# What is shown


def shown_with(owner: Caller, texts: list[str], ctx: Context) -> list[str]:
    """Pages, parts, questions and messages of the shell in which `texts` stand as names of what people make."""
    browser, pages = owner.browser, list[str]()
    part = {"HX-Request": "true"}

    def post(url: str, headers: Any = None, **form: Any) -> str:
        sent = browser.post(url, data={"csrf_token": owner.csrf} | form, headers=headers or {})
        assert sent.status_code < 500, (url, form)
        pages.append(sent.text)
        return str(sent.location or sent.text)

    def get(*urls: str) -> None:
        for url in urls:
            for headers in ({}, part, part | {"Maktab-Dialog": "ask"}):
                answer = browser.get(url, headers=headers)
                assert answer.status_code < 500, (url, headers)
                pages.append(answer.text)

    for number, text in enumerate(texts):
        name = f"{text} {secrets.token_hex(2)}"
        ref = post(f"{LIST}views/new", name=name, query=f"q={text}", shared_with="*").partition("view=")[2]
        get(f"{LIST}?view={ref}", f"{LIST}views/{ref}", f"/admin/views/{ref}", "/admin/views/")
        post(f"{LIST}views/{ref}", part, what="edit", name="", shared_with=text)
        post(f"{LIST}views/{ref}", part, what="delete")
        user = User.create(username=f"u-{secrets.token_hex(4)}", name=name[:200])
        role = Role.create(name=f"r-{secrets.token_hex(4)}", label=name[:100])
        post(f"/admin/users/{user.id}/roles", role=[role.name, text])
        post(f"/admin/users/{user.id}/roles", part, role=role.name)
        access.assign(ctx, user, role.name)
        for act in ("disable", "set_password", "limit_rows"):
            post(f"/admin/users/actions/{act}", ids=user.id, back=text, **{"argument.role": text})
        ask(owner, "/admin/users/actions/disable", ids=user.id)  # what it says stands in the next page
        get("/admin/users/", f"/admin/users/{user.id}", f"/admin/roles/{role.id}", f"/admin/roles/{role.id}/edit")
        post(f"/admin/roles/{role.id}/permissions", more=text, permission=[text])
        ask(owner, f"/admin/roles/{role.id}/permissions", more=text)
        get(f"/admin/roles/{role.id}", f"/admin/palette/?q={quote(text)}", f"/admin/palette/?recent={quote(text)}")
        post("/admin/menu/", {"Referer": f"http://localhost{LIST}?q={quote(text)}"}, act="pin", label=text)
        post("/admin/home/", order=text, act=f"hide:{text}", **{f"size.{text}": text})
        post("/admin/shortcuts/", **{f"do.{text}": text, "keys.find": text})
        notifications.tell(ctx, [user_id_of(owner)], "%(title)s: done.", {"title": text}, url=f"/admin/jobs/{number}")
        get("/admin/menu/", "/admin/", "/admin/notifications/", f"{LIST}?view={quote(text)}", "/admin/profile/")
        access.assign(ctx, User.get_by_id(user.id), "viewer")
        User.update(is_active=True).where(User.id == user.id).execute()
        post("/admin/view-as", what=f"user:{user.id}")
        get("/admin/")
        post("/admin/view-as/leave")
    return pages


_SOME = [hostile.SCRIPTS[0], hostile.SCRIPTS[1], hostile.SCRIPTS[8]]


def user_id_of(caller: Caller) -> int:
    assert caller.user is not None
    return int(caller.user.id)


def test_no_name_becomes_an_element_an_attribute_or_a_link(owner: Caller, ctx: Context) -> None:
    harmless = set[tuple[str, ...]]()
    for page in shown_with(owner, ["plain text", "and more"], ctx):  # the second with the shortcuts of the first
        harmless |= Shape(page).found
    shown = 0
    for page in shown_with(owner, hostile.SCRIPTS if hostile.DEEP else _SOME, ctx):
        assert Shape(page).found <= harmless, Shape(page).found - harmless
        shown += page.count("alert(1)")
    assert shown > 60, shown


# Whose it is


TOUCHED = ("core_session", "core_confirmation", "core_login_attempt")
"""Tables of keys and counters."""


def content(app: flask.Flask) -> dict[str, int]:
    """{table: rows}, and a mark that any change of a record moves."""
    tables = [
        name for name in db.database.get_tables() if not re.search("search|sqlite_", name) and name not in TOUCHED
    ]
    found = {name: db.database.execute_sql(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in tables}
    found["unread"] = Notification.select().where(Notification.read_at.is_null()).count()
    return found


@pytest.mark.parametrize("what", ["role", "user"])
def test_whoever_looks_leaves_no_trace_by_reading(
    house: flask.Flask, owner: Caller, make_user: Any, ctx: Context, what: str
) -> None:
    user = make_user("owner")
    for one in (owner.user, user):
        notifications.tell(ctx, [one.id], "%(title)s: done.", {"title": "x"}, url="/admin/jobs/1")
    ask(owner, f"{LIST}actions/add_tags", ids="1", confirmed="1", **{"argument.tags": "x"})
    whom = f"role:{Role.get(Role.name == 'owner').id}" if what == "role" else f"user:{user.id}"
    assert ask(owner, "/admin/view-as", what=whom).status_code == 302
    before, seen = content(house), 0
    for route in routes_of(house):
        if route.method in ("GET", "HEAD") and not route.is_api and "sign-" not in route.rule:
            assert owner.browser.get(route.url).status_code < 500, route
            seen += 1
    assert seen > 60
    assert content(house) == before


def test_a_file_that_is_gone_from_the_disk_is_not_found(owner: Caller, ctx: Context) -> None:
    """As after a restore of the database without its files."""
    form = {"csrf_token": owner.csrf, "text": "See", "file": [(io.BytesIO(b"x"), "a.pdf")]}
    owner.browser.post(f"{LIST}1/notes", data=form, headers={"Referer": "http://localhost/admin/"})
    (link,) = re.findall(r'class="mk-file" href="([^"]+)"', owner.browser.get(f"{LIST}1").text)
    kept = files.store(replace(ctx, actor=replace(ctx.actor, user_id=user_id_of(owner))), io.BytesIO(b"y"), "b.csv")
    for path in runtime_room.current().settings.files_dir.rglob("*"):
        if path.is_file():
            path.unlink()
    for url in (link, f"/admin/jobs/file/{kept.id}"):
        assert owner.browser.get(url).status_code == 404, url


@pytest.mark.parametrize(
    "kept",
    [
        {"menu": {"order": [], "of_a_later_version": 1}}, {"menu": {"pins": None}}, {"menu": []},
        {"home": [{"size": "half"}, 3]}, {"home": {"name": "x"}}, {"shortcuts": ["g"]}, {"theme": {}},
    ],
)  # fmt: skip
def test_a_choice_that_another_version_has_kept_breaks_no_page(owner: Caller, kept: dict[str, Any]) -> None:
    for name, value in kept.items():
        Preference.create(user=user_id_of(owner), name=name, value=value)
    for url in ("/admin/", "/admin/home/", "/admin/menu/", "/admin/shortcuts/", LIST, f"{LIST}1", "/admin/profile/"):
        assert owner.browser.get(url, follow_redirects=True).status_code == 200, (url, kept)
