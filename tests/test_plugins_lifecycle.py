"""Plugins go on and off: checked in a child process, migrated, audited, and seen by every process."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from core import db, jobs, plugins
from core import runtime as runtime_room
from core.audit import Entry
from core.context import Context
from core.errors import NotFound
from core.jobs import deliveries
from core.plugins.models import PluginFailure, PluginState
from tests.conftest import csrf_of
from tests.plugin_kit import MerchantFolder

pytestmark = pytest.mark.usefixtures("runtime")


def follow(merchant: MerchantFolder) -> Any:
    """What every process does when the generation moved."""
    built = merchant.build()
    runtime_room._bound.set(built)
    return built


def test_a_fresh_install_enables_our_own_plugins(runtime: Any) -> None:
    assert PluginState.get(PluginState.name == "orders").enabled
    assert runtime.plugins["orders"].status == "healthy", runtime.plugins["orders"].error


def test_enable_migrates_and_raises_the_generation(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.add_suppliers()
    before = plugins.generation()
    plugins.enable(ctx, "suppliers")
    assert plugins.generation() == before + 1
    assert "suppliers_supplier" in db.database.get_tables()
    assert follow(merchant).resources["suppliers.supplier"].slug == "suppliers"
    row = PluginState.get(PluginState.name == "suppliers")
    assert (row.status, row.version) == ("healthy", "1.0.0")


def test_enable_and_disable_leave_audit_entries(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.add("acme")
    plugins.enable(ctx, "acme")
    plugins.disable(ctx, "acme")
    entries = Entry.select().where(Entry.resource == "core.plugin").order_by(Entry.id.desc()).limit(2)
    assert [entry.action for entry in entries] == ["disabled", "enabled"]


def test_a_plugin_that_was_gone_and_came_back_runs_once_it_is_enabled(merchant: MerchantFolder, ctx: Context) -> None:
    folder = merchant.on("acme")
    away = folder.rename(folder.with_name("away"))
    follow(merchant)
    away.rename(folder)
    (found,) = (plugin for plugin in plugins.status() if plugin.name == "acme")
    assert found.status == "missing", "no process has loaded it"
    before = plugins.generation()
    plugins.enable(ctx, "acme")
    assert plugins.generation() == before + 1
    assert follow(merchant).plugins["acme"].status == "healthy"


def test_a_plugin_whose_missing_package_came_is_enabled_again(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.on("acme", manifest='packages = ["no-such-thing"]')
    assert "no-such-thing" in merchant.reason("acme")
    runtime_room._bound.set(runtime_room._installed)
    (merchant.root / "acme" / "plugin.toml").write_text('name = "acme"\ntitle = "A"\nversion = "1"\ncontract = 1\n')
    before = plugins.generation()
    plugins.enable(ctx, "acme")
    assert plugins.generation() == before + 1


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_enable_starts_a_job_that_tells_this_plugin_alone(merchant: MerchantFolder, ctx: Context) -> None:
    told = "told = []\n@hookimpl\ndef plugin_enabled(ctx): told.append(ctx)"
    for name in ("acme", "other"):
        merchant.add(name, hooks=told)
        plugins.enable(ctx, name)
    modules = [follow(merchant).hooks.pm.get_plugin(name) for name in ("acme", "other")]
    deliveries.relay()
    *_of_the_install, first, second = (
        jobs.Job.select().where(jobs.Job.title == "core.plugin_enabled.v1").order_by(jobs.Job.id)
    )
    deliveries.deliver(jobs.JobRun(first))
    assert [len(module.told) for module in modules] == [1, 0]
    deliveries.deliver(jobs.JobRun(second))
    assert [len(module.told) for module in modules] == [1, 1]


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"hooks": "raise RuntimeError('boom')"}, "RuntimeError: boom"),
        ({"hooks": "import os; os._exit(3)"}, "ended the process"),
        ({"hooks": "print('noise'); 1 / 0"}, "ZeroDivisionError"),
        ({"hooks": "raise SystemExit(3)"}, "SystemExit: 3"),
        ({"hooks": "EATEN = bytearray(16 << 30)"}, "MemoryError"),
        ({"hooks": "@hookimpl\ndef nav_items(actr): return []"}, "PluginValidationError"),
        ({"files": {"templates/bad/page.html": "{% if %}"}}, "The template bad/page.html: TemplateSyntaxError"),
        (
            {"files": {"marks.py": "def said(n):\n    return _n('%(num)s claim', '%(num)s claims', n)\n"}},
            r"bad/marks.py, line 2 asks for %\(num\)s, which is not given; the number is %\(n\)s",
        ),
        ({"files": {"marks.py": "def said(a):\n    return _('%(b)s', a=a)\n"}}, r"line 2 asks for %\(b\)s"),
        ({"manifest": 'requires = { ghost = ">=1" }'}, "requires the plugin 'ghost'"),
        ({"manifest": 'conflicts = { orders = "" }'}, "conflicts with orders"),
        ({"manifest": "nonsense = 1"}, "nonsense"),
        ({"manifest": 'packages = ["no-such-thing"]'}, "no-such-thing"),
        (
            {
                "hooks": "import flask\n@hookimpl\ndef register_blueprints():\n"
                "    made = flask.Blueprint('bad', __name__)\n    made.add_url_rule('/x', 'x', print)\n"
                "    return [made]"
            },
            "declares no permission",
        ),
    ],
)
def test_enable_refuses_with_the_reason_and_changes_nothing(
    merchant: MerchantFolder, ctx: Context, parts: dict[str, Any], reason: str
) -> None:
    merchant.add("bad", **parts)
    before = plugins.generation()
    with pytest.raises(plugins.PluginRefused, match=reason):
        plugins.enable(ctx, "bad")
    assert plugins.generation() == before
    assert not PluginState.select().where(PluginState.name == "bad").exists()


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_enable_refuses_what_an_enabled_plugin_cannot_live_with(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.on("first", manifest='conflicts = { second = "" }')
    merchant.add("second")
    with pytest.raises(plugins.PluginRefused, match="first: It conflicts with second"):
        plugins.enable(ctx, "second")


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_enable_of_an_unknown_plugin_is_not_found(merchant: MerchantFolder, ctx: Context) -> None:
    with pytest.raises(NotFound):
        plugins.enable(ctx, "ghost")


def test_a_failing_migration_leaves_the_plugin_off(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.add("bad", files={"migrations/0001_x.py": "def up(migrator, db):\n    db.execute_sql('nonsense')\n"})
    with pytest.raises(
        plugins.PluginRefused, match=r"(?s)Its migration failed.*nonsense.* \(bad/migrations/0001_x\.py, line 2\)"
    ):
        plugins.enable(ctx, "bad")
    assert not PluginState.select().where(PluginState.name == "bad").exists()


def test_a_migration_that_fails_here_alone_leaves_the_plugin_off(merchant: MerchantFolder, ctx: Context) -> None:
    here = "def up(migrator, db):\n    if db.execute_sql('SELECT count(*) FROM core_role').fetchone()[0]:\n"
    merchant.add("bad", files={"migrations/0001_x.py": f"{here}        db.execute_sql('nonsense')\n"})
    with pytest.raises(plugins.PluginRefused, match=r"(?s)Its migration failed: .*nonsense"):
        plugins.enable(ctx, "bad")
    assert not PluginState.select().where(PluginState.name == "bad").exists()


def test_the_button_says_why_a_plugin_was_refused(merchant: MerchantFolder, signed_in: Any) -> None:
    merchant.add("bad", files={"migrations/0001_x.py": "def up(migrator, db):\n    db.execute_sql('nonsense')\n"})
    browser = signed_in("owner")
    assert browser.send("/admin/plugins/bad/enable").status_code == 302
    assert "Its migration failed" in browser.get("/admin/plugins/").get_data(as_text=True)
    assert browser.get("/admin/orders/").status_code == 200


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_disable_names_the_dependents_or_takes_them_along(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.on("base")
    merchant.on("upper", manifest='requires = { base = "" }')
    with pytest.raises(plugins.PluginRefused, match="required by upper"):
        plugins.disable(ctx, "base")
    assert plugins.disable(ctx, "base", with_dependents=True) == ["upper", "base"]
    assert {row.enabled for row in PluginState.select().where(PluginState.name.in_(["base", "upper"]))} == {False}


def test_a_plugin_that_is_off_leaves_nothing_behind_in_the_generation(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.add_suppliers()
    plugins.enable(ctx, "suppliers")
    plugins.disable(ctx, "suppliers")
    built = follow(merchant)
    assert built.plugins["suppliers"].status == "off"
    assert not [name for name in built.resources if name.startswith("suppliers")]
    assert "suppliers_supplier" in db.database.get_tables()


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_a_missing_plugin_can_be_disabled(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.turn_on("ghost")
    assert plugins.disable(ctx, "ghost") == ["ghost"]


def test_a_quarantined_plugin_that_was_mended_comes_back_by_enable(merchant: MerchantFolder, ctx: Context) -> None:
    merchant.on("bad", hooks="1 / 0")
    assert "ZeroDivisionError" in merchant.reason("bad")
    merchant.forget()
    merchant.add("bad")
    assert "ZeroDivisionError" in merchant.reason("bad")
    plugins.enable(ctx, "bad")
    assert follow(merchant).plugins["bad"].status == "healthy"


def test_the_page_shows_states_and_reasons_and_switches(
    merchant: MerchantFolder, app: Any, signed_in: Any, ctx: Context
) -> None:
    merchant.on("bad", hooks="1 / 0")
    merchant.add("acme", manifest='requires = { orders = ">=0.1" }\nsummary = "Our own labels"')
    merchant.build()
    browser = signed_in("owner")
    page = browser.get("/admin/plugins/").get_data(as_text=True)
    assert "ZeroDivisionError" in page
    assert "Our own labels" in page
    assert "Requires: <bdi>Orders</bdi>" in page
    assert "&gt;=0.1" in browser.get("/admin/plugins/acme").text
    assert browser.send("/admin/plugins/acme/enable").status_code == 302
    assert PluginState.get(PluginState.name == "acme").enabled
    page = browser.get("/admin/plugins/orders").get_data(as_text=True)
    assert "Required by" in page
    assert 'href="/admin/plugins/acme"' in page
    browser.send("/admin/plugins/orders/disable")
    assert "required by acme" in browser.get("/admin/plugins/").get_data(as_text=True)
    browser.send("/admin/plugins/orders/disable", with_dependents="1")
    left = {row.name for row in PluginState.select().where(PluginState.enabled)}
    assert left == {"bad", "transfer"}, "what orders requires stays"


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_only_who_may_manage_plugins_sees_a_switch(merchant: MerchantFolder, app: Any, signed_in: Any) -> None:
    browser = signed_in("viewer")
    answer = browser.get("/admin/plugins/")
    assert answer.status_code == 403 or "/disable" not in answer.get_data(as_text=True)
    assert browser.post("/admin/plugins/orders/disable").status_code in (400, 403)
    assert PluginState.get(PluginState.name == "orders").enabled


def test_the_page_of_a_plugin_says_what_it_wants_and_the_question_repeats_it(
    merchant: MerchantFolder, app: Any, signed_in: Any
) -> None:
    merchant.add(
        "acme",
        manifest='permissions = { "acme.label.print" = "Print labels" }\nnetwork = ["api.acme.example"]\n'
        '[data]\ntables = ["acme_label", "acme_sender"]\npersonal = ["acme_sender"]',
    )
    merchant.build()
    browser = signed_in("owner")
    page = browser.get("/admin/plugins/acme").text
    asked = browser.post("/admin/plugins/acme/enable", data={"csrf_token": csrf_of(page)}).text
    for shown in (re.sub(r"<[^>]+>", "", page), re.sub(r"<[^>]+>", "", asked)):
        for told in (
            "Print labels",
            "acme_label, acme_sender",
            "Contacts: api.acme.example",
            "may go to api.acme.example",
        ):
            assert told in shown, told
    assert not PluginState.select().where(PluginState.name == "acme").exists()
    assert browser.get("/admin/plugins/nothing").status_code == 404


def test_a_table_is_called_by_its_records_where_they_have_pages(app: Any, signed_in: Any) -> None:
    page = re.sub(r"<[^>]+>", "", signed_in("owner").get("/admin/plugins/orders").text)
    assert re.search(r"Tables:\s+Orders, orders_line,", page)
    assert "orders_order" not in page


def test_failures_of_the_last_hour_are_shown_with_what_happened(
    merchant: MerchantFolder, app: Any, signed_in: Any
) -> None:
    now = db.utcnow()
    for minutes in (1, 20, 70):
        at = now - timedelta(minutes=minutes)
        PluginFailure.create(plugin="orders", hook="nav_items", error=f"KeyError: '{minutes}'", at=at)
    browser = signed_in("owner")
    listed, page = browser.get("/admin/plugins/").text, browser.get("/admin/plugins/orders").text
    assert "2 failures in the last hour" in listed
    assert "Failing" in listed
    assert "KeyError: &#39;20&#39;" in page
    assert "KeyError: &#39;70&#39;" not in page


def test_a_plugin_that_answers_late_is_slow_and_not_failing(merchant: MerchantFolder, app: Any, signed_in: Any) -> None:
    browser, late = signed_in("owner"), "Slow: took 601 ms, its budget is 50 ms"
    PluginFailure.create(plugin="orders", hook="nav_items", error=late, at=db.utcnow())
    listed = browser.get("/admin/plugins/").text
    assert "1 slow answer in the last hour" in listed
    assert "Failing" not in listed
    page = browser.get("/admin/plugins/orders").text
    assert "> Slow</span>" in re.sub(r'<span class="mk-pip[^>]*></span>', " ", page)
    assert late in page
    PluginFailure.create(plugin="orders", hook="nav_items", error="KeyError: 1", at=db.utcnow())
    listed = browser.get("/admin/plugins/").text
    assert "1 failure in the last hour · 1 slow answer in the last hour" in listed
    assert re.search(r'mk-badge mk-bad"><span[^>]*></span>Failing', listed)


def test_the_page_of_a_plugin_tells_who_switched_it(merchant: MerchantFolder, app: Any, signed_in: Any) -> None:
    merchant.add("acme")
    merchant.build()
    browser = signed_in("owner")
    assert browser.send("/admin/plugins/acme/enable").location == "/admin/plugins/acme"
    page = re.sub(r"<[^>]+>", " ", browser.get("/admin/plugins/acme").text)
    assert re.search(rf"Enabled\s+{browser.user}", page)


def test_plugins_are_found_by_what_they_are_for(merchant: MerchantFolder, app: Any, signed_in: Any) -> None:
    page = signed_in("owner").get("/admin/plugins/?q=XLSX").text
    assert 'id="plugin-transfer"' in page
    assert 'id="plugin-orders"' not in page
