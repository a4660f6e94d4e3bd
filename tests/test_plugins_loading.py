"""Finding and loading plugins: what is refused, with which words, and that the others go on."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import plugins, services
from core.app import create_app
from core.plugins import discovery
from core.plugins.models import CoreState, PluginState
from core.runtime import bound
from core.settings import Settings
from tests.plugin_kit import MerchantFolder

OFFERS = {
    "hookspecs.py": "from core.plugins import hookspec\n@hookspec('collect')\ndef register_bad_things(): 'Things.'\n"
}


@pytest.fixture
def database_kind() -> str:
    return "sqlite"  # loading asks the database for three rows; the rows themselves are tested on both


@pytest.mark.parametrize(
    ("hooks", "files", "reason"),
    [
        ("raise RuntimeError('boom')", {}, "RuntimeError: boom"),
        ("import sys; sys.exit(3)", {}, "SystemExit: 3"),
        ("import nothing_like_this", {}, "No module named 'nothing_like_this'"),
        ("@hookimpl\ndef nav_itms(actor): return []", {}, "'nav_itms', which nobody offers"),
        ("@hookimpl\ndef nav_items(user): return []", {}, "nav_items"),
        ("@hookimpl(wrapper=True)\ndef nav_items(actor): return (yield)", {}, "is a wrapper"),
        ("@hookimpl(hookwrapper=True)\ndef nav_items(actor): yield", {}, "is a wrapper"),
        ("@hookimpl\ndef register_resources(): return 1 / 0", {}, "register_resources: ZeroDivisionError"),
        ("@hookimpl\ndef register_jobs(): return ['x']", {}, "register_jobs: AttributeError"),
        ("@hookimpl\ndef register_subscriptions(): return 7", {}, "register_subscriptions: TypeError"),
        ("@hookimpl\ndef register_commands(): return {'serve': print}", {}, "taken by core"),
        ("@hookimpl\ndef register_commands(): return {'job list': print}", {}, "taken by core"),
        ("@hookimpl\ndef register_bad_things(): return 7", OFFERS, "register_bad_things: TypeError"),
        ("", {"hookspecs.py": OFFERS["hookspecs.py"].replace("()", "(actor)")}, "has arguments"),
        ("@hookimpl\ndef register_services(): return {'orders.x': 1}", {}, "must begin with 'bad'"),
        ("", {"jobs.py": "from huey import SqliteHuey"}, "imports huey"),
        ("", {"templates/admin/base.html": ""}, "must lie in templates/bad/"),
        ("", {"hookspecs.py": "import pluggy\n@pluggy.HookspecMarker('maktab')\ndef bad_x(): ..."}, "no policy"),
        ("", {"hookspecs.py": "from core.plugins import hookspec\n@hookspec('deny')\ndef nav_items(): ..."}, "another"),
        ("", {"hookspecs.py": "1 / 0"}, "ZeroDivisionError"),
    ],
)
def test_a_plugin_that_cannot_run_is_quarantined_and_the_others_go_on(
    merchant: MerchantFolder, hooks: str, files: dict[str, str], reason: str
) -> None:
    merchant.on("bad", hooks=hooks, files=files)
    merchant.on("good", hooks="@hookimpl\ndef register_services(): return {'good.one': 1}")
    assert reason in merchant.reason("bad")
    assert services.get("good.one") == 1
    row = PluginState.get(PluginState.name == "bad")
    assert (row.enabled, row.status) == (True, "quarantined")
    assert reason in row.error


SCHEMA = """
    import marshmallow as ma

    class S(ma.Schema):
        size = ma.fields.Integer(required=True, load_default=1)
"""
PLACES = [
    ("from bad.parts import schemas", {"parts/schemas.py": SCHEMA}, "ValueError: .* (bad/parts/schemas.py, line 5)"),
    ("@hookimpl\ndef register_services():\n    return 1 / 0", {}, "division by zero (bad/hooks.py, line 4)"),
    ("import bad.text", {"text.py": "x = int('y')"}, "'y' (bad/text.py, line 1)"),
    ("import bad.text", {"text.py": "\nx = ="}, "invalid syntax (text.py, line 2)"),
    ("import nothing_like_this", {}, "'nothing_like_this' (bad/hooks.py, line 2)"),
]


@pytest.mark.parametrize(("hooks", "files", "said"), PLACES)
def test_a_refusal_names_the_place_in_the_plugin(
    merchant: MerchantFolder, hooks: str, files: dict[str, str], said: str
) -> None:
    merchant.on("bad", hooks=hooks, files=files)
    reason = merchant.reason("bad")
    assert re.search(re.escape(said).replace(r"\.\*", ".*") + "$", reason), reason


def test_resources_jobs_and_schedules_carry_the_name_of_their_plugin(merchant: MerchantFolder) -> None:
    job = "from core.jobs import JobType\n@hookimpl\ndef register_jobs(): return [JobType('orders.x', print)]"
    merchant.on("bad", hooks=job)
    assert "'orders.x' must begin with 'bad'" in merchant.reason("bad")


def test_one_job_may_have_several_schedules(merchant: MerchantFolder) -> None:
    hooks = """
        from core.jobs import Schedule

        @hookimpl
        def register_schedules():
            return [Schedule("good.x", 60, {"n": 1}), Schedule("good.x", 60, {"n": 2})]
    """
    merchant.on("good", hooks=hooks)
    assert len([one for one in merchant.build().schedules if one.job == "good.x"]) == 2


def test_what_a_plugin_s_own_register_hook_collects_is_kept_for_the_generation(merchant: MerchantFolder) -> None:
    merchant.on("bad", files=OFFERS, hooks="@hookimpl\ndef register_bad_things(): return ['own']")
    merchant.on(
        "one", manifest='requires = { bad = "" }', hooks="@hookimpl\ndef register_bad_things(): return {'of': 'one'}"
    )
    merchant.on("two", manifest='requires = { one = "" }', hooks="@hookimpl\ndef register_bad_things(): return None")
    assert merchant.build().declared == {"register_bad_things": ("own", ("of", "one"))}


def test_two_plugins_cannot_have_one_command(merchant: MerchantFolder) -> None:
    merchant.on("first", hooks="@hookimpl\ndef register_commands(): return {'count': print, 'stock sum': print}")
    merchant.on(
        "later",
        manifest='requires = { first = "" }',
        hooks="@hookimpl\ndef register_commands(): return {'stock': print}",
    )
    assert "`maktab stock` is taken by first" in merchant.reason("later")
    assert set(merchant.build().commands) == {"count", "stock sum"}


def test_two_resources_with_one_address_are_refused(merchant: MerchantFolder) -> None:
    merchant.add_suppliers()
    merchant.turn_on("suppliers")
    hooks = """
        from dataclasses import replace
        from suppliers.resources import SUPPLIER

        @hookimpl
        def register_resources():
            return [replace(SUPPLIER, name="vendors.vendor")]
    """
    merchant.on("vendors", manifest='requires = { suppliers = ">=1" }', hooks=hooks)
    built, _ = plugins.assemble(merchant.settings, create_app)
    assert "have the same address /admin/suppliers/" in built.plugins["vendors"].error
    assert built.resources["suppliers.supplier"].slug == "suppliers"


def test_a_broken_plugin_moves_the_generation_once(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks="1 / 0")
    before = plugins.generation()
    assert merchant.build().generation == plugins.generation() == before + 1
    merchant.build()
    assert plugins.generation() == before + 1


def test_dependents_of_a_broken_plugin_wait_without_being_quarantined_themselves(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks="1 / 0")
    merchant.on("child", manifest='requires = { bad = "" }')
    assert "requires the plugin 'bad'" in merchant.reason("child")
    assert PluginState.get(PluginState.name == "child").status == "healthy"


def test_a_plugin_that_is_gone_is_shown_as_missing(merchant: MerchantFolder) -> None:
    merchant.turn_on("ghost")
    ghost = merchant.build().plugins["ghost"]
    assert ghost.status == "missing"
    assert "put it back" in ghost.error


def test_a_bad_manifest_of_an_enabled_plugin_is_its_reason(merchant: MerchantFolder) -> None:
    merchant.on("bad", manifest="nonsense = 1")
    assert "nonsense" in merchant.reason("bad")


def test_safe_mode_runs_core_alone(merchant: MerchantFolder) -> None:
    merchant.on("good", hooks="@hookimpl\ndef register_services(): return {'good.one': 1}")
    built = plugins.build(replace(merchant.settings, safe_mode=True))
    assert built.plugins["good"].status == built.plugins["orders"].status == "off"
    assert "Safe mode" in built.plugins["good"].error
    assert not built.services
    assert "core.user" in built.resources


def test_a_database_that_takes_no_writes_does_not_keep_the_healthy_ones_from_starting(
    merchant: MerchantFolder, app_db: Any
) -> None:
    merchant.on("bad", hooks="1 / 0")
    merchant.on("good", hooks="@hookimpl\ndef register_services(): return {'good.one': 1}")
    app_db.execute_sql("PRAGMA query_only = 1")
    built = merchant.build()
    app_db.execute_sql("PRAGMA query_only = 0")
    assert built.plugins["bad"].status == "quarantined"
    assert "good.one" in built.services
    assert PluginState.get(PluginState.name == "bad").status == "healthy"


def test_a_plugin_of_ones_own_hooks_reaches_others_that_load_before_it(merchant: MerchantFolder) -> None:
    spec = "from core.plugins import hookspec\n@hookspec('collect')\ndef carriers_offered(): ..."
    merchant.on("zcarriers", files={"hookspecs.py": spec})
    merchant.on("acarrier", hooks="@hookimpl\ndef carriers_offered(): return 'acme'")
    assert merchant.build().hooks.call("carriers_offered") == ["acme"]


def test_hooks_are_called_in_load_order_core_first(merchant: MerchantFolder) -> None:
    body = "@hookimpl{mark}\ndef nav_items(actor): return '{name}'"
    merchant.on("b", hooks=body.format(name="b", mark=""))
    merchant.on("a", manifest='requires = { b = "" }', hooks=body.format(name="a", mark=""))
    merchant.on("c", hooks=body.format(name="c", mark="(tryfirst=True)"))
    assert merchant.build().hooks.call("nav_items", actor=None) == ["c", "b", "a"]


def test_the_merchants_folder_cannot_shadow_a_python_package(merchant: MerchantFolder) -> None:
    folder = merchant.on("json", hooks="1 / 0")
    reason = merchant.reason("json")
    assert "Python has a package 'json' already, in " in reason
    assert str(Path(json.__file__).parent) in reason, "where the one is"
    assert str(folder) in reason, "and the other"
    assert "dumps" in dir(sys.modules["json"])


def test_ours_win_over_a_merchants_plugin_of_the_same_name(merchant: MerchantFolder) -> None:
    merchant.add("orders")
    assert discovery.is_ours(discovery.discover(merchant.settings)["orders"])


def test_a_foreign_plugins_package_is_refused_at_the_start(
    merchant: MerchantFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "plugins", raising=False)
    with pytest.raises(discovery.WrongPackage, match="remove that one"):
        discovery.discover(merchant.settings)


def test_an_installed_distribution_is_found_by_its_entry_point(
    merchant: MerchantFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = MerchantFolder(replace(merchant.settings, plugin_dir=str(tmp_path / "site")))
    site.add("acme_reviews", hooks="@hookimpl\ndef register_services(): return {'acme_reviews.one': 1}")
    info = site.root / "acme_reviews-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-reviews\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[maktab.plugins]\nacme_reviews = acme_reviews\nlost = not_there\n")
    monkeypatch.syspath_prepend(str(site.root))
    found = discovery.discover(merchant.settings)
    assert found["acme_reviews"].module == "acme_reviews"
    assert "acme_reviews" not in sys.modules
    assert "cannot be found" in found["lost"].error
    info.rename(site.root / "acme_reviews-1.1.dist-info")  # as an upgrade does
    (site.root / "acme_reviews-1.1.dist-info" / "entry_points.txt").write_text(
        "[maktab.plugins]\nacme = acme_reviews\n"
    )
    assert "lost" not in discovery.discover(merchant.settings)
    merchant.turn_on("acme_reviews")
    assert merchant.build().services["acme_reviews.one"] == 1
    site.forget()


def test_nothing_is_imported_of_a_plugin_that_is_off(merchant: MerchantFolder) -> None:
    merchant.add("sleeping", hooks="1 / 0")
    assert merchant.build().plugins["sleeping"].status == "off"
    assert "sleeping" not in sys.modules


def test_an_unmigrated_database_builds_core_alone(tmp_path: Path) -> None:
    from core import db

    settings = Settings(data_dir=tmp_path)
    db.connect(settings.url)
    built = plugins.build(settings)
    assert built.generation == 0
    assert all(plugin.status == "off" for plugin in built.plugins.values())


BLUEPRINT = """
    import flask
    from core.access import SIGNED_IN, requires

    @hookimpl
    def register_blueprints():
        made = flask.Blueprint("{name}", __name__{options})
        {line}
        return [made]

    @requires(SIGNED_IN)
    def page():
        return "page"
"""


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"name": "other", "line": "made.add_url_rule('/x', 'x', page)"}, "must be called 'bad'"),
        ({"line": "made.before_app_request(page)"}, "into every request"),
        ({"line": "made.after_app_request(page)"}, "into every request"),
        ({"line": "made.app_context_processor(page)"}, "into every request"),
        ({"line": "made.app_errorhandler(404)(page)"}, "into every request"),
        ({"options": ", template_folder='/tmp'", "line": "pass"}, "templates must lie in"),
        ({"line": "made.add_url_rule('/admin/', 'x', page)"}, "/admin/"),
        ({"line": "made.add_url_rule('/x', 'x', page); made.add_url_rule('/x', 'y', page)"}, "/x"),
        ({"line": "made.add_url_rule('/x', 'x', lambda: 'open')"}, "declares no permission"),
        ({"line": "made.add_url_rule('/x', 'x', requires('bad.thing.view')(lambda: ''))"}, "which nobody declares"),
        ({"line": "1 / 0"}, "ZeroDivisionError"),
    ],
)
def test_pages_that_would_break_others_quarantine_their_plugin(
    merchant: MerchantFolder, parts: dict[str, str], reason: str
) -> None:
    merchant.on("bad", hooks=BLUEPRINT.format(**{"name": "bad", "options": "", "line": "pass"} | parts))
    good = "made.add_url_rule('/good', 'x', page)"
    merchant.on("good", hooks=BLUEPRINT.format(name="good", options="", line=good))
    runtime, app = plugins.assemble(merchant.settings, create_app)
    assert reason in runtime.plugins["bad"].error
    assert runtime.plugins["good"].status == "healthy"
    with bound(runtime):
        assert app.test_client().get("/good").status_code == 302
        assert app.test_client().get("/x").status_code == 404


def test_two_plugins_with_one_address_leave_one_of_them(merchant: MerchantFolder) -> None:
    for name in ("one", "two"):
        line = "made.add_url_rule('/same/<int:id>', 'x', page)"
        merchant.on(name, hooks=BLUEPRINT.format(name=name, options="", line=line))
    runtime, _ = plugins.assemble(merchant.settings, create_app)
    assert sorted(runtime.plugins[name].status for name in ("one", "two")) == ["healthy", "quarantined"]


def test_views_need_an_endpoint_of_their_own_plugin(merchant: MerchantFolder) -> None:
    hooks = """
        from flask_admin import expose
        from core.web import AdminView

        class Page(AdminView):
            permission = "core.signed_in"

            @expose("/")
            def index(self):
                return ""

        @hookimpl
        def register_views():
            return [Page("Page", endpoint="orders_page", url="/admin/page")]
    """
    merchant.on("bad", hooks=hooks)
    runtime, _ = plugins.assemble(merchant.settings, create_app)
    assert "'orders_page' must begin with 'bad'" in runtime.plugins["bad"].error


def test_a_fault_of_core_is_nobodys_quarantine(merchant: MerchantFolder) -> None:
    merchant.on("good")
    number = CoreState.get().generation

    def broken(runtime: Any) -> Any:
        raise RuntimeError("core is broken")

    with pytest.raises(RuntimeError, match="core is broken"):
        plugins.assemble(merchant.settings, broken)
    assert CoreState.get().generation == number
