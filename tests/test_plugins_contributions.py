"""What a plugin adds to the places of others: commands, calls of the API, buttons beside lists and jobs."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core import access, auth, db, jobs, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.cli import load
from core.context import Context
from tests.conftest import PASSWORD, csrf_of
from tests.plugin_kit import MerchantFolder

pytestmark = pytest.mark.usefixtures("runtime")

COMMANDS = """
    def greet(name: str, *, loud: bool = False):
        "Say hello to NAME."
        text = f"Hello, {name}"
        return {"text": text.upper() if loud else text}

    @hookimpl
    def register_commands():
        return {"greet": greet, "acme count": lambda: 7}
"""
ENDPOINTS = """
    import marshmallow as ma
    from core.api import Endpoint

    class Wave(ma.Schema):
        text = ma.fields.String(required=True)

    @hookimpl
    def resource_endpoints(resource):
        seen = []

        def wave(given):
            seen.append(given["text"])
            return {"text": f"{resource.slug} {given['text']} {len(seen)}"}

        permission = resource.permission("view")
        return [Endpoint("POST", "/waves", wave, permission, Wave, 201, Wave, once=True, summary="Wave")]
"""
LINKS = """
    from core.nav import Link

    @hookimpl
    def list_links(resource, query, actor):
        to = f"/acme?of={resource}&{query}"
        return [Link("Wave", to, f"{resource}.view", "wave", is_start=True), Link("Secret", "/x", "orders.order.edit")]

    @hookimpl
    def job_links(job, actor):
        return [Link("Waves", f"/acme/{job.id}", "core.user.view"), Link("Secret", "/x", "orders.order.edit")]
"""


@pytest.fixture
def maktab(merchant: MerchantFolder, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("MAKTAB_DATA_DIR", str(merchant.settings.data_dir))
    monkeypatch.setenv("MAKTAB_DATABASE_URL", merchant.settings.database_url)

    def run(*arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(load(), list(arguments))
        assert done.exit_code == code, (done.output, done.exception)
        return done

    return run


def site(merchant: MerchantFolder) -> Any:
    built = merchant.build()
    runtime_room._bound.set(built)
    return create_app(built)


def token_client(app: Any, ctx: Context, role: str) -> Any:
    user = auth.create_user(ctx, f"{role}-token", PASSWORD)
    access.assign(ctx, user, role)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {auth.create_token(ctx, user, ['*'])}"
    return client


def browser(app: Any, ctx: Context, role: str) -> Any:
    user = auth.create_user(ctx, role, PASSWORD)
    access.assign(ctx, user, role)
    client = app.test_client()
    form = {"username": role, "password": PASSWORD, "csrf_token": csrf_of(client.get("/admin/sign-in").text)}
    assert client.post("/admin/sign-in", data=form).status_code == 302
    return client


# Commands


def test_a_plugin_s_commands_are_listed_explained_and_run(maktab: Any, merchant: MerchantFolder) -> None:
    merchant.on("acme", hooks=COMMANDS)
    assert "Say hello to NAME." in maktab("--help").stdout
    assert "--loud" in maktab("greet", "--help").stdout
    assert json.loads(maktab("greet", "Amina", "--loud", "--json").stdout) == {"text": "HELLO, AMINA"}
    assert maktab("acme", "count").stdout.strip() == "7"


def test_a_command_of_a_plugin_that_is_off_names_what_is_off(maktab: Any, merchant: MerchantFolder, ctx: Any) -> None:
    merchant.on("acme", hooks=COMMANDS)
    maktab("greet", "Amina")
    plugins.disable(ctx, "acme")
    assert "Say hello" not in maktab("--help").stdout
    text = maktab("greet", "Amina", code=2).stderr
    assert "acme" in text
    assert "maktab plugin enable" in text


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_database_that_cannot_be_opened_breaks_neither_help_nor_core_s_commands(
    maktab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKTAB_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    told = maktab("--help")
    assert "doctor" in told.stdout
    assert "commands of plugins are not shown" in told.stderr
    assert "database" in maktab("doctor", code=1).stderr
    broken = maktab("greet", code=1).stderr
    assert broken.startswith("maktab: Database: ")
    assert len(broken.strip().splitlines()) == 1


def test_without_an_install_help_makes_none(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "nothing-here"
    done = CliRunner().invoke(load(), ["--data-dir", str(home), "--help"])
    assert (done.exit_code, done.stderr, home.exists()) == (0, "", False)
    assert "maktab init" in CliRunner().invoke(load(), ["--data-dir", str(home), "greet"]).stderr
    monkeypatch.delenv("MAKTAB_DATA_DIR", raising=False)


# Calls of the API


def test_a_plugin_s_endpoint_is_one_of_every_resource_with_its_guards(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.on("acme", hooks=ENDPOINTS)
    app = site(merchant)
    owner, url = token_client(app, ctx, "owner"), "/api/v1/{}/waves"
    for slug in ("orders", "users", "roles"):
        answer = owner.post(url.format(slug), json={"text": "hi"})
        assert (answer.status_code, answer.json) == (201, {"text": f"{slug} hi 1"})
    key = {"Idempotency-Key": "once"}
    twice = [owner.post(url.format("users"), json={"text": "hey"}, headers=key).json for _ in range(2)]
    assert twice == [{"text": "users hey 2"}] * 2
    refused = owner.post(url.format("users"), json={})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["text"])
    assert app.test_client().post(url.format("users"), json={"text": "hi"}).status_code == 401
    assert token_client(app, ctx, "viewer").post(url.format("users"), json={"text": "hi"}).status_code == 403
    described = owner.get("/api/v1/openapi.json").json["paths"]["/api/v1/users/waves"]["post"]
    assert described["summary"] == "Wave"
    assert {"Idempotency-Key"} == {one["name"] for one in described["parameters"]}
    assert "404" in described["responses"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("hooks", "reason"),
    [
        (
            "@hookimpl\ndef resource_endpoints(resource): return [resource.nothing]",
            "resource_endpoints: AttributeError",
        ),
        ("@hookimpl\ndef resource_endpoints(resource): return [1]", "resource_endpoints: AttributeError"),
        (ENDPOINTS.replace('"/waves"', '""'), "have the same address /api/v1/"),
    ],
)
def test_an_endpoint_that_cannot_be_built_quarantines_its_plugin(
    merchant: MerchantFolder, hooks: str, reason: str
) -> None:
    merchant.on("acme", hooks=hooks)
    built, app = plugins.assemble(merchant.settings, create_app)
    assert (built.plugins["acme"].status, built.plugins["orders"].status) == ("quarantined", "healthy")
    assert reason in built.plugins["acme"].error
    assert "api_orders_order.post_" in app.view_functions


# Buttons


def test_a_button_beside_a_list_carries_what_the_list_shows_and_asks_for_its_permission(
    merchant: MerchantFolder, ctx: Context
) -> None:
    merchant.on("acme", hooks=LINKS)
    app = site(merchant)
    client = browser(app, ctx, "owner")
    page = client.get("/admin/users/?q=ow&is_active=true").text
    assert 'href="/acme?of=core.user&amp;is_active=true&amp;q=ow"' in page
    part = client.get("/admin/users/?q=own", headers={"HX-Request": "true"}).text
    assert 'id="list-links" hx-swap-oob="true"' in part
    assert 'href="/acme?of=core.user&amp;q=own"' in part
    assert "Secret" in page, "an owner may do everything"
    assert client.get("/admin/orders/").text.count('href="/acme?of=orders.order&amp;"') == 2, "also where all is empty"
    viewer = browser(app, ctx, "viewer").get("/admin/orders/").text
    assert "/acme?of=orders.order" in viewer
    assert "Secret" not in viewer


def test_a_button_on_a_job_asks_for_its_permission(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.on("acme", hooks=LINKS)
    app = site(merchant)
    for role, sees in (("owner", True), ("viewer", False)):
        client = browser(app, ctx, role)
        user = auth.User.get(auth.User.username == role)
        job = jobs.enqueue(auth.context_for(user, "ui"), "core.cleanup", {})
        page = client.get(f"/admin/jobs/{job.id}")
        assert (page.status_code, f'href="/acme/{job.id}"' in page.text) == (200, sees)
        assert ("Secret" in page.text) is sees


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_hook_for_buttons_that_fails_leaves_the_page_alone(merchant: MerchantFolder, ctx: Context) -> None:
    broken = "@hookimpl\ndef list_links(resource): 1 / 0\n@hookimpl\ndef job_links(job): 1 / 0"
    merchant.on("acme", hooks=broken)
    client = browser(site(merchant), ctx, "owner")
    job = jobs.enqueue(ctx, "core.cleanup", {})
    assert client.get("/admin/users/").status_code == client.get(f"/admin/jobs/{job.id}").status_code == 200
    assert db.database.is_connection_usable()


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_a_generation_compiles_only_templates_that_changed(merchant: MerchantFolder) -> None:
    def shown() -> tuple[str, types.CodeType]:
        app = create_app(merchant.build())
        own = app.jinja_env.get_template("acme/page.html").render()
        return own, app.jinja_env.get_template("admin/base.html").root_render_func.__code__

    folder = merchant.on("acme", files={"templates/acme/page.html": "as it was"})
    own, base = shown()
    assert own == "as it was"
    (folder / "templates/acme/page.html").write_text("as it is")
    assert shown() == ("as it is", base)
    assert shown()[1] is base
