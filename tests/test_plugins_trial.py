"""What a plugin declares is compared with what there is when it is checked or enabled, not when a page is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core import db, plugins, trial
from core.context import Context
from tests.plugin_kit import PLUGINS, MerchantFolder

RESOURCES, MODELS, SCHEMAS = "resources.py", "models.py", "schemas.py"
MANIFEST, HOOKS, STEP = "plugin.toml", "hooks.py", "migrations/0001_initial.py"
WORKFLOW = (
    "from core.resources import Transition, Workflow\nfrom suppliers.models import Supplier\n"
    "FLOW = Workflow('suppliers.supplier', Supplier, {field!r}, [Transition('close', ('on',), 'off', "
    "'suppliers.supplier_closed.v1', sets=lambda: {sets})], {labels})\n"
)
HOOK = "\n@hookimpl\ndef {0}:\n    return {1}\n"


@pytest.fixture
def merchant(runtime: Any, merchant: MerchantFolder) -> MerchantFolder:
    merchant.add_suppliers()
    return merchant


def change(folder: Path, old: str, new: str) -> None:
    text = folder.read_text(encoding="utf-8")
    assert old in text, (folder, old)
    folder.write_text(text.replace(old, new, 1), encoding="utf-8")


def add(folder: Path, text: str) -> None:
    folder.write_text(folder.read_text(encoding="utf-8") + text, encoding="utf-8")


def examine(merchant: MerchantFolder, name: str = "suppliers") -> list[str]:
    return trial.examine(merchant.settings, name)


def refusal(merchant: MerchantFolder) -> str:
    with pytest.raises(plugins.PluginFailed) as failed:
        examine(merchant)
    assert failed.value.plugin == "suppliers"
    return failed.value.reason


@pytest.mark.parametrize("name", ["orders", "transfer", "suppliers"])
def test_our_own_plugins_and_the_suppliers_pass(merchant: MerchantFolder, name: str) -> None:
    assert examine(merchant, name) == []


def test_one_that_implements_every_hook_passes(merchant: MerchantFolder, ctx: Context) -> None:
    plugins.enable(ctx, "suppliers")
    (merchant.root / "visits").symlink_to(PLUGINS / "visits")
    assert examine(merchant, "visits") == []


@pytest.mark.parametrize("database_kind", ["sqlite"])  # they are compared before any database is asked
@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (RESOURCES, '{"is_active": "true"}', '{"active": "1"}', "View active: filters: 'active' is not a filter of it"),
        (RESOURCES, 'View("active"', 'View("new"', "View new: its name is small letters, digits and _"),
        (RESOURCES, 'Filter("tag", __("Tag")', 'Filter("view", "Tag"', "view: the address of a list uses this name"),
        (RESOURCES, 'Filter("country"', 'Filter("land"', "Filter land: 'land' is not a field of the model Supplier"),
        (RESOURCES, '__("Country"), "text"', '"Country", "txt"', "Filter country: kind: 'txt' is not a kind of filter"),
        (RESOURCES, 'Column("code"', 'Column("kode"', "Column kode: 'kode' is not a field of the model Supplier; did"),
        (RESOURCES, '__("Credit"), "money"', '"Credit", "mony"', "kind: 'mony' is not a kind of column; did"),
        (RESOURCES, '__("Name"), sort', '"Name", "money", sort', "kind money needs a field that ends in _minor"),
        (RESOURCES, '__("Name"), sort', '"Name", "reference", sort', "kind reference needs a field of that name in"),
        (SCHEMAS, '"suppliers.supplier",', '"suppliers.suplier",', "'suppliers.suplier' is not a resource that"),
        (RESOURCES, "has_tags=True", 'has_tags=True, reauth=["name"]', "Column name: editable: what wants the"),
        (RESOURCES, '__("Name"), sort', '"Name", badges={"a": BADGE}, sort', "tone: 'red' is not a"),
        (RESOURCES, '__("Name"), sort', '"Name", reads=["nick"], sort', "Column name: reads: 'nick' is not a field"),
        (RESOURCES, 'Scope("country"', 'Scope("state"', "Scope state: 'state' is not a field of the model Supplier"),
        (RESOURCES, 'search_exact=("code"', 'search_exact=("kode"', "search_exact: 'kode' is not a field of the model"),
        (RESOURCES, 'subtitle=("code"', 'subtitle=("kode"', "subtitle: 'kode' is not a column of it"),
        (RESOURCES, 'key=("code"', 'key=("number"', "key: 'number' is not a field of the schema SupplierSchema"),
        (RESOURCES, "has_tags=True", 'has_tags=True, form_fields=[*FORM, "cod"]', "form_fields: 'cod' is not a field"),
        (RESOURCES, "has_tags=True", 'has_tags=True, default_sort="-is_active"', "default_sort: 'is_active' is not id"),
        (RESOURCES, 'icon="truck"', 'icon="trukc"', "icon: 'trukc' is not an icon of the theme; did you mean 'truck'?"),
        (RESOURCES, "has_tags=True", 'has_tags=True, nav_group="wrok"', "nav_group: 'wrok' is not a part of the menu"),
        (RESOURCES, "has_tags=True, ", "", "Filter tag: kind tag needs has_tags=True"),
        (SCHEMAS, "    is_active", "    is_paid", "SupplierSchema: 'is_paid' is not a field of the model"),
        (SCHEMAS, "    name = ma.fields.String(", "    nom = ma.fields.String(", "has no field 'name'"),
        (SCHEMAS, "    is_active", "    base", "SupplierSchema: base: the form has an input of this name"),
        (MODELS, '"suppliers_supplier"', '"vendor"', "its table 'vendor' must be called suppliers_…"),
        (MANIFEST, "personal =", "person =", "[data]: 'person' is not a key of it; did you mean 'personal'?"),
        (MANIFEST, "personal = [", "personal = [1, ", "[data] personal must be a list of table names"),
        (MANIFEST, 'personal = ["', 'personal = ["other_', "[data] personal names 'other_suppliers_supplier'"),
        (MANIFEST, 'icon = "truck"', 'icon = "lorry"', "plugin.toml: icon: 'lorry' is not an icon of the theme"),
    ],
)  # fmt: skip
def test_a_name_that_is_nothing_is_refused(merchant: MerchantFolder, file: str, old: str, new: str, says: str) -> None:
    change(
        merchant.root / "suppliers" / RESOURCES,
        "\n\n\ndef",
        "\nfrom core.resources import Badge\nBADGE = Badge('A', 'red')\n"
        "FORM = 'name country credit_minor parent'.split()\n\n\ndef",
    )
    change(merchant.root / "suppliers" / file, old, new)
    assert says in refusal(merchant)


@pytest.mark.parametrize("database_kind", ["sqlite"])  # they are compared before any database is asked
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            HOOK.format("register_jobs()", "[core.jobs.JobType('suppliers.count', print, '', 'suppliers.x.view')]"),
            "JobType suppliers.count: permission: 'suppliers.x.view' is not a permission that anybody declares",
        ),
        (
            HOOK.format("register_schedules()", "[core.jobs.Schedule('suppliers.cuont', 60)]"),
            "Schedule suppliers.cuont: 'suppliers.cuont' is not a kind of job",
        ),
        (
            HOOK.format("list_links(resource)", "[core.nav.Link('Go', '/x', 'suppliers.x.view', 'plane')]"),
            "list_links: Go: permission: 'suppliers.x.view' is not a permission",
        ),
        (
            HOOK.format("nav_items()", "[core.nav.NavItem('Go', '/x', icon='plain')]"),
            "nav_items: Go: icon: 'plain' is not an icon",
        ),
        (
            HOOK.format("dashboard_widgets()", "[core.dashboard.Widget('x.sales', 'Sales', list, size='huge')]"),
            "dashboard_widgets: x.sales: the name of a card begins with 'suppliers'",
        ),
        (
            HOOK.format("dashboard_widgets()", "[core.dashboard.Widget('suppliers.a', 'A', list, size='huge')]"),
            "dashboard_widgets: suppliers.a: size: 'huge' is not a size of a card",
        ),
        ("\nTEMPLATE = 'suppliers/gone.html'\n", "hooks.py: 'suppliers/gone.html' is not a template"),
        (
            "\nfrom core.resources import Section\nPANEL = Section('near', 'Near', template='supplier/near.html')\n",
            "Section near: 'supplier/near.html' is not a template",
        ),
        (
            WORKFLOW.format(field="country", sets={"closed": 1}, labels={"on": "On", "off": "Off"}),
            "close: sets: 'closed' is not a field of the model Supplier",
        ),
        (
            WORKFLOW.format(field="country", sets={}, labels={"on": "On"}),
            "close: the state 'off' has no name in labels",
        ),
        (
            WORKFLOW.format(field="state", sets={}, labels={"on": "On", "off": "Off"}),
            "Workflow of suppliers.supplier: 'state' is not a field",
        ),
        (
            "\nfrom core.web import AdminView\nclass Odd(AdminView):\n"
            "    permission, icon = 'suppliers.supplier.view', 'plain'\n    def __init__(self):\n"
            "        super().__init__('Odd', endpoint='suppliers_odd', url='/admin/odd')\n"
            "    import flask_admin\n    @flask_admin.expose('/')\n    def index_view(self): return ''\n"
            + HOOK.format("register_views()", "[Odd()]"),
            "AdminView Odd: icon: 'plain' is not an icon of the theme",
        ),
    ],
)  # fmt: skip
def test_what_hooks_and_modules_name_must_be_there(merchant: MerchantFolder, text: str, says: str) -> None:
    add(merchant.root / "suppliers" / HOOKS, "\nimport core.jobs, core.nav\n" + text)
    assert says in refusal(merchant)


@pytest.mark.parametrize("database_kind", ["sqlite"])  # they are compared before any database is asked
@pytest.mark.parametrize(
    "new",
    [
        '    nick = ma.fields.String(attribute="name", required=True)',
        "    name = ma.fields.String()\n    nick = ma.fields.String()\n\n    @ma.post_load\n"
        "    def shape(self, data, **more):\n        return {'name': data.pop('nick'), **data}",
    ],
    ids=["another attribute", "a shape of its own"],
)
def test_a_schema_whose_document_fits_the_model_passes(merchant: MerchantFolder, new: str) -> None:
    rules = "required=True, validate=ma.validate.Length(1, 200)"
    old = f'    name = ma.fields.String({rules}, metadata={{"label": __("Name")}})'
    change(merchant.root / "suppliers" / SCHEMAS, old, new)
    change(merchant.root / "suppliers" / RESOURCES, '__("Name"), sortable=True, editable=True', '__("Name")')
    assert examine(merchant) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_a_model_of_another_database_may_be_called_as_it_is_there(merchant: MerchantFolder) -> None:
    text = "\n\nclass Old(peewee.Model):\n    class Meta:\n        {0}table_name = 'stock'\n"
    add(merchant.root / "suppliers" / MODELS, text.format("database = peewee.SqliteDatabase('old.db')\n        "))
    assert examine(merchant) == []
    merchant.forget()
    add(merchant.root / "suppliers" / MODELS, text.format("").replace("peewee.Model", "Record"))
    assert "Model Old: its table 'stock' must be called suppliers_…" in refusal(merchant)


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_a_template_that_includes_what_is_gone_is_refused(merchant: MerchantFolder) -> None:
    page = merchant.root / "suppliers" / "templates" / "suppliers" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text('{% extends "admin/base.html" %}{% include "suppliers/part.html" %}')
    assert "suppliers/page.html: 'suppliers/part.html' is not a template" in refusal(merchant)
    page.with_name("part.html").write_text("here")
    assert examine(merchant) == []


def test_a_template_that_translates_what_somebody_wrote_is_refused(merchant: MerchantFolder) -> None:
    """It would count as safe markup."""
    page = merchant.root / "suppliers" / "templates" / "suppliers" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text('{{ _("Fine: %(name)s", name=record.name) }}\n{{ _(record.name) }}')
    assert "The template suppliers/page.html, line 2: _() takes a text that stands there" in refusal(merchant)


@pytest.mark.parametrize("is_on", [False, True], ids=["new", "enabled"])
@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            STEP,
            "    db.create_tables(_models(db))",
            "    pass",
            "There is no table 'suppliers_supplier'",
        ),
        (STEP, "        is_active", "        is_gone", "The table 'suppliers_supplier' has no column 'is_active'"),
        (STEP, '((("name", "id"), False), ', "(", "Column name: sortable needs an index on (name, id)"),
        (
            STEP,
            '((("name", "id"), False), ',
            '((("name",), False), ',
            "Column name: sortable needs an index on (name, id)",
        ),
    ],
)
def test_the_tables_that_the_migrations_make_are_those_of_the_models(
    merchant: MerchantFolder, is_on: bool, file: str, old: str, new: str, says: str
) -> None:
    folder = merchant.root / "suppliers"
    change(folder / file, old, new)
    if is_on:
        plugins.migrate_tables(plugins.build(merchant.settings, trial="suppliers"), "suppliers")
    assert says in refusal(merchant)
    assert is_on or "suppliers_supplier" not in db.database.get_tables(), "it was tried on a database of its own"


def test_a_table_that_only_this_database_makes_is_compared_as_it_is_enabled(
    merchant: MerchantFolder, ctx: Context
) -> None:
    in_earnest = "if db.execute_sql('SELECT count(*) FROM core_role').fetchone()[0]:\n        return\n"
    making = "    db.create_tables(_models(db))"
    change(merchant.root / "suppliers" / STEP, making, f"    {in_earnest}{making}")
    assert examine(merchant) == []
    with pytest.raises(plugins.PluginRefused, match="There is no table 'suppliers_supplier'"):
        plugins.enable(ctx, "suppliers")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('search_exact=("code"', 'search_exact=("currency"', "search_exact: on a large table currency wants an index"),
        ('Filter("country"', 'Filter("currency"', "Filter currency: on a large table currency wants an index"),
        ('Filter("tag", __("Tag"), "tag")', 'Filter("created_at", "At", "date")', "on (created_at, id)"),
    ],
)
def test_an_index_that_a_search_or_a_filter_wants_is_a_hint(
    merchant: MerchantFolder, old: str, new: str, says: str
) -> None:
    change(merchant.root / "suppliers" / RESOURCES, old, new)
    (hint,) = examine(merchant)
    assert says in hint


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
@pytest.mark.parametrize(
    ("event", "hints"),
    [
        ("suppliers.supplier_created.v1", 0),
        ("orders.order_placed.v1", 0),
        ("orders.order_axes_changed.v1", 0),
        ("core.plugin_enabled.v1", 0),
        ("orders.order_plaeced.v1", 1),
        ("suppliers.supplier_create.v1", 1),
    ],
)
def test_a_subscription_to_what_nobody_emits_is_a_hint(merchant: MerchantFolder, event: str, hints: int) -> None:
    add(merchant.root / "suppliers" / HOOKS, HOOK.format("register_subscriptions()", f"{{'{event}': print}}"))
    found = examine(merchant)
    assert len(found) == hints, found
    assert all(event in hint for hint in found)


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_all_that_is_wrong_is_said_at_once_and_a_hint_does_not_stop_anything(merchant: MerchantFolder) -> None:
    folder = merchant.root / "suppliers"
    change(folder / MANIFEST, 'tables = ["suppliers_supplier"]', "tables = []")
    (hint,) = examine(merchant)
    assert "does not stand in tables of [data]" in hint
    merchant.forget()
    change(folder / RESOURCES, 'icon="truck"', 'icon="lorry"')
    change(folder / RESOURCES, 'Scope("country"', 'Scope("state"')
    assert refusal(merchant).startswith("2 things are wrong:\n- ")


def test_a_plugin_that_ran_before_starts_though_the_trial_would_refuse_it(merchant: MerchantFolder) -> None:
    change(merchant.root / "suppliers" / RESOURCES, 'icon="truck"', 'icon="lorry"')
    merchant.turn_on("suppliers")
    assert merchant.build().plugins["suppliers"].status == "healthy"
