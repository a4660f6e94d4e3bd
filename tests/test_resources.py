"""The generic service, tags, notes and schema fields, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from core import audit, changes, db
from core.context import Actor, Context, Grant, system_context
from core.errors import Conflict, Rejected
from core.events.outbox import Event
from core.resources import (
    Currency,
    ExactDecimal,
    Minor,
    Resource,
    Service,
    Tags,
    Utc,
    add_note,
    add_tags,
    remove_tags,
    schema_fields,
    service_of,
    tags_of,
    timeline,
)
from core.resources.fields import part_of
from core.settings import Settings
from tests.helpers import count_statements, install_suppliers, make_suppliers

CTX = system_context("cli")


@pytest.fixture
def suppliers(app_db: Any, settings: Settings) -> Resource:
    return install_suppliers(settings).resource("suppliers.supplier")


@pytest.fixture
def service(suppliers: Resource) -> Service:
    return service_of(suppliers)


def doc(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": f"Name of {code}"} | more


def test_a_set_of_documents_is_created_in_a_fixed_number_of_statements(service: Service) -> None:
    with count_statements() as few:
        service.create(CTX, [doc("A")])
    with count_statements() as many:
        made = service.create(CTX, [doc(f"B{n}", tags=["new"]) for n in range(200)])
    assert [outcome.status for outcome in made] == ["created"] * 200
    assert [one["code"] for one in service.documents([outcome.id for outcome in made])] == [f"B{n}" for n in range(200)]
    assert len(many) <= len(few) + 3


def test_every_change_leaves_an_audit_entry_and_one_event(service: Service) -> None:
    ids = [outcome.id for outcome in service.create(CTX, [doc("A"), doc("B")])]
    service.update(CTX, {ids[0]: {"country": "GB"}})
    service.delete(CTX, ids)
    entries = [(entry.action, entry.record_id) for entry in audit.Entry.select().order_by(audit.Entry.id)]
    assert entries == [
        ("created", ids[0]),
        ("created", ids[1]),
        ("updated", ids[0]),
        ("deleted", ids[0]),
        ("deleted", ids[1]),
    ]
    names = [event.name.removeprefix("suppliers.supplier_") for event in Event.select().order_by(Event.id)]
    assert names == ["created.v1", "updated.v1", "deleted.v1"]


def test_an_update_writes_only_what_differs(service: Service) -> None:
    (key,) = make_suppliers(doc("A", credit_minor=100))
    (same,) = service.update(CTX, {key: {"credit_minor": 100, "code": "A"}})
    (other,) = service.update(CTX, {key: {"credit_minor": 250, "code": "A"}})
    assert (same.status, other.status, other.after) == ("unchanged", "updated", {"credit_minor": 250})
    assert service.documents([key])[0]["version"] == 2
    assert audit.history("suppliers.supplier", key)[0].diff == {
        "before": {"credit_minor": 100},
        "after": {"credit_minor": 250},
    }


def test_a_set_of_different_updates_is_one_statement(service: Service) -> None:
    ids = make_suppliers(count=200)
    with count_statements() as sent:
        done = service.update(CTX, {key: {"name": f"New {key}", "credit_minor": key} for key in ids})
    assert {outcome.status for outcome in done} == {"updated"}
    assert sum(sql.upper().startswith('UPDATE "SUPPLIERS_SUPPLIER"') for sql in sent) == 1
    assert len(sent) <= 10
    assert {one["name"]: one["credit_minor"] for one in service.documents(ids)} == {f"New {key}": key for key in ids}


def test_a_stale_version_is_a_conflict(service: Service) -> None:
    (key,) = make_suppliers(doc("A"))
    service.update(CTX, {key: {"name": "First"}}, {key: 1})
    with pytest.raises(Conflict):
        service.update(CTX, {key: {"name": "Second"}}, {key: 1})
    assert service.documents([key])[0]["name"] == "First"


def test_one_bad_document_never_loses_the_others(service: Service) -> None:
    make_suppliers(doc("TAKEN"))
    docs = [doc(f"N{n}") for n in range(50)]
    docs[7] = doc("TAKEN")
    docs[20] = doc("X" * 33)
    docs[31] = doc("N\0")
    docs[33] = doc("BIG", credit_minor=2**70)
    docs[34] = doc("half \ud800")
    docs[40] = doc("ODD", colour="red")
    made = service.create(CTX, docs)
    refused = {at: outcome.errors for at, outcome in enumerate(made) if not outcome.ok}
    assert sorted(refused) == [7, 20, 31, 33, 34, 40]
    assert refused[7] == {"code": ["Another record has this value already."]}
    assert sorted(refused[20]) == ["code"]
    assert sorted(refused[40]) == ["colour"]
    assert sum(outcome.ok for outcome in made) == 44
    assert audit.Entry.select().where(audit.Entry.action == "created").count() == 45


def test_a_hook_that_rejects_one_record_keeps_the_others(service: Service, monkeypatch: Any) -> None:
    def guarded(ctx: Context, resource: str, action: str, diffs: Any, **more: Any) -> None:
        for change in diffs:
            if change.after.get("code") == "B":
                raise Rejected(change.id, "code", "Not this one.")

    monkeypatch.setattr(changes, "record", guarded)
    made = service.create(CTX, [doc("A"), doc("B"), doc("C")])
    assert [outcome.status for outcome in made] == ["created", "rejected", "created"]
    assert made[1].reason == "code: Not this one."


def test_a_missing_value_is_named(service: Service) -> None:
    (made,) = service.create(CTX, [{"code": "A"}])
    assert made.errors == {"name": ["This is needed."]}


def test_upsert_finds_records_by_key_and_keeps_what_is_absent(service: Service) -> None:
    make_suppliers(doc("A", country="GB", tags=["old"]))
    outcomes = service.upsert(
        CTX, [doc("B"), {"code": "A", "name": "New"}, {"code": "A", "name": "Twice"}, {"name": "No key"}]
    )
    assert [outcome.status for outcome in outcomes] == ["created", "updated", "rejected", "rejected"]
    assert (outcomes[1].before or {})["country"] == "GB"
    kept = service.documents([outcomes[1].id or 0])[0]
    assert (kept["name"], kept["country"], kept["tags"]) == ("New", "GB", ["old"])


def test_a_dry_run_says_the_same_and_changes_nothing(service: Service) -> None:
    make_suppliers(doc("A"))
    docs = [doc("A", name="New"), doc("B"), doc("C" * 40)]
    tried = service.upsert(CTX, docs, dry_run=True)
    assert [outcome.status for outcome in tried] == ["updated", "created", "rejected"]
    assert service.model.select().count() == 1
    assert audit.Entry.select().count() == 1
    assert [outcome.status for outcome in service.upsert(CTX, docs)] == ["updated", "created", "rejected"]


def test_restore_brings_back_what_an_import_changed(service: Service) -> None:
    make_suppliers(doc("A", tags=["x"]), doc("B"))
    done = service.upsert(CTX, [doc("A", name="New", tags=["y"]), doc("B", name="New"), doc("C")])
    moved = done[1].id or 0
    service.update(CTX, {moved: {"country": "DE"}})
    versions = {one["id"]: one["version"] for one in service.documents([o.id or 0 for o in done])} | {moved: 2}
    back = service.restore(CTX, {o.id or 0: o.before for o in done}, versions)
    assert [outcome.status for outcome in back] == ["updated", "skipped", "deleted"]
    (first, second) = service.documents([done[0].id or 0, moved])
    assert (first["name"], first["tags"], second["name"]) == ("Name of A", ["x"], "New")


codes = st.sampled_from(["A", "B", "C", "D", "Ä", "ع"])
documents = st.builds(
    doc, codes, country=st.sampled_from(["", "GB"]), credit_minor=st.integers(-(2**53), 2**53),
    tags=st.lists(st.sampled_from(["red", "blue", "أحمر"]), unique=True),
)  # fmt: skip


@tuned(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(documents, min_size=1, max_size=6, unique_by=lambda one: one["code"]))
def test_the_same_documents_twice_change_nothing(service: Service, batch: list[dict[str, Any]]) -> None:
    first = service.upsert(CTX, batch)
    entries = audit.Entry.select().count()
    second = service.upsert(CTX, batch)
    assert all(outcome.ok for outcome in first)
    assert {outcome.status for outcome in second} == {"unchanged"}
    assert audit.Entry.select().count() == entries
    for made, wanted in zip(service.documents([outcome.id or 0 for outcome in second]), batch, strict=True):
        assert made["tags"] == sorted(wanted["tags"])
        assert made["credit_minor"] == wanted["credit_minor"]


def test_the_number_of_a_deleted_record_is_never_given_again(service: Service) -> None:
    (key,) = make_suppliers(doc("A"))
    service.delete(CTX, [key])
    assert make_suppliers(doc("B")) == [key + 1]


def test_custom_fields_add_up_and_a_rollback_takes_them_away(service: Service) -> None:
    service.names |= {"extra"}
    old = {"id": 1, "extra": {"a": 1, "b": 2}}
    shaped = service._shaped({"name": "N", "extra": {"b": 4, "c": 3}}, old)
    assert shaped == {"name": "N", "extra": {"a": 1, "b": 4, "c": 3}}
    assert service._shaped({"name": "N"}, old) == {"name": "N"}
    back = service._emptied({"name": "N", "extra": {"a": 1}}, old)
    assert service._shaped(back, old) == {"name": "N", "extra": {"a": 1}}


class Signed(Service):
    """Whoever has an agreement keeps his name, and stays."""

    def fixed_in(self, doc: Any) -> dict[str, str]:
        return {"name": "An agreement names him."} if doc["is_active"] else {}

    def kept(self, doc: Any) -> str:
        return "An agreement needs him." if doc["is_active"] else ""


def test_what_a_record_keeps_is_neither_edited_nor_deleted(suppliers: Resource) -> None:
    signed, free = make_suppliers(doc("A"), doc("B", is_active=False))
    service = Signed(suppliers)
    done = service.update(CTX, {key: {"name": "New", "country": "GB"} for key in (signed, free)})
    assert [(one.status, one.reason) for one in done] == [
        ("rejected", "name: An agreement names him."),
        ("updated", ""),
    ]
    assert service.update(CTX, {signed: {"name": "Name of A", "country": "GB"}})[0].status == "updated"
    gone = service.delete(CTX, [signed, free])
    assert [(one.status, one.reason) for one in gone] == [("rejected", "An agreement needs him."), ("deleted", "")]


def test_undo_of_tags_takes_back_only_what_was_really_added(suppliers: Resource) -> None:
    ids = make_suppliers(doc("A", tags=["vip"]), doc("B"))
    adding, removing, *_others = suppliers.actions
    with db.transaction():
        done = adding.run(CTX, ids, {"tags": ["vip", "new"]})
    assert tags_of(suppliers.name, ids) == {ids[0]: ["new", "vip"], ids[1]: ["new", "vip"]}
    with db.transaction():
        assert adding.undo is not None
        adding.undo(CTX, {key: outcome.undo for key, outcome in done.items()})
    assert tags_of(suppliers.name, ids) == {ids[0]: ["vip"], ids[1]: []}
    gone = remove_tags(CTX, suppliers.name, ids, ["vip"])
    assert [gone[key].status for key in ids] == ["done", "unchanged"]
    with db.transaction():
        assert removing.undo is not None
        removing.undo(CTX, {ids[0]: gone[ids[0]].undo})
    assert tags_of(suppliers.name, ids) == {ids[0]: ["vip"], ids[1]: []}


def test_tagging_raises_the_version_and_says_so_in_the_log(suppliers: Resource) -> None:
    ids = make_suppliers(count=200)
    with count_statements() as sent:
        add_tags(CTX, suppliers.name, ids, ["a", "b"])
    assert len(sent) <= 5
    assert {row.version for row in suppliers.model.select()} == {2}
    assert audit.history("suppliers.supplier", ids[0])[0].diff == {
        "before": {"tags": []},
        "after": {"tags": ["a", "b"]},
    }
    assert {o.status for o in add_tags(CTX, suppliers.name, ids, ["a"]).values()} == {"unchanged"}


def test_the_timeline_has_notes_and_changes_in_order_in_two_statements(suppliers: Resource, service: Service) -> None:
    (key,) = make_suppliers(doc("A"))
    service.update(CTX.because("moved"), {key: {"country": "GB"}})
    add_note(CTX, suppliers.name, key, "Called them.")
    with count_statements() as sent:
        lines = timeline(suppliers.name, key)
    assert [(line.kind, line.action, line.text) for line in lines] == [
        ("note", "", "Called them."), ("change", "updated", "moved"), ("change", "created", ""),
    ]  # fmt: skip
    assert lines[1].changes == {"country": ("", "GB")}
    assert len(sent) == 2


class Line(ma.Schema):
    sku = ma.fields.String(required=True)
    line_total_minor = Minor()


class Paper(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    status = ma.fields.String(validate=ma.validate.OneOf(["open", "done"], ["Open", "Done"]))
    remarks = ma.fields.String(validate=ma.validate.Length(max=2000))
    placed_at = Utc()
    currency = Currency()
    quantity = ExactDecimal()
    tags = Tags()
    lines = ma.fields.List(ma.fields.Nested(Line))
    ship_to = ma.fields.Nested(Line)


def test_the_fields_of_a_schema_are_described_for_forms_and_files() -> None:
    found = {info.path: info for info in schema_fields(Paper)}
    assert {path: info.kind for path, info in found.items()} == {
        "id": "integer", "status": "choice", "remarks": "longtext", "placed_at": "datetime", "currency": "currency",
        "quantity": "decimal", "tags": "tags", "lines.sku": "text", "lines.line_total_minor": "money",
        "ship_to.sku": "text", "ship_to.line_total_minor": "money",
    }  # fmt: skip
    assert found["status"].choices == {"open": "Open", "done": "Done"}
    assert (found["id"].read_only, found["lines.sku"].many, found["ship_to.sku"].many) == (True, True, False)


def test_a_part_of_a_document_holds_whole_lines() -> None:
    assert part_of(Paper).load({"currency": "GBP"}) == {"currency": "GBP"}
    assert part_of(Paper).validate({"lines": [{"line_total_minor": 1}]}) == {
        "lines": {0: {"sku": ["Missing data for required field."]}}
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("placed_at", "2026-01-01T10:00:00"), ("placed_at", "yesterday"), ("placed_at", 7), ("placed_at", [1]),
        ("currency", "GB"), ("currency", "ÄÖÜ"), ("currency", 5), ("quantity", "NaN"), ("quantity", "1e9999"),
        ("quantity", True), ("quantity", {}), ("tags", ["a" * 61]), ("tags", 5), ("tags", [1]), ("tags", ["a,b"]),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_its_field(name: str, value: Any) -> None:
    assert list(Paper().validate({name: value})) == [name]


@pytest.mark.parametrize("value", [12.5, True, "12.5", "", None, 2**60, float("nan")])
def test_money_is_a_whole_number_of_minor_units(value: Any) -> None:
    assert Line().validate({"sku": "A", "line_total_minor": value})


def test_values_go_in_and_out_unchanged() -> None:
    given_ = {"placed_at": "2026-01-01T10:00:00+02:00", "currency": "gbp", "quantity": "1.50", "tags": " a , b,a"}
    loaded = Paper().load(given_)
    assert loaded["placed_at"] == datetime(2026, 1, 1, 8, tzinfo=UTC)
    assert Paper().dump(loaded) == {
        "placed_at": "2026-01-01T08:00:00Z", "currency": "GBP", "quantity": "1.50", "tags": ["a", "b"],
    }  # fmt: skip


def test_nobody_writes_a_record_where_his_role_does_not_reach(suppliers: Resource, service: Service) -> None:
    """Row scopes hold for the record as it will be, not only for the one that is found."""
    verbs = frozenset(suppliers.permission(verb) for verb in ("create", "edit", "import"))
    ctx = Context(Actor(7, "sam", (Grant(verbs, {suppliers.name: {"country": ("GB",)}}),)))
    (key,) = [outcome.id for outcome in service.create(ctx, [doc("A", country="GB")])]
    made = service.create(ctx, [doc("B", country="GB"), doc("C", country="DE")])
    assert [outcome.status for outcome in made] == ["created", "rejected"]
    assert not service.update(ctx, {key: {"country": "DE"}})[0].ok
    assert not service.upsert(ctx.coming_from("import"), [doc("A", country="DE")])[0].ok
    assert {row.country for row in suppliers.model.select()} == {"GB"}


def test_nobody_draws_a_record_of_others_into_his_rows(suppliers: Resource, service: Service) -> None:
    """The record as it was counts as well: an import that sets the scope's own column would else take it over."""
    service.create(CTX, [doc("THEIRS", country="DE")])
    verbs = frozenset(suppliers.permission(verb) for verb in ("create", "edit", "import"))
    ctx = Context(Actor(7, "sam", (Grant(verbs, {suppliers.name: {"country": ("GB",)}}),)))
    assert not service.upsert(ctx.coming_from("import"), [doc("THEIRS", country="GB")])[0].ok
    assert [row.country for row in suppliers.model.select()] == ["DE"]


def test_an_edit_inside_his_rows_is_fine(suppliers: Resource, service: Service) -> None:
    verbs = frozenset(suppliers.permission(verb) for verb in ("create", "edit"))
    ctx = Context(Actor(7, "sam", (Grant(verbs, {suppliers.name: {"country": ("GB",)}}),)))
    (key,) = [outcome.id for outcome in service.create(ctx, [doc("A", country="GB")])]
    assert service.update(ctx, {key: {"name": "Other"}})[0].ok


LIMITED = [
    (Minor, 5, 200), (ExactDecimal, "1.50", "7"), (Utc, "2026-03-01T00:00:00Z", "2020-01-01T00:00:00Z"),
    (Currency, "GBP", "USD"), (Tags, ["a"], ["b"]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "fits", "does_not"), LIMITED)
def test_fields_take_further_validators(field: Any, fits: Any, does_not: Any) -> None:
    wanted = field().deserialize(fits)
    for validate in (ma.validate.Equal(wanted), [ma.validate.Equal(wanted)]):
        narrow = field(validate=validate)
        assert narrow.deserialize(fits) == wanted
        with pytest.raises(ma.ValidationError):
            narrow.deserialize(does_not)


def test_money_stays_within_its_own_bounds_beside_others() -> None:
    credit = Minor(validate=ma.validate.Range(min=0), strict=False)
    for value in (-1, 2**53 + 1, 1.5, "x"):
        with pytest.raises(ma.ValidationError):
            credit.deserialize(value)
    assert [credit.deserialize(value) for value in (0, 2**53)] == [0, 2**53]
