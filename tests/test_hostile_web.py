"""Addresses, headers, methods and bodies that no browser of ours sends: no server error, no way out of the house."""

from __future__ import annotations

import io
import re
import statistics
import time
from collections.abc import Iterator
from typing import Any

import argon2
import flask
import itsdangerous
import pytest

from core import auth, files
from core import runtime as runtime_room
from core.auth import LoginAttempt, passwords
from core.context import Context
from core.web.theme import CSP
from tests import hostile
from tests.conftest import PASSWORD, csrf_of
from tests.helpers import make_suppliers
from tests.test_sweep import SAFE, Caller, Route, routes_of

EVIL = "evil.example"
UNSAFE_BODIES = [
    ("application/json", b'{"a": [1]}'), ("application/json", b"["), ("application/xml", b"<!DOCTYPE x><x/>"),
    ("text/plain", b"a=b"), ("multipart/form-data", b"--x"), ('multipart/form-data; boundary="\xff"', b"--\xff\r\n"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\r\n\r\n"),
    ("application/x-www-form-urlencoded", b"%=%ff&a=%00"), ("application/x-www-form-urlencoded", b"a=b&" * 3000),
    ("application/x-www-form-urlencoded; charset=utf-7", b"a=+ADw-"), ("\xff/\xfe", b"\xff"), ("", b"x"),
]  # fmt: skip
GAMES = [
    {"Host": EVIL}, {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https"}, {"Forwarded": f"host={EVIL};proto=https"},
    {"X-Original-URL": "/admin/users/", "X-Rewrite-URL": f"//{EVIL}/"}, {"Host": "a:b:c"}, {"Host": "[::1"},
    {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}, {"Referer": f"https://{EVIL}/"},
    {"Range": "bytes=0-18446744073709551616, -1, 5-2"}, {"Range": "bytes=" + "0-1," * 500},
    {"If-Match": '"\xff, *, W/"'}, {"If-Modified-Since": "99999999999"}, {"If-None-Match": "\xff"},
    {"Accept-Language": "ar;q=9" * 300}, {"Accept": "\xff/*;q=nan"}, {"Accept-Encoding": "gzip;q=NaN, \xff"},
    {"Cookie": "maktab=a.b.c; maktab=;;=; maktab_theme=<script>"}, {"Authorization": "Bearer " + "mk_" * 9000},
    {"Authorization": "Bearer mk_01_" + "a" * 43}, {"Authorization": "Basic \xff"}, {"Content-Length": "-1"},
    {"HX-Request": "true", "HX-Current-URL": f"//{EVIL}", "HX-Target": "<x>"}, {"User-Agent": "\xff<script>" * 99},
    {"X-CSRFToken": "\xff"}, {"Idempotency-Key": "\xff" * 300}, {"Transfer-Encoding": "identity"}, {"Date": "never"},
]  # fmt: skip
LURES = [
    f"//{EVIL}", f"https://{EVIL}/", f"/\\{EVIL}", f"\\\\{EVIL}", f"/\t/{EVIL}", f"\n//{EVIL}", "javascript:alert(1)",
    f"//{EVIL}\\@localhost", f"/\r\nLocation: https://{EVIL}", "", "/" * 3 + EVIL, f"http:{EVIL}",
]  # fmt: skip
"""What may stand in `next`."""
PATHS = [
    "/static/x/../../../../etc/passwd", "/static/x/..%2f..%2f..%2fetc%2fpasswd", "/static/x/%2e%2e/icons.json",
    "/static/x/..%5c..%5cicons.json", "/static/x//etc/passwd", "/static/x/%00", "/static/x/maktab.css%00.png",
    "/static/x/....//icons.json", "/static/x/", "/static/x/.", "/static/../../icons.json", "/static/x/js/../../x.json",
    "//evil.example/%2e%2e", "/admin//evil.example", "/admin/jobs/file/..%2f..%2f1", "/admin/jobs/file/-1",
    f"/admin/jobs/file/{'9' * 40}", "/admin/jobs/file/1.0", "/admin/jobs/file/١",
]  # fmt: skip


@pytest.fixture
def database_kind() -> str:
    """The borders are the same for both; what only PostgreSQL refuses has `postgres` in its name below."""
    return "sqlite"


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


@pytest.fixture
def routes(house: flask.Flask) -> list[Route]:
    return routes_of(house)


def call(caller: Caller, route: Route, query: str = "", **options: Any) -> Any:
    headers = {"X-CSRFToken": caller.csrf} | options.pop("headers", {})
    if route.is_api:
        headers.setdefault("Authorization", f"Bearer {caller.token}")
    url = route.url + ("?" + query if query else "")
    return caller.browser.open(url, method=route.method, headers=headers, **options)


def check(answer: Any, *about: Any) -> None:
    """No server error, no way out, nothing of the caller's headers in the page, all headers there."""
    where = answer.headers.get("Location") or answer.headers.get("HX-Redirect") or "/"
    assert answer.status_code < 500, (about, answer.get_data(as_text=True)[:300])
    assert re.match(r"/(?![/\\])", where), (about, where)
    if answer.mimetype == "text/html":
        assert EVIL not in answer.get_data(as_text=True), about
    assert answer.headers["Content-Security-Policy"] == CSP, about
    assert "frame-ancestors 'none'" in CSP
    assert answer.headers["X-Content-Type-Options"] == "nosniff", about
    assert answer.headers["Referrer-Policy"] == "same-origin", about


def readable(routes: list[Route]) -> list[Route]:
    return [route for route in routes if route.method == "GET" and "metrics" not in route.rule]


def test_no_query_string_breaks_a_page(owner: Caller, routes: list[Route]) -> None:
    calls = 0
    for number, route in enumerate(readable(routes)):
        some = hostile.ADDRESS_TRICKS if hostile.DEEP else hostile.ADDRESS_TRICKS[number % 12 :: 12]
        if route.rule.endswith(("/suppliers/", "/v1/suppliers", "/orders/", "/imports/", "/jobs/<int:job_id>")):
            some = hostile.ADDRESS_TRICKS
        for query in some:
            check(call(owner, route, query), route.rule, query)
            calls += 1
    assert calls > 500


def test_no_header_breaks_a_page_or_leads_out_of_the_house(owner: Caller, routes: list[Route]) -> None:
    chosen = [
        route for route in readable(routes) if hostile.DEEP or re.search(r"suppliers|static|sign-in|^/$", route.rule)
    ]
    assert len(chosen) > 8
    for route in chosen:
        for headers in GAMES:
            answer = call(owner, route, headers=headers)
            check(answer, route.rule, headers)
    assert owner.browser.get("/admin/suppliers/").text.count('class="mk-key"') == 3


def test_methods_that_a_route_does_not_have(owner: Caller, routes: list[Route]) -> None:
    have, methods = {(route.rule, route.method) for route in routes}, ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT"]
    methods += ["PROPFIND", "POST", "\xff"]
    for number, route in enumerate({route.rule: route for route in routes}.values()):
        for method in methods if hostile.DEEP else methods[number % 2 :: 2]:
            if (route.rule, method) not in have:
                answer = call(owner, Route(route.rule, route.url, "", method, None))
                assert answer.status_code in (400, 401, 404, 405, 308), (route.rule, method, answer.status_code)


def test_a_method_hidden_in_a_request_changes_nothing(owner: Caller) -> None:
    for url in ("/admin/suppliers/1", "/api/v1/suppliers/1"):
        for query, headers in (("_method=DELETE", {}), ("", {"X-HTTP-Method-Override": "DELETE"})):
            for method in ("GET", "POST"):
                call(owner, Route(url, url, "", method, None), query, headers=headers, data={"_method": "DELETE"})
    assert owner.browser.get("/admin/suppliers/1").status_code == 200


def test_no_body_breaks_a_route_that_changes_something(owner: Caller, routes: list[Route]) -> None:
    unsafe = [route for route in routes if route.method not in SAFE and "sign-out" not in route.rule]
    calls = 0
    for number, route in enumerate(unsafe):
        for content_type, body in UNSAFE_BODIES if hostile.DEEP else UNSAFE_BODIES[number % 4 :: 4]:
            check(call(owner, route, data=body, content_type=content_type), route.rule, content_type, body[:20])
            calls += 1
    assert calls > 80


@pytest.mark.parametrize("database_kind", ["sqlite", "postgres"], indirect=False)
def test_the_sign_nul_is_refused_in_every_text_also_by_postgres(house: flask.Flask, owner: Caller) -> None:
    nobody = house.test_client()
    token = csrf_of(nobody.get("/admin/sign-in").text)
    form = {"username": "a\0b", "password": "c\0d", "csrf_token": token}
    assert nobody.post("/admin/sign-in", data=form).status_code == 422
    sent = [
        ("/admin/profile/", {"what": "create_token", "token_name": "a\0b", "days": "30"}),
        ("/admin/profile/", {"what": "profile", "name": "a\0b"}),
        ("/admin/suppliers/new", {"code": "a\0b", "name": "c"}),
        ("/admin/suppliers/1/notes", {"text": "a\0b"}),
        ("/admin/suppliers/actions/add_tags", {"ids": "1", "confirmed": "1", "argument.tags": "a\0b"}),
        ("/admin/imports/new", {"resource": "suppliers.supplier", "file": (io.BytesIO(b"code\n1\n"), "a\0.csv")}),
        ("/api/v1/suppliers/imports", {"mapping": "a\0b", "file": (io.BytesIO(b"code\n1\n"), "a.csv")}),
    ]
    for url, form in sent:
        answer = call(owner, Route(url, url, "", "POST", None), data=form)
        assert answer.status_code == 422, (url, answer.status_code)
    for url in ("/admin/suppliers/?q=%00", "/admin/jobs/1?rows=%00", "/api/v1/suppliers?country=%00"):
        assert call(owner, Route(url, url, "", "GET", None)).status_code in (404, 422), url


def test_every_answer_carries_its_headers(owner: Caller, house: flask.Flask, routes: list[Route]) -> None:
    """Pages of errors and of nobody too; what is personal is kept by no browser and no proxy."""
    nobody = Caller(house, None)
    for caller in (owner, nobody):
        for route in [
            *readable(routes),
            Route("", "/nothing", "", "GET", None),
            Route("", "/api/v1/x", "", "GET", None),
        ]:
            answer = call(caller, route)
            check(answer, route.rule)
            kept = answer.headers["Cache-Control"]
            assert (
                kept == "no-store" or (route.endpoint == "static" and kept == "no-cache") or "static" in route.rule
            ), route
    for answer in (
        nobody.browser.post("/admin/profile/"),
        nobody.browser.put("/admin/"),
        owner.browser.post("/admin/"),
    ):
        check(answer)
        assert answer.headers["Cache-Control"] == "no-store"


def test_no_sign_in_leads_out_of_the_house(house: flask.Flask, make_user: Any) -> None:
    user, browser = make_user("viewer"), house.test_client()
    form = {"username": user.username, "password": PASSWORD}
    for target in LURES:
        LoginAttempt.delete().execute()
        page = browser.get("/admin/sign-in", query_string={"next": target}).text
        answer = browser.post("/admin/sign-in", data=form | {"csrf_token": csrf_of(page), "next": target})
        assert answer.status_code == 302
        check(answer, target)
        check(browser.get("/admin/sign-in", query_string={"next": target}), target)
        browser.delete_cookie("maktab")


def test_no_path_leads_to_a_file_that_is_not_offered(owner: Caller) -> None:
    for path in PATHS:
        answer = owner.browser.get(path)
        check(answer, path)
        assert answer.status_code in (302, 308, 404), (path, answer.status_code)
        assert b"root:" not in answer.data, path


def test_a_session_that_somebody_else_signed_is_none(house: flask.Flask) -> None:
    made = itsdangerous.URLSafeTimedSerializer("guessed", salt="cookie-session").dumps(
        {"_user_id": "1", "_fresh": True}
    )
    unsigned = itsdangerous.URLSafeTimedSerializer("", salt="cookie-session").dumps({"_user_id": "1"})
    for cookie in (made, unsigned, made.rpartition(".")[0], "", "." * 5000):
        browser = house.test_client()
        browser.set_cookie("maktab", cookie)
        assert browser.get("/admin/").status_code == 302


def test_the_token_of_another_session_is_no_csrf_token(house: flask.Flask, owner: Caller, make_user: Any) -> None:
    other = Caller(house, make_user("viewer"))
    form = {"code": "X", "name": "X", "csrf_token": other.csrf}
    assert owner.browser.post("/admin/suppliers/new", data=form).status_code == 400
    assert owner.browser.post("/admin/suppliers/new", data=form | {"csrf_token": owner.csrf}).status_code == 302


def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    house: flask.Flask, make_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Median within 10 %, of CPU time, in pairs that alternate; a busy machine gets three tries to be quiet."""
    monkeypatch.setattr(passwords, "_hasher", argon2.PasswordHasher.from_parameters(passwords.COST))
    known, ratio = make_user("viewer").username, 0.0
    for _round in range(3):
        spent: dict[str, list[float]] = {known: [], "nobody-of-this-name": []}
        for number in range(24 if hostile.DEEP else 12):
            for name in sorted(spent, reverse=bool(number % 2)):
                LoginAttempt.delete().execute()
                begin = time.process_time()
                with pytest.raises(auth.SignInRefused):
                    auth.sign_in(name, "a wrong password", ip="10.0.0.1", browser="x")
                spent[name].append(time.process_time() - begin)
        ratio = statistics.median(spent[known]) / statistics.median(spent["nobody-of-this-name"])
        if 0.9 < ratio < 1.1:
            return
    pytest.fail(f"a wrong password takes {ratio:.2f} times as long as an unknown name")


def test_the_name_of_a_download_is_only_a_name(owner: Caller, ctx: Context) -> None:
    for name in (
        "a\r\nX-Evil: 1.csv",
        "../../etc/passwd",
        'a"; filename="b.exe',
        "عربي\u202e.csv",
        "\x1b[31m",
        "\ud800",
    ):
        kept = files.store(ctx, io.BytesIO(b"<script>alert(1)</script>"), name, "text/html")
        answer = owner.browser.get(f"/admin/jobs/file/{kept.id}")
        check(answer, name)
        assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "X-Evil" not in answer.headers
        assert not re.search("[/\x00-\x1f\u202e]", kept.name)


def test_the_body_of_somebody_unknown_is_not_read(house: flask.Flask) -> None:
    for path in ("/admin/profile/", "/admin/suppliers/new", "/api/v1/suppliers", "/admin/nothing", "/api/v1/nothing"):
        body, kind = io.BytesIO(b"--x\r\n" + b"a" * 1_000_000), "multipart/form-data; boundary=x"
        answer = house.test_client().post(path, input_stream=body, content_type=kind)
        assert (answer.status_code in (302, 401, 404), body.tell()) == (True, 0), path
