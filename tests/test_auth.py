"""Passwords, throttling, sessions, cookies, API tokens, the user's own page."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import argon2
import itsdangerous
import pytest

from core import access, audit, auth, db
from core import runtime as runtime_room
from core.auth import ApiToken, LoginAttempt, Session, SignInRefused, Throttled, User, passwords, throttle
from core.builtin.account import local_path
from core.context import Context
from core.errors import Forbidden, Invalid, NotFound
from tests.conftest import PASSWORD, confirmed, csrf_of

WHERE = {"ip": "10.1.1.1", "browser": "Firefox"}


def enter(user: User, password: str = PASSWORD, **where: str) -> str:
    return auth.sign_in(user.username, password, **(WHERE | where))[1]


def post(browser: Any, url: str, **form: Any) -> Any:
    page = browser.get(url if url.endswith(("/profile/", "sign-in")) else "/admin/profile/").get_data(as_text=True)
    return confirmed(browser, url, browser.post(url, data=form | {"csrf_token": csrf_of(page)}), **form)


# Passwords


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "aaaaaaaaaaaaaaaa",
        "password123!password",
        "Password-1234567",
        "qwertyuiop!!1",
        "12345678901234",
        "x" * 1025,
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid):
        passwords.check(password)


def test_password_that_holds_the_user_name_is_refused_with_that_reason() -> None:
    with pytest.raises(Invalid, match="holds the user name"):
        passwords.check("my-Layla2024-word", "layla2024")


@pytest.fixture
def real_hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the product; all other tests have one that is quick."""
    monkeypatch.setattr(passwords, "_hasher", argon2.PasswordHasher.from_parameters(passwords.COST))


@pytest.mark.usefixtures("real_hasher")
def test_password_is_stored_as_argon2id_with_our_parameters(make_user: Callable[..., User]) -> None:
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in make_user().password_hash


def test_at_most_two_hashes_run_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()

    class Slow:
        def hash(self, password: str) -> str:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.03)
            with lock:
                running -= 1
            return password

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [threading.Thread(target=passwords.hashed, args=("x",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


@pytest.mark.usefixtures("real_hasher")
def test_old_hash_is_made_anew_at_sign_in(make_user: Callable[..., User]) -> None:
    user = make_user()
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    User.update(password_hash=old).where(User.id == user.id).execute()
    enter(user)
    assert "m=19456,t=2,p=1" in User.get_by_id(user.id).password_hash


@pytest.mark.usefixtures("real_hasher")
def test_unknown_disabled_and_wrong_cost_one_hash_and_say_the_same(
    make_user: Callable[..., User], ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, off, empty = make_user(), make_user(), make_user()
    auth.set_active(ctx, [off.id], False)
    User.update(password_hash="").where(User.id == empty.id).execute()
    calls: list[str] = []
    real = passwords._hasher

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            calls.append(stored)
            return real.verify(stored, password)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    said = set()
    for number, name in enumerate([known.username, off.username, empty.username, "nobody-of-this-name"]):
        with pytest.raises(SignInRefused) as refused:
            auth.sign_in(name, "wrong" if name == known.username else PASSWORD, ip=f"10.2.0.{number}", browser="")
        said.add(str(refused.value))
    assert len(calls) == 4
    assert all(argon2.extract_parameters(stored) == passwords.COST for stored in calls)
    assert len(said) == 1


# Throttling


def test_five_tries_an_account_then_wait_also_with_the_right_password(make_user: Callable[..., User]) -> None:
    user = make_user()
    for number in range(5):
        with pytest.raises(SignInRefused):
            enter(user, "wrong", ip=f"10.3.0.{number}")
    with pytest.raises(Throttled) as refused:
        enter(user, ip="10.3.1.1")
    assert 0 < int(refused.value.headers["Retry-After"]) <= 900


def test_twenty_tries_an_address(runtime: Any) -> None:
    for number in range(20):
        with pytest.raises(SignInRefused):
            auth.sign_in(f"guess{number}", "wrong", **WHERE)
    with pytest.raises(Throttled):
        auth.sign_in("guess20", "wrong", **WHERE)


def later(**delta: float) -> None:
    """Turn the clock forward for the counters."""
    for row in LoginAttempt.select():
        row.since_at -= timedelta(**delta)
        row.blocked_until = row.blocked_until and row.blocked_until - timedelta(**delta)
        row.save()


def test_back_off_grows_to_an_hour_and_never_locks_for_ever(make_user: Callable[..., User]) -> None:
    user, waits = make_user(), []
    for round_ in range(4):
        for number in range(5):
            with pytest.raises(SignInRefused):
                enter(user, "wrong", ip=f"10.4.{round_}.{number}")
        with pytest.raises(Throttled) as refused:
            enter(user, "wrong", ip=f"10.4.{round_}.9")
        waits.append(round(int(refused.value.headers["Retry-After"]) / 60))
        later(minutes=waits[-1] + 1)
    assert waits == [15, 30, 60, 60]
    assert enter(user)


def test_right_password_clears_the_account_and_counts_nothing(make_user: Callable[..., User]) -> None:
    user = make_user()
    for _ in range(7):
        for _ in range(4):
            with pytest.raises(SignInRefused):
                enter(user, "wrong", ip="")
        enter(user, ip="")
        LoginAttempt.update(tries=0).where(LoginAttempt.key == "address:").execute()
    for _ in range(30):
        enter(user)


def test_refused_tries_do_not_prolong_the_wait(make_user: Callable[..., User]) -> None:
    user = make_user()
    key = throttle.account_key(user.username)
    for _ in range(5):
        throttle.take(key, 5)
    until = LoginAttempt.get(LoginAttempt.key == key).blocked_until
    for _ in range(10):
        with pytest.raises(Throttled):
            throttle.take(key, 5)
    assert LoginAttempt.get(LoginAttempt.key == key).blocked_until == until


def test_counter_holds_no_name_that_was_typed(runtime: Any) -> None:
    with pytest.raises(SignInRefused):
        auth.sign_in("my secret password", "x", **WHERE)
    assert "secret" not in str(list(LoginAttempt.select().dicts()))


_GUESS = """
import sys
from core import auth, boot, settings
boot.start(settings.load())
for number in range(8):
    try:
        auth.sign_in(sys.argv[1], "wrong", ip=f"10.5.{sys.argv[2]}.{number}", browser="")
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


def test_two_processes_share_one_counter(make_user: Callable[..., User], runtime: Any) -> None:
    user, settings = make_user(), runtime.settings
    environ = os.environ | {"MAKTAB_DATA_DIR": str(settings.data_dir), "MAKTAB_DATABASE_URL": settings.url}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _GUESS, user.username, str(number)], env=environ, stdout=subprocess.PIPE, text=True
        )
        for number in (1, 2)
    ]
    said = [line for run in runs for line in run.communicate()[0].split()]
    assert said.count("SignInRefused") == 5, said
    assert said.count("Throttled") == 11


# Sessions


def test_session_id_is_kept_as_a_hash_and_is_new_at_each_sign_in(make_user: Callable[..., User]) -> None:
    user = make_user()
    first, second = enter(user), enter(user)
    assert first != second
    assert len(first) >= 43
    kept = str(list(Session.select().dicts()))
    assert first not in kept
    assert second not in kept


def test_sign_in_makes_a_new_session_of_the_browser(app: Any, make_user: Callable[..., User]) -> None:
    """A planted session (fixation) is worth nothing after sign-in: its CSRF token and id are gone."""
    browser, user = app.test_client(), make_user("viewer")
    before = csrf_of(browser.get("/admin/sign-in").get_data(as_text=True))
    with browser.session_transaction() as planted:
        planted["_user_id"] = "planted"
        raw = planted["csrf_token"]
    browser.post("/admin/sign-in", data={"username": user.username, "password": PASSWORD, "csrf_token": before})
    with browser.session_transaction() as now:
        assert now["_user_id"] != "planted"
        assert now.get("csrf_token") != raw


def test_session_ends_after_idle_time_and_after_its_longest_age(make_user: Callable[..., User]) -> None:
    user, now = make_user(), db.utcnow()
    for values in (
        {"last_seen_at": now - timedelta(minutes=31)},
        {"created_at": now - timedelta(hours=12, seconds=1), "last_seen_at": now},
        {"created_at": now + timedelta(days=400), "last_seen_at": now + timedelta(days=400)},  # of a wrong clock
    ):
        secret = enter(user)
        assert auth.by_session(secret)
        Session.update(values).execute()
        assert auth.by_session(secret) is None
        assert Session.select().count() == 0


def test_a_cookie_of_a_host_with_a_faster_clock_is_taken(signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as faster:
        faster.setattr(itsdangerous.TimestampSigner, "get_timestamp", lambda _signer: int(time.time()) + 300)
        browser = signed_in("owner")
    assert browser.get("/admin/profile/").status_code == 200


def test_last_seen_is_written_at_most_once_a_minute(make_user: Callable[..., User]) -> None:
    secret, now = enter(make_user()), db.utcnow()
    for seconds, touched in ((50, False), (70, True)):
        seen = now - timedelta(seconds=seconds)
        Session.update(last_seen_at=seen).execute()
        auth.by_session(secret)
        assert (Session.get().last_seen_at != seen) is touched


def _signs_out(browser: Any, user: User, ctx: Context) -> None:
    assert post(browser, "/admin/sign-out").status_code == 302


def _is_disabled(browser: Any, user: User, ctx: Context) -> None:
    auth.set_active(ctx, [user.id], False)


def _loses_role(browser: Any, user: User, ctx: Context) -> None:
    access.unassign(ctx, user, "manager")


def _loses_permission(browser: Any, user: User, ctx: Context) -> None:
    access.revoke(ctx, "manager", "*.*")


def _gets_narrower_rows(browser: Any, user: User, ctx: Context) -> None:
    access.assign(ctx, user, "manager", {"orders.order": {"sales_channel": ["uk"]}})


def _gets_password(browser: Any, user: User, ctx: Context) -> None:
    auth.set_password(ctx, user, "another warm kettle on the stove")


@pytest.mark.parametrize(
    "end", [_signs_out, _is_disabled, _loses_role, _loses_permission, _gets_narrower_rows, _gets_password]
)
def test_copied_cookie_is_dead_at_once(
    signed_in: Callable[..., Any], app: Any, ctx: Context, end: Callable[..., None]
) -> None:
    browser = signed_in("manager")
    thief = app.test_client()
    thief.set_cookie("maktab", browser.get_cookie("maktab").value)
    assert thief.get("/admin/profile/").status_code == 200
    end(browser, browser.user, ctx)
    assert thief.get("/admin/profile/").status_code == 302
    assert browser.get("/admin/profile/").status_code == 302


def test_request_costs_one_statement_for_session_user_and_grants(app: Any, make_user: Callable[..., User]) -> None:
    from tests.test_audit import counting

    secret = enter(make_user("manager"))
    with app.test_request_context("/admin/"), counting() as seen:
        from core.auth.frame import _of_session

        assert _of_session(secret)
    assert len(seen) == 1, seen


# Cookies and addresses


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("", "maktab", False), ("http://shop.lan", "maktab", False), ("https://shop.example", "__Host-maktab", True)],
)
def test_cookie_flags(runtime: Any, public_url: str, name: str, secure: bool) -> None:
    from core.app import create_app

    settings = replace(runtime.settings, public_url=public_url)
    with runtime_room.bound(replace(runtime, settings=settings)) as changed:
        browser = create_app(changed).test_client()
        answer = browser.get("/admin/sign-in", base_url="https://localhost" if secure else "http://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{name}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is secure
    assert ("Strict-Transport-Security" in answer.headers) is secure


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/admin/orders/?q=1", "/admin/orders/?q=1"),
        ("", "/admin/"),
        ("https://evil.example", "/admin/"),
        ("//evil.example", "/admin/"),
        ("/\\evil.example", "/admin/"),
        ("\\\\evil.example", "/admin/"),
        ("/\t/evil.example", "/admin/"),
        ("/\n/evil.example", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("admin", "/admin/"),
    ],
)
def test_next_leads_nowhere_else(target: str, leads_to: str) -> None:
    assert local_path(target) == leads_to


def test_sign_in_page_answers(app: Any, make_user: Callable[..., User]) -> None:
    browser, user = app.test_client(), make_user("viewer")
    form = {"username": user.username, "password": "wrong"}
    assert browser.post("/admin/sign-in", data=form).status_code == 400  # no CSRF token
    assert post(browser, "/admin/sign-in", **form).status_code == 401
    answer = post(browser, "/admin/sign-in", **(form | {"password": PASSWORD, "next": "//evil.example"}))
    assert (answer.status_code, answer.location) == (302, "/admin/")
    assert browser.get("/admin/sign-in?next=/admin/profile/").location == "/admin/profile/"


def test_throttled_sign_in_page_says_when_to_come_back(app: Any, make_user: Callable[..., User]) -> None:
    browser, user = app.test_client(), make_user("viewer")
    for _ in range(5):
        post(browser, "/admin/sign-in", username=user.username, password="wrong")
    answer = post(browser, "/admin/sign-in", username=user.username, password=PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_language_before_sign_in_comes_from_the_browser(app: Any) -> None:
    page = app.test_client().get("/admin/sign-in", headers={"Accept-Language": "ar,en;q=0.5"}).get_data(as_text=True)
    assert 'lang="ar" dir="rtl"' in page


# API tokens


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_token_is_kept_as_a_hash_and_works_for_the_api_only(
    app: Any, make_user: Callable[..., User], ctx: Context
) -> None:
    token = auth.create_token(ctx, make_user("viewer"), ["*"], name="till")
    assert token.startswith("mk_")
    assert token.split("_", 2)[2] not in str(list(ApiToken.select().dicts()))
    client = app.test_client()
    assert client.get("/api/v1/openapi.json", headers=bearer(token)).status_code == 200
    assert client.get("/admin/profile/", headers=bearer(token)).status_code == 302


def test_session_cookie_is_worth_nothing_for_the_api(signed_in: Callable[..., Any]) -> None:
    answer = signed_in("owner").get("/api/v1/openapi.json")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["status"] == 401


@pytest.mark.parametrize("spoil", ["secret", "id", "shape", "expired", "disabled", "revoked"])
def test_bad_tokens_are_refused(app: Any, make_user: Callable[..., User], ctx: Context, spoil: str) -> None:
    user = make_user("viewer")
    token = auth.create_token(ctx, user, ["*"], days=1)
    row = ApiToken.get()
    if spoil == "secret":
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    elif spoil == "id":
        token = token.replace(f"mk_{row.id}_", f"mk_{row.id + 1}_")
    elif spoil == "shape":
        token = token.removeprefix("mk_")
    elif spoil == "expired":
        ApiToken.update(expires_at=db.utcnow() - timedelta(seconds=1)).execute()
    elif spoil == "disabled":
        auth.set_active(ctx, [user.id], False)
    else:
        auth.revoke_token(auth.context_for(user, "ui"), row.id)
    assert app.test_client().get("/api/v1/openapi.json", headers=bearer(token)).status_code == 401


def test_token_scopes_limit_what_the_user_may(make_user: Callable[..., User], ctx: Context) -> None:
    user = make_user("owner")
    limited = auth.context_for(user, "api", ["orders.order.view", "core.user.view"]).actor
    assert limited.can("orders.order.view")
    assert not limited.can("orders.order.edit")
    assert not limited.can("*")
    beyond = auth.context_for(make_user("viewer"), "api", ["core.user.edit", "*.view"]).actor
    assert beyond.can("orders.order.view")
    assert not beyond.can("core.user.edit")


def test_token_use_is_noted_at_most_once_a_minute(make_user: Callable[..., User], ctx: Context) -> None:
    token = auth.create_token(ctx, make_user(), ["*"])
    auth.by_token(token)
    first = ApiToken.get().last_used_at
    auth.by_token(token)
    assert ApiToken.get().last_used_at == first
    ApiToken.update(last_used_at=db.utcnow() - timedelta(seconds=61)).execute()
    auth.by_token(token)
    assert ApiToken.get().last_used_at > first


def test_tokens_are_made_by_their_own_user(make_user: Callable[..., User]) -> None:
    owner, other = make_user("owner"), make_user()
    with pytest.raises(Forbidden):
        auth.create_token(auth.context_for(owner, "ui"), other, ["*"])
    with pytest.raises(Invalid):
        auth.create_token(auth.context_for(other, "ui"), other, ["orders.oder.view"])


# The user's own page


def test_profile_shows_and_ends_own_sessions(signed_in: Callable[..., Any], make_user: Callable[..., User]) -> None:
    browser = signed_in("viewer")
    enter(browser.user)
    other = enter(make_user("viewer"))
    stranger = Session.select().order_by(Session.id.desc()).get().id
    for row in Session.select().where(Session.user == browser.user).order_by(Session.id.desc()).limit(1):
        assert post(browser, "/admin/profile/", what="end_session", id=row.id).status_code == 302
    assert Session.select().where(Session.user == browser.user).count() == 1
    assert post(browser, "/admin/profile/", what="end_session", id=stranger).status_code == 404
    assert auth.by_session(other)


def test_the_language_of_the_sign_in_is_chosen_on_it_and_kept_by_the_browser(app: Any) -> None:
    browser = app.test_client()
    page = browser.get("/admin/sign-in?next=/admin/jobs/").get_data(as_text=True)
    assert 'href="/admin/sign-in?lang=ar&amp;next=/admin/jobs/" lang="ar"' in page
    there = browser.get("/admin/sign-in?lang=ar&next=/admin/jobs/")
    assert there.headers["Location"] == "/admin/sign-in?next=/admin/jobs/"
    again = browser.get("/admin/sign-in", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert ('lang="ar" dir="rtl"' in again, "English</a>" in again) == (True, True)
    assert browser.get("/admin/sign-in?lang=xx&next=//evil.example").status_code == 200


def test_profile_changes_language_at_once(signed_in: Callable[..., Any]) -> None:
    browser = signed_in("viewer")
    form = {"what": "profile", "name": "Mona", "email": "", "locale": "ar", "timezone": "Asia/Riyadh"}
    assert post(browser, "/admin/profile/", **form).status_code == 302
    assert 'lang="ar" dir="rtl"' in browser.get("/admin/profile/").get_data(as_text=True)
    assert audit.history("core.user", browser.user.id)[0].diff["after"] == {
        "name": "Mona",
        "locale": "ar",
        "timezone": "Asia/Riyadh",
    }
    assert post(browser, "/admin/profile/", **(form | {"locale": "tlh"})).status_code == 422
    assert post(browser, "/admin/profile/", **(form | {"name": "x" * 201})).status_code == 422
    assert post(browser, "/admin/profile/", **(form | {"timezone": "Mars/North"})).status_code == 422


def test_profile_changes_the_password_and_stays_signed_in_here_alone(signed_in: Callable[..., Any]) -> None:
    browser = signed_in("viewer")
    other, new = enter(browser.user), "a new and rather long one"
    form = {"what": "password", "password": "wrong", "new_password": new}
    assert post(browser, "/admin/profile/", **form).status_code == 422
    assert (
        post(browser, "/admin/profile/", **(form | {"password": PASSWORD, "new_password": "short"})).status_code == 422
    )
    assert post(browser, "/admin/profile/", **(form | {"password": PASSWORD})).status_code == 302
    assert browser.get("/admin/profile/").status_code == 200
    assert auth.by_session(other) is None
    assert enter(browser.user, new)


def test_profile_shows_a_new_token_once(signed_in: Callable[..., Any]) -> None:
    browser = signed_in("viewer")
    answer = post(
        browser, "/admin/profile/", what="create_token", token_name="till", days="30", scopes="orders.order.view"
    )
    text = answer.get_data(as_text=True)
    token = text.split('id="fresh-token">')[1].split("<")[0]
    assert auth.by_token(token)
    assert token not in browser.get("/admin/profile/").get_data(as_text=True)
    assert post(browser, "/admin/profile/", what="revoke_token", id=ApiToken.get().id).status_code == 302
    assert auth.by_token(token) is None


def test_token_of_another_user_cannot_be_revoked(make_user: Callable[..., User], ctx: Context) -> None:
    owner, other = make_user("owner"), make_user()
    auth.create_token(ctx, other, ["*"])
    with pytest.raises(NotFound):
        auth.revoke_token(auth.context_for(owner, "ui"), ApiToken.get().id)


# Audit


def test_every_step_leaves_an_entry_and_no_secret(make_user: Callable[..., User], ctx: Context) -> None:
    user = make_user("viewer")
    secret = enter(user)
    with pytest.raises(SignInRefused):
        enter(user, "wrong secret here")
    token = auth.create_token(ctx, user, ["*"])
    auth.set_password(ctx, user, "another warm kettle on the stove")
    auth.set_active(ctx, [user.id], False)
    entries = list(audit.history("core.user", user.id))
    assert [entry.action for entry in reversed(entries)] == [
        "created",
        "role_assigned",
        "signed_in",
        "sign_in_refused",
        "token_created",
        "password_changed",
        "disabled",
    ]
    kept = str(list(audit.Entry.select().dicts()))
    for text in (PASSWORD, secret, token, "wrong secret here", "another warm kettle", "argon2id"):
        assert text not in kept


@pytest.mark.parametrize(("hops", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.1")])
def test_address_behind_proxies_is_taken_by_exact_hop_count(runtime: Any, hops: int, address: str) -> None:
    from core.app import create_app

    with runtime_room.bound(replace(runtime, settings=replace(runtime.settings, proxy_hops=hops))) as changed:
        browser = create_app(changed).test_client()
        post(browser, "/admin/sign-in", username="x", password="y")
        page = browser.get("/admin/sign-in").get_data(as_text=True)
        form = {"username": "who", "password": "wrong", "csrf_token": csrf_of(page)}
        forwarded = {"X-Forwarded-For": "192.0.2.66, 198.51.100.1, 203.0.113.9"}
        browser.post("/admin/sign-in", data=form, headers=forwarded)
    assert LoginAttempt.get_or_none(LoginAttempt.key == f"address:{address}")


@pytest.mark.parametrize("username", ["", "a b", "x" * 151, "ta\tb", "<b>"])
def test_user_names_that_cannot_be_typed_are_refused(runtime: Any, ctx: Context, username: str) -> None:
    with pytest.raises(Invalid):
        auth.create_user(ctx, username, PASSWORD)
