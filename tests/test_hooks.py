"""Every hook at work: the test plugin `visits` implements each one, and docs/hooks shows it."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core import db, jobs, plugins, services
from core import runtime as runtime_room
from core.cli import load
from core.context import Context
from core.jobs import Job, deliveries
from core.jobs.worker import start_slot
from core.resources import add_tags, service_of, tags_of
from core.runtime import Runtime
from tests.helpers import make_suppliers
from tests.plugin_kit import unload

SUPPLIER = "suppliers.supplier"


@pytest.fixture
def plugin_folder() -> Iterator[Path]:
    """`visits`, and with it `suppliers`, which it requires."""
    for name in ("suppliers", "visits"):
        unload(name)
    yield Path(__file__).parent / "plugins" / "visits"
    for name in ("suppliers", "visits"):
        unload(name)


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


@pytest.fixture
def caller(api: Any) -> Any:
    return api("owner")


@pytest.fixture
def maktab(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name in ("data_dir", "database_url", "plugin_dir"):
        monkeypatch.setenv(f"MAKTAB_{name.upper()}", str(getattr(runtime.settings, name)))

    def run(*arguments: str) -> str:
        # As in a process of its own: with the generation of now, not with the one of this test.
        done = contextvars.Context().run(CliRunner().invoke, load(), arguments)
        assert done.exit_code == 0, done.stderr
        db.connect(runtime.settings.url)
        return done.stdout

    return run


@pytest.mark.hook("register_resources")
def test_a_resource_has_pages_and_an_api(owner: Any, caller: Any) -> None:
    (one,) = make_suppliers(count=1)
    assert "S-0001" in owner.get("/admin/suppliers/").text
    assert "Supplier 1" in owner.get(f"/admin/suppliers/{one}").text
    assert caller.get(f"/api/v1/suppliers/{one}").json["code"] == "S-0001"


@pytest.mark.hook("register_views")
def test_a_page_of_its_own_stands_in_the_menu(owner: Any) -> None:
    make_suppliers(count=1)
    assert 'href="/admin/visits/"' in owner.get("/admin/").text
    assert "Supplier 1" in owner.get("/admin/visits/").text


@pytest.mark.hook("register_blueprints")
def test_a_blueprint_answers_to_those_who_hold_its_permission(client: Any, owner: Any) -> None:
    make_suppliers(count=1)
    assert owner.get("/admin/visits/feed/").json == ["Supplier 1"]
    assert client.get("/admin/visits/feed/").status_code == 302


@pytest.mark.hook("register_jobs")
def test_a_job_of_a_plugin_runs_in_a_worker(work_off: Any, runtime: Runtime, ctx: Context) -> None:
    make_suppliers(count=3)
    job = jobs.enqueue(ctx, "visits.count", {})
    work_off()
    assert Job.get_by_id(job.id).result == {"suppliers": 3}


@pytest.mark.hook("register_schedules")
def test_a_schedule_starts_its_job_once_per_slot(runtime: Runtime) -> None:
    (schedule,) = [one for one in runtime.schedules if one.job == "visits.count"]
    for _ in range(2):
        start_slot(schedule, "visits.count", slot=1)
    assert Job.select().where(Job.kind == "visits.count").count() == 1


@pytest.mark.hook("register_services")
def test_a_service_is_there_while_its_plugin_is_on(runtime: Runtime, ctx: Context) -> None:
    one, other = make_suppliers(count=2)
    add_tags(ctx, SUPPLIER, [one], ["visited"])
    assert services.get("visits.known")([one, other]) == {one: True, other: False}
    plugins.disable(ctx, "visits")
    with runtime_room.bound(plugins.build(runtime.settings)):
        assert services.get("visits.known") is None


@pytest.mark.hook("register_commands")
def test_a_command_of_a_plugin_is_one_of_maktab(maktab: Any) -> None:
    make_suppliers({"code": "A", "name": "Almond", "country": "ES"}, {"code": "B", "name": "Berg", "country": "NO"})
    assert maktab("visits", "list", "NO").split() == ["CODE", "NAME", "B", "Berg"]


@pytest.mark.hook("resource_endpoints")
def test_a_call_is_added_to_the_api_of_one_resource(caller: Any) -> None:
    (one,) = make_suppliers(count=1)
    assert caller.get(f"/api/v1/suppliers/{one}/visit").json == {"known": False}
    assert caller.get(f"/api/v1/users/{one}/visit").status_code == 404


@pytest.mark.hook("register_subscriptions")
def test_a_subscriber_hears_of_a_change_after_its_commit(work_off: Any, runtime: Runtime, ctx: Context) -> None:
    (one,) = make_suppliers(count=1)
    assert tags_of(SUPPLIER, [one]) == {one: []}
    assert deliveries.relay() > 0
    work_off()
    assert tags_of(SUPPLIER, [one]) == {one: ["new"]}


@pytest.mark.hook("nav_items")
def test_a_menu_entry_leads_to_a_list_with_its_filter(owner: Any) -> None:
    assert 'href="/admin/suppliers/?tag=new"' in owner.get("/admin/").text


@pytest.mark.hook("palette_commands")
def test_a_command_of_a_plugin_is_found_by_those_who_may_run_it(owner: Any, signed_in: Any) -> None:
    asked, command = "/admin/palette/?q=norway+trip", 'href="/admin/suppliers/?country=NO"'
    assert command in owner.get(asked).text
    assert command not in signed_in("").get(asked).text


@pytest.mark.hook("dashboard_widgets")
def test_a_card_on_home_fetches_its_own_content(owner: Any) -> None:
    make_suppliers(count=2)
    home = owner.get("/admin/").text
    assert 'hx-get="/admin/home/widgets/visits.next?period=last_7_days"' in home
    assert "Supplier 1" not in home
    card = owner.get("/admin/home/widgets/visits.next", headers={"HX-Request": "true"}).text
    assert ("Supplier 1" in card, "<html" in card) == (True, False)


@pytest.mark.hook("record_badges")
def test_marks_stand_beside_their_rows(owner: Any, ctx: Context) -> None:
    one, _ = make_suppliers(count=2)
    assert "First visit</" not in owner.get("/admin/suppliers/").text
    add_tags(ctx, SUPPLIER, [one], ["new"])
    assert owner.get("/admin/suppliers/").text.count("First visit</") == 1


@pytest.mark.hook("record_badges")
def test_marks_stand_in_the_head_of_the_record(owner: Any, ctx: Context) -> None:
    one, other = make_suppliers(count=2)
    add_tags(ctx, SUPPLIER, [one], ["new"])
    head = owner.get(f"/admin/suppliers/{one}").text.partition("</h1>")[2].partition("</div>")[0]
    assert "First visit</" in head
    assert "First visit</" not in owner.get(f"/admin/suppliers/{other}").text


@pytest.mark.hook("record_panels")
def test_a_panel_stands_on_the_page_of_another_plugin_s_record(owner: Any) -> None:
    near = [{"code": code, "name": f"{code}!", "country": "ES"} for code in ("A", "B")]
    one, *_ = make_suppliers(*near, {"code": "C", "name": "C!", "country": "NO"})
    page = owner.get(f"/admin/suppliers/{one}").text
    assert "On the way" in page
    assert ("B!" in page, "C!" in page) == (True, False)


@pytest.mark.hook("list_links")
def test_a_button_stands_beside_the_list_that_it_is_for(owner: Any) -> None:
    assert "Plan visits" in owner.get("/admin/suppliers/").text
    assert "Plan visits" not in owner.get("/admin/users/").text


@pytest.mark.hook("job_links")
def test_a_button_stands_on_the_page_of_the_plugin_s_own_job(owner: Any, ctx: Context) -> None:
    own, other = jobs.enqueue(ctx, "visits.count", {}), jobs.enqueue(ctx, "core.cleanup", {})
    assert "To the plan" in owner.get(f"/admin/jobs/{own.id}").text
    assert "To the plan" not in owner.get(f"/admin/jobs/{other.id}").text


@pytest.mark.hook("authorize")
def test_a_plugin_may_take_a_right_away_for_some_records(caller: Any, ctx: Context) -> None:
    one, other = make_suppliers(count=2)
    add_tags(ctx, SUPPLIER, [one], ["visited"])
    answers = [caller.delete(f"/api/v1/suppliers/{id}").status_code for id in (one, other)]
    assert answers == [403, 204]
    assert caller.get(f"/api/v1/suppliers/{one}").status_code == 200


def test_a_page_offers_nothing_that_a_plugin_takes_away(owner: Any, ctx: Context) -> None:
    one, other = make_suppliers(count=2)
    add_tags(ctx, SUPPLIER, [one], ["visited"])
    offers = [f"/admin/suppliers/{id}/delete" in owner.get(f"/admin/suppliers/{id}").text for id in (one, other)]
    assert offers == [False, True]


@pytest.mark.hook("before_change")
def test_a_plugin_may_refuse_one_record_of_a_set(runtime: Runtime, ctx: Context) -> None:
    docs = [{"code": "A", "name": "A", "country": "XX"}, {"code": "B", "name": "B", "country": "NO"}]
    with db.transaction():
        refused, made = service_of(runtime.resource(SUPPLIER)).create(ctx, docs)
    assert (refused.status, refused.reason) == ("rejected", "country: We do not travel to XX.")
    assert made.status == "created"


@pytest.mark.hook("plugin_enabled")
def test_a_plugin_that_was_just_enabled_catches_up_in_a_job(work_off: Any, runtime: Runtime, ctx: Context) -> None:
    make_suppliers(count=2)
    plugins.disable(ctx, "visits")
    runtime_room.install(plugins.build(runtime.settings))
    with runtime_room.bound(plugins.build(runtime.settings)):
        plugins.enable(ctx, "visits")
    with runtime_room.bound(plugins.build(runtime.settings)):
        deliveries.relay()
        work_off()
    (job,) = Job.select().where(Job.kind == "visits.count")
    assert (job.status, job.result) == ("done", {"suppliers": 2})


@pytest.mark.hook("register_demo")
@pytest.mark.hook("register_import_formats")
def test_a_file_of_a_known_format_is_imported_without_a_mapping(maktab: Any, ctx: Context) -> None:
    from suppliers.models import Supplier

    plugins.disable(ctx, "orders")  # which has a demo of its own, a large one
    first, again = (json.loads(maktab("demo", "--json")) for _time in range(2))
    assert [(one["state"], one["created"], one["unchanged"]) for one in first + again] == [
        ("completed", 2, 0), ("completed", 0, 2),
    ]  # fmt: skip
    found = Supplier.select().where(Supplier.code.in_(["A-1", "B-7"])).order_by(Supplier.code)
    assert [(one.code, one.country) for one in found] == [("A-1", "ES"), ("B-7", "NO")]
