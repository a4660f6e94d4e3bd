"""Every hook at work: the test plugin `visits` implements each one, and docs/hooks shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from core import access, auth, db, jobs, plugins, runtime, services
from core.app import create_app
from core.cli import load
from core.context import Context
from core.jobs import Job, deliveries
from core.jobs.worker import start_slot
from core.resources import add_tags, service_of, tags_of
from core.runtime import Runtime
from core.settings import Settings
from tests.conftest import PASSWORD, csrf_of
from tests.helpers import install_suppliers, make_suppliers
from tests.ledger_kit import work_off
from tests.plugin_kit import unload

SUPPLIER = "suppliers.supplier"


@pytest.fixture
def visits(app_db: Any, settings: Settings, ctx: Context) -> Iterator[Runtime]:
    for name in ("suppliers", "visits"):
        unload(name)
    built = install_suppliers(settings, "transfer", "visits")
    assert built.plugins["visits"].status == "healthy", built.plugins["visits"].error
    access.ensure_default_roles(ctx)
    with runtime.bound(built):
        yield built
    for name in ("visits", "suppliers"):
        unload(name)


@pytest.fixture
def browser(visits: Runtime, ctx: Context) -> Any:
    app = create_app(visits)
    owner = auth.create_user(ctx, "owner", PASSWORD)
    access.assign(ctx, owner, "owner")
    client = app.test_client()
    form = {"username": "owner", "password": PASSWORD, "csrf_token": csrf_of(client.get("/admin/sign-in").text)}
    assert client.post("/admin/sign-in", data=form).status_code == 302
    client.token = {"Authorization": f"Bearer {auth.create_token(ctx, owner, ['*'])}"}
    return client


@pytest.mark.hook("register_resources")
def test_a_resource_has_pages_and_an_api(browser: Any) -> None:
    (one,) = make_suppliers(count=1)
    assert "S-0001" in browser.get("/admin/suppliers/").text
    assert "Supplier 1" in browser.get(f"/admin/suppliers/{one}").text
    assert browser.get(f"/api/v1/suppliers/{one}", headers=browser.token).json["code"] == "S-0001"


@pytest.mark.hook("register_views")
def test_a_page_of_its_own_stands_in_the_menu(browser: Any) -> None:
    make_suppliers(count=1)
    assert 'href="/admin/visits/"' in browser.get("/admin/").text
    assert "Supplier 1" in browser.get("/admin/visits/").text


@pytest.mark.hook("register_blueprints")
def test_a_blueprint_answers_to_those_who_hold_its_permission(browser: Any) -> None:
    make_suppliers(count=1)
    assert browser.get("/admin/visits/feed/").json == ["Supplier 1"]
    assert browser.application.test_client().get("/admin/visits/feed/").status_code == 302


@pytest.mark.hook("register_jobs")
def test_a_job_of_a_plugin_runs_in_a_worker(visits: Runtime, ctx: Context) -> None:
    make_suppliers(count=3)
    job = jobs.enqueue(ctx, "visits.count", {})
    work_off(visits.settings)
    assert Job.get_by_id(job.id).result == {"suppliers": 3}


@pytest.mark.hook("register_schedules")
def test_a_schedule_starts_its_job_once_per_slot(visits: Runtime) -> None:
    (schedule,) = [one for one in visits.schedules if one.job == "visits.count"]
    for _ in range(2):
        start_slot(schedule, "visits.count", slot=1)
    assert Job.select().where(Job.kind == "visits.count").count() == 1


@pytest.mark.hook("register_services")
def test_a_service_is_there_while_its_plugin_is_on(visits: Runtime, ctx: Context) -> None:
    one, other = make_suppliers(count=2)
    add_tags(ctx, SUPPLIER, [one], ["visited"])
    assert services.get("visits.known")([one, other]) == {one: True, other: False}
    plugins.disable(ctx, "visits")
    with runtime.bound(plugins.build(visits.settings)):
        assert services.get("visits.known") is None


@pytest.mark.hook("register_commands")
def test_a_command_of_a_plugin_is_one_of_maktab(visits: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    make_suppliers({"code": "A", "name": "Almond", "country": "ES"}, {"code": "B", "name": "Berg", "country": "NO"})
    for name in ("data_dir", "database_url", "plugin_dir"):
        monkeypatch.setenv(f"MAKTAB_{name.upper()}", str(getattr(visits.settings, name)))
    done = CliRunner().invoke(load(), ["visits", "list", "NO"])
    assert (done.exit_code, done.stdout.split()) == (0, ["CODE", "NAME", "B", "Berg"]), done.stderr
    db.connect(visits.settings.url)


@pytest.mark.hook("resource_endpoints")
def test_a_call_is_added_to_the_api_of_one_resource(browser: Any) -> None:
    (one,) = make_suppliers(count=1)
    assert browser.get(f"/api/v1/suppliers/{one}/visit", headers=browser.token).json == {"known": False}
    assert browser.get(f"/api/v1/users/{one}/visit", headers=browser.token).status_code == 404


@pytest.mark.hook("register_subscriptions")
def test_a_subscriber_hears_of_a_change_after_its_commit(visits: Runtime, ctx: Context) -> None:
    (one,) = make_suppliers(count=1)
    assert tags_of(SUPPLIER, [one]) == {one: []}
    assert deliveries.relay() > 0
    work_off(visits.settings)
    assert tags_of(SUPPLIER, [one]) == {one: ["new"]}


@pytest.mark.hook("nav_items")
def test_a_menu_entry_leads_to_a_list_with_its_filter(browser: Any) -> None:
    assert 'href="/admin/suppliers/?tag=new"' in browser.get("/admin/").text


@pytest.mark.hook("record_badges")
def test_marks_stand_beside_their_rows(browser: Any, ctx: Context) -> None:
    one, _ = make_suppliers(count=2)
    assert "First visit</" not in browser.get("/admin/suppliers/").text
    add_tags(ctx, SUPPLIER, [one], ["new"])
    assert browser.get("/admin/suppliers/").text.count("First visit</") == 1


@pytest.mark.hook("record_panels")
def test_a_panel_stands_on_the_page_of_another_plugin_s_record(browser: Any) -> None:
    near = [{"code": code, "name": f"{code}!", "country": "ES"} for code in ("A", "B")]
    one, *_ = make_suppliers(*near, {"code": "C", "name": "C!", "country": "NO"})
    page = browser.get(f"/admin/suppliers/{one}").text
    assert "On the way" in page
    assert ("B!" in page, "C!" in page) == (True, False)


@pytest.mark.hook("list_links")
def test_a_button_stands_beside_the_list_that_it_is_for(browser: Any) -> None:
    assert "Plan visits" in browser.get("/admin/suppliers/").text
    assert "Plan visits" not in browser.get("/admin/users/").text


@pytest.mark.hook("job_links")
def test_a_button_stands_on_the_page_of_the_plugin_s_own_job(browser: Any, ctx: Context) -> None:
    own, other = jobs.enqueue(ctx, "visits.count", {}), jobs.enqueue(ctx, "core.cleanup", {})
    assert "To the plan" in browser.get(f"/admin/jobs/{own.id}").text
    assert "To the plan" not in browser.get(f"/admin/jobs/{other.id}").text


@pytest.mark.hook("authorize")
def test_a_plugin_may_take_a_right_away_for_some_records(browser: Any, ctx: Context) -> None:
    one, other = make_suppliers(count=2)
    add_tags(ctx, SUPPLIER, [one], ["visited"])
    answers = [browser.delete(f"/api/v1/suppliers/{id}", headers=browser.token).status_code for id in (one, other)]
    assert answers == [403, 204]
    assert browser.get(f"/api/v1/suppliers/{one}", headers=browser.token).status_code == 200


@pytest.mark.hook("before_change")
def test_a_plugin_may_refuse_one_record_of_a_set(visits: Runtime, ctx: Context) -> None:
    docs = [{"code": "A", "name": "A", "country": "XX"}, {"code": "B", "name": "B", "country": "NO"}]
    with db.transaction():
        refused, made = service_of(visits.resource(SUPPLIER)).create(ctx, docs)
    assert (refused.status, refused.reason) == ("rejected", "country: We do not travel to XX.")
    assert made.status == "created"


@pytest.mark.hook("plugin_enabled")
def test_a_plugin_that_was_just_enabled_catches_up_in_a_job(visits: Runtime, ctx: Context) -> None:
    make_suppliers(count=2)
    plugins.disable(ctx, "visits")
    runtime.install(plugins.build(visits.settings))
    with runtime.bound(plugins.build(visits.settings)):
        plugins.enable(ctx, "visits")
    with runtime.bound(plugins.build(visits.settings)):
        deliveries.relay()
        work_off(visits.settings)
    (job,) = Job.select().where(Job.kind == "visits.count")
    assert (job.status, job.result) == ("done", {"suppliers": 2})


@pytest.mark.hook("register_demo")
@pytest.mark.hook("register_import_formats")
def test_a_file_of_a_known_format_is_imported_without_a_mapping(
    visits: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suppliers.models import Supplier

    for name in ("data_dir", "database_url", "plugin_dir"):
        monkeypatch.setenv(f"MAKTAB_{name.upper()}", str(getattr(visits.settings, name)))
    done = CliRunner().invoke(load(), ["demo"])
    assert done.exit_code == 0, done.stderr
    db.connect(visits.settings.url)
    found = Supplier.select().order_by(Supplier.code)
    assert [(one.code, one.country) for one in found] == [("A-1", "ES"), ("B-7", "NO")]
