"""Canaries: secrets and personal data are planted on every road, and then looked for where they must not be."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from tests.conftest import csrf_of, yes_to
from tests.test_processes import Served, port, served

__all__ = ["port", "served"]  # fixtures of the processes' tests
pytestmark = pytest.mark.slow

SECRETS = {
    "password": "canary-kettle-one-77", "new password": "canary-kettle-two-88", "wrong password": "canary-wrong-9",
    "password as a name": "canary-typed-there", "bad token": "mk_1_" + "canarytoken" * 3 + "abcdefghij",
    "idempotency key": "canary-idem-key-1234",
}  # fmt: skip
PERSONAL = {
    "name": "Canaria Vogelsang", "email": "canary@vogel.example", "phone": "+49 30 99887766", "street": "Kanarienweg 1",
    "card": "4111 1111 1111 1111", "note": "canary note about health",
}  # fmt: skip
LEAKY = """
from core.plugins import hookimpl

class Broken(Exception):
    pass

def handler(ctx, payload):
    from plugins.orders.api import Order
    order = Order.get_by_id(payload["ids"][0])
    raise Broken(f"cannot mail {order.customer_email} about card 4111 1111 1111 1111 with password=x Bearer abc")

@hookimpl
def register_subscriptions():
    return {"orders.order_created.v1": handler}

@hookimpl
def record_panels(resource, record, actor):
    raise Broken(f"no panel for {getattr(record, 'customer_email', '')}")
"""


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


class Client:
    """A browser and an API client of the running install; keeps every address and every page it was given."""

    def __init__(self, served: Served) -> None:
        self.address, self.jar, self.seen = f"http://127.0.0.1:{served.port}", CookieJar(), [""]
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), self._Keep(self.seen))
        self.pages: list[str] = []

    class _Keep(urllib.request.HTTPRedirectHandler):
        def __init__(self, seen: list[str]) -> None:
            self.seen = seen

        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
            self.seen.append(newurl)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    def call(self, path: str, data: Any = None, method: str | None = None, **headers: str) -> tuple[int, str]:
        body = data if isinstance(data, bytes) or data is None else json.dumps(data).encode()
        if body is not None and "Content_Type" not in headers:
            headers["Content_Type"] = "application/json"
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Referer": self.address + "/"}
        request = urllib.request.Request(self.address + path, body, sent, method=method)
        try:
            with self.opener.open(request, timeout=30) as answer:
                status, text = answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode("utf-8", "replace")
        self.pages.append(text)
        self.seen += re.findall(r'(?:href|action|hx-get)="([^"]*)"', text)
        return status, text

    def form(self, path: str, **fields: str) -> tuple[int, str]:
        token = csrf_of(self.call("/admin/sign-in" if "sign-in" in path else "/admin/profile/")[1])
        asked = self._post(path, fields | {"csrf_token": token})
        yes = yes_to(asked[1])
        return self._post(path, fields | yes) if yes else asked

    def _post(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        body = urllib.parse.urlencode(fields).encode()
        return self.call(path, body, Content_Type="application/x-www-form-urlencoded")


@pytest.fixture
def install(served: Served, new_install: Settings) -> dict[str, Any]:
    """A running shop after a day of all kinds of traffic."""
    environ = served.environ | {"MAKTAB_PASSWORD": SECRETS["password"]}

    def cli(*arguments: str) -> Any:
        command = [sys.executable, "-P", "-m", "core.cli", *arguments, "--json"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    cli("user", "add", "amina", "--role", "owner")
    leaky = new_install.data_dir / "plugins" / "leaky"
    leaky.mkdir(parents=True)
    manifest = [
        'name = "leaky"',
        'title = "Leaky"',
        "contract = 1",
        'version = "1.0"',
        'requires = {orders = ">=0"}',
        "",
    ]
    (leaky / "plugin.toml").write_text("\n".join(manifest))
    (leaky / "__init__.py").write_text('"""Tells all."""\n')
    (leaky / "hooks.py").write_text(LEAKY)
    cli("plugin", "enable", "leaky")
    token = cli("token", "create", "--user", "amina", "--scope", "*", "--scope", "core.user.set_password")["token"]
    client = Client(served)
    found = {"client": client, "token": token, "served": served, "data_dir": new_install.data_dir}
    found["session"] = traffic(client, token)
    time.sleep(3)  # the worker delivers, fails, and says so
    return found


def traffic(client: Client, token: str) -> str:
    """Everything that a person and a program can do with a secret or with personal data; the session's secret."""
    for name, password in (("amina", SECRETS["wrong password"]), (SECRETS["password as a name"], "x"), ("a\0", "\0")):
        assert client.form("/admin/sign-in", username=name, password=password)[0] in (401, 422)
    assert client.form("/admin/sign-in", username="amina", password=SECRETS["password"])[0] == 200
    session = secret_of(next(cookie.value or "" for cookie in client.jar if cookie.name == "maktab"))
    program = {"Authorization": f"Bearer {token}"}
    order = {
        "number": "C-1", "sales_channel": "web", "currency": "GBP", "customer_name": PERSONAL["name"],
        "customer_email": PERSONAL["email"], "customer_phone": PERSONAL["phone"],
        "shipping_address": {"name": PERSONAL["name"], "line1": PERSONAL["street"]},
    }  # fmt: skip
    key = {"Idempotency_Key": SECRETS["idempotency key"]} | program
    for _again in range(3):
        client.call("/api/v1/orders", order, **key)
    client.call("/api/v1/orders", order | {"number": "C-2"}, **key)
    assert client.call("/api/v1/orders", order | {"extra": {"paid_with": PERSONAL["card"]}}, **program)[0] == 422
    client.call("/api/v1/orders", order, **program)  # taken
    client.call("/api/v1/orders", order | {"number": "C-3", "customer_email": PERSONAL["email"] * 50}, **program)
    client.call("/api/v1/orders/1", {"customer_name": PERSONAL["name"] + "\0"}, "PATCH", **program)
    client.call("/api/v1/orders/1/notes", {"text": PERSONAL["note"]}, **program)
    client.call("/api/v1/orders", {"number": 1}, Authorization=f"Bearer {SECRETS['bad token']}")
    client.call("/api/v1/orders", b"{" + SECRETS["password"].encode(), **program)
    for path in (
        "/admin/orders/?q=",
        "/admin/orders/count?q=",
        "/api/v1/orders?q=",
        "/admin/orders/?cursor=",
        "/nothing/",
    ):
        client.call(path + urllib.parse.quote(PERSONAL["email"]), **program)
    for path in (
        "/admin/orders/1",
        "/admin/orders/1/edit",
        "/admin/audit/",
        "/admin/jobs/",
        "/admin/users/",
        "/admin/users/1",
    ):
        client.call(path)
    csv = (
        f"number,sales_channel,customer_email,customer_name\n,web,{PERSONAL['email']},{PERSONAL['name']}\nC-9,web,x,y\n"
    )
    for text in (csv, "nonsense " + PERSONAL["email"], '{"number":{}, "x":"' + PERSONAL["email"] + '"}'):
        multipart = f'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n{text}\r\n--x--\r\n'
        client.call(
            "/api/v1/orders/imports", multipart.encode(), Content_Type="multipart/form-data; boundary=x", **program
        )
    client.call("/api/v1/orders/exports", {"all": True, "search": PERSONAL["email"]}, **program)
    client.call("/api/v1/orders/actions/add_tags", {"all": True, "arguments": {"tags": ["a"]}}, **program)
    for arguments in ({"password": SECRETS["new password"]}, {"password": 5, SECRETS["new password"]: 1}):
        body = {"ids": [2], "arguments": arguments}
        client.call("/api/v1/users/actions/set_password", body, **program | {"Idempotency_Key": "k"})
    wrong = {"what": "password", "password": SECRETS["wrong password"], "new_password": SECRETS["new password"]}
    client.form("/admin/profile/", **wrong)
    client.form("/admin/profile/", **wrong | {"password": SECRETS["password"]})
    client.form("/admin/profile/", what="create_token", token_name="canary", days="30")
    client.call("/api/v1/openapi.json", **program)
    client.form("/admin/sign-out")
    return session


def secret_of(cookie: str) -> str:
    """The session's secret inside Flask's signed cookie."""
    payload = cookie.split(".")[1 if cookie.startswith(".") else 0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    text = zlib.decompress(raw).decode() if cookie.startswith(".") else raw.decode()
    found: str = json.loads(text)["_user_id"]
    assert len(found) > 40
    return found


def everything(path: Path) -> str:
    """All values of all tables of a SQLite file."""
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return "\n".join(repr(row) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"'))


def test_no_canary_sings_where_it_must_not(install: dict[str, Any]) -> None:
    client, data_dir = install["client"], install["data_dir"]
    token_secret, session = install["token"].split("_", 2)[2], install["session"]
    secrets = SECRETS | {"token": token_secret, "session": session}
    fresh = re.search(r"mk_\d+_([\w-]{43})", "".join(client.pages))
    assert fresh, "the page of a new token shows it once"
    secrets["fresh token"] = fresh[1]
    log, addresses = install["served"].log.read_text(), "\n".join(map(urllib.parse.unquote, client.seen))
    queue = b"".join(path.read_bytes() for path in data_dir.glob("queue.db*")).decode("latin-1")
    described = next(page for page in client.pages if page.startswith('{"components"'))
    kept = everything(data_dir / "maktab.db")
    for what, canary in secrets.items():
        assert canary not in log, ("log", what)
        assert canary not in addresses, ("addresses", what)
        assert canary not in queue + described, ("queue or description", what)
        if what != "idempotency key":  # of the caller, and no secret to us
            assert canary not in kept, ("database", what)
        if what not in ("fresh token", "password as a name"):  # one is shown once, the other stands in its field again
            assert not [page for page in client.pages if canary in page], ("pages", what)
    for what, canary in PERSONAL.items():
        assert canary not in log, ("log", what)
        assert canary not in queue + described, ("queue or description", what)
    assert "cannot mail ***" in log  # a plugin did tell, and it was heard
    assert "no panel for ***" in log
    assert PERSONAL["email"] in kept  # it was there to be told
    for page in client.pages:
        for told in ("Traceback", "site-packages", "peewee", "psycopg", "SELECT ", str(data_dir)):
            assert told not in page, told
