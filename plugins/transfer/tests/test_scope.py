"""A role that is narrowed to some rows imports into those alone, and learns nothing of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import files
from core import runtime as runtime_room
from core.auth import context_for
from core.context import Context
from core.plugins.hooks import Hooks
from core.resources import service_of
from plugins.transfer import api as transfer
from plugins.transfer.models import Import
from plugins.transfer.tests import kit
from plugins.transfer.tests.kit import SALE, Sale, bring_in, documents, reasons
from tests.helpers import install_suppliers, make_suppliers

HEADER = "Where,No,Cur,Note\n"
MAPPING = transfer.Mapping(columns=(("Where", "channel"), ("No", "number"), ("Cur", "currency"), ("Note", "note")))
OUTSIDE = "This record lies outside of what your role may import."
COUNTRIES = transfer.Mapping(columns=(("code", "code"), ("name", "name"), ("country", "country")))


@pytest.fixture
def shop(runtime: Any) -> Iterator[Any]:
    with kit.shop(runtime) as made:
        yield made


@pytest.fixture
def narrow(shop: Any, make_user: Callable[..., Any]) -> Context:
    """A manager of the sales channel pos."""
    user = make_user("manager", {SALE.name: {"channel": ["pos"]}})
    bring_in(HEADER + "web,1,GBP,secret\npos,1,GBP,mine\n", MAPPING)
    return context_for(user, "ui")


def try_in(ctx: Context, *rows: str, dry_run: bool = True) -> Import:
    return bring_in(HEADER + "".join(f"{row}\n" for row in rows), MAPPING, dry_run=dry_run, ctx=ctx)


@pytest.mark.parametrize("guess", ["web,1,GBP,secret", "web,1,GBP,other", "web,7,GBP,secret"])
def test_a_dry_run_answers_alike_whatever_lies_outside(narrow: Context, guess: str) -> None:
    made = try_in(narrow, guess)
    assert (made.created, made.updated, made.unchanged, made.rejected) == (0, 0, 0, 1)
    assert reasons(made) == {2: OUTSIDE}
    with files.open_file(made.diff_file_id) as diff:
        assert b"web" not in diff.read()


def test_inside_its_rows_it_imports_as_anybody(narrow: Context) -> None:
    made = try_in(narrow, "pos,1,GBP,changed", "web,1,GBP,changed", "pos,2,GBP,new", dry_run=False)
    assert (made.created, made.updated, made.rejected, reasons(made)) == (1, 1, 1, {3: OUTSIDE})
    found = {(doc["channel"], doc["number"]): doc["note"] for doc in documents()}
    assert found == {("web", "1"): "secret", ("pos", "1"): "changed", ("pos", "2"): "new"}


def test_a_new_record_lies_where_the_mapping_puts_it(narrow: Context) -> None:
    mapping = transfer.Mapping(columns=(("No", "number"),), constants={"channel": "web"})
    made = bring_in("No\n9\n", mapping, ctx=narrow)
    assert (made.created, reasons(made)) == (0, {2: OUTSIDE})


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_record_from_outside_is_not_pulled_in_nor_one_from_inside_pushed_out(
    runtime: Any, settings: Any, make_user: Callable[..., Any], dry_run: bool
) -> None:
    built = install_suppliers(settings)
    resource = built.resource("suppliers.supplier")
    with runtime_room.bound(built):
        places = (("DE-1", "DE"), ("FR-1", "FR"), ("FR-2", "FR"))
        make_suppliers(*({"code": code, "name": code, "country": country} for code, country in places))
        ctx = context_for(make_user("manager", {resource.name: {"country": ["FR"]}}), "ui")
        before = service_of(resource).documents([1, 2])
        text = "code,name,country\nDE-1,Mine,FR\nFR-1,FR-1,DE\nFR-2,Better,FR\nXX-1,New,\nFR-3,New,FR\n"
        started = transfer.start(ctx, resource.name, kit.store(text.encode()), COUNTRIES, dry_run)
        kit.execute(started.job_id)
        made = Import.get_by_id(started.id)
        assert (made.created, made.updated, made.rejected) == (1, 1, 3)
        assert reasons(made) == dict.fromkeys((2, 3, 5), OUTSIDE)
        assert service_of(resource).documents([1, 2]) == before
        names = [supplier.name for supplier in resource.model.select().where(resource.model.id > 2)]
        assert sorted(names) == (["FR-2"] if dry_run else ["Better", "New"])


def test_what_a_plugin_takes_away_from_a_role_is_outside_too(narrow: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, real = Sale.get(Sale.channel == "pos").id, Hooks.call

    def call(hooks: Hooks, name: str, **given: Any) -> Any:
        return [[taken]] if name == "authorize" else real(hooks, name, **given)

    monkeypatch.setattr(Hooks, "call", call)
    monkeypatch.setattr(Hooks, "is_implemented", lambda hooks, name: name == "authorize")
    made = try_in(narrow, "pos,1,GBP,mine", "pos,2,GBP,new")
    assert (made.created, made.unchanged, reasons(made)) == (1, 0, {2: OUTSIDE})
