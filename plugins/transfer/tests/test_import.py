"""Imports end to end, on both databases: what goes in, what is refused, what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import audit, db, jobs
from core.errors import Conflict, Forbidden, Invalid
from core.jobs import JobRun
from core.resources import Selection
from plugins.transfer import api as transfer
from plugins.transfer.models import Import, ImportChange, Reject
from plugins.transfer.services import importer
from plugins.transfer.tests import kit
from plugins.transfer.tests.kit import SALE, Sale, SaleLine, bring_in, documents, mapped, reasons

ORDERS = mapped(
    ("No", "number"),
    ("Cur", "currency"),
    ("SKU", "lines.sku"),
    ("Qty", "lines.quantity"),
    ("Total", "lines.line_total"),
)


@pytest.fixture(autouse=True)
def shop(runtime: Any) -> Iterator[Any]:
    with kit.shop(runtime) as made:
        yield made


def test_rows_of_one_order_need_not_stand_together() -> None:
    made = bring_in("No,Cur,SKU,Qty,Total\n1,GBP,A,1,2.50\n2,JPY,B,2,300\n1,GBP,C,3,7.505\n", ORDERS)
    assert (made.state, made.created, made.rows, made.total) == ("completed", 2, 3, 2)
    first, second = documents()
    assert [(line["sku"], line["quantity"], line["line_total_minor"]) for line in first["lines"]] == [
        ("A", 1, 250),
        ("C", 3, 750),
    ]
    assert second["currency"] == "JPY"
    assert second["lines"][0]["line_total_minor"] == 300


def test_an_export_comes_in_unchanged_and_goes_out_byte_for_byte(tmp_path: Path) -> None:
    bring_in(
        'No,Cur,SKU,Qty,Total,When,Note,Free\n1,GBP,"=A""1",1,2.50,2024-01-02 10:00:00,"two\nlines, one comma",x\n'
        "1,GBP,'B,-2,-3.00,,,y\n2,KWD,عربي,0,1.005,,'=1+1,\n3,JPY,,,,,,\n",
        mapped(*ORDERS.columns, ("When", "placed_at"), ("Note", "note")),
    )
    first = kit.export()
    for format in ("csv", "jsonl", "xlsx"):
        out = kit.export(format)
        mapping = kit.native(out, tmp_path)
        again = bring_in(out, mapping)
        assert (again.state, again.unchanged, again.rejected) == ("completed", 3, 0), (format, reasons(again))
        Sale.delete().execute()
        SaleLine.delete().execute()
        assert bring_in(out, mapping).created == 3
        assert kit.export() == first
        assert kit.export("jsonl") == (out if format == "jsonl" else kit.export("jsonl"))


def test_a_rejected_order_comes_back_whole_with_the_reason_on_its_line() -> None:
    made = bring_in("No,Cur,SKU,Qty,Total\n1,GBP,A,1,2\n2,GBP,B,x,1\n1,GBP,,2,3\n2,GBP,C,1,1\n3,GBP,D,1,1\n", ORDERS)
    assert (made.state, made.created, made.rejected) == ("completed_with_errors", 1, 2)
    assert [row["number"] for row in documents()] == ["3"]
    found = reasons(made)
    assert sorted(found) == [3, 4]
    assert "Qty" in found[3]
    assert "SKU" in found[4]
    rows = kit.rejected_rows(made)
    assert [row[:1] for row in rows[1:]] == ["1", "1", "2", "2"]
    assert rows[2].startswith("1,GBP,,2,3,4,")
    assert "SKU" in rows[2]
    assert rows[1].endswith("2,")


def test_the_corrected_rejected_file_goes_in_with_the_same_mapping() -> None:
    made = bring_in("No,Cur,SKU,Qty,Total,Free\n1,GBP,A,x,2,note\n", ORDERS)
    with kit.files.open_file(made.rejects_file_id) as stream:
        corrected = stream.read().replace(b",x,", b",4,")
    assert bring_in(corrected, ORDERS).created == 1
    assert documents()[0]["extra"] == {"Free": "note"}


def test_all_problems_of_a_row_are_told_at_once() -> None:
    found = reasons(bring_in("No,Cur,SKU,Qty,Total\n1,POUND,A,x,y\n", ORDERS))
    assert all(column in found[2] for column in ("Cur", "Qty", "Total"))


def test_importing_again_changes_nothing_and_an_update_keeps_absent_columns() -> None:
    text = "No,Cur,SKU,Qty,Total,Memo\n1,GBP,A,1,2.50,keep me\n"
    full = mapped(*ORDERS.columns, ("Memo", "note"))
    bring_in(text, full)
    again = bring_in(text, full)
    assert (again.unchanged, again.updated, again.created) == (1, 0, 0)
    assert bring_in("No,Cur\n1,EUR\n", mapped(("No", "number"), ("Cur", "currency"))).updated == 1
    assert documents()[0]["note"] == "keep me"
    assert documents()[0]["lines"][0]["sku"] == "A"
    bring_in("No,Memo\n1,\n", mapped(("No", "number"), ("Memo", "note")))
    assert documents()[0]["note"] == "", "a blank cell clears"


def test_a_dry_run_writes_nothing_and_shows_each_change() -> None:
    bring_in("No,Cur,SKU,Qty,Total\n1,GBP,A,1,2.50\n", ORDERS)
    before, entries = documents(), audit.Entry.select().where(audit.Entry.resource == SALE.name).count()
    made = bring_in("No,Cur,SKU,Qty,Total\n1,GBP,A,5,2.50\n2,GBP,B,1,1\n3,GBP,,1,1\n", ORDERS, dry_run=True)
    assert (made.state, made.updated, made.created, made.rejected) == ("validated", 1, 1, 1)
    assert documents() == before
    assert audit.Entry.select().where(audit.Entry.resource == SALE.name).count() == entries
    with kit.files.open_file(made.diff_file_id) as stream:
        diff = stream.read().decode("utf-8-sig")
    assert "2,web,1,updated,lines.0.quantity,1,5" in diff
    assert "3,web,2,created" in diff
    transfer.run(kit.CTX, made)
    kit.execute(made.job_id)
    assert Import.get_by_id(made.id).state == "completed_with_errors"
    assert [doc["number"] for doc in documents()] == ["1", "2"]


def test_columns_that_nobody_mapped_are_kept_as_custom_fields() -> None:
    bring_in(
        "No,SKU,Qty,Gift,Bin\n1,A,1,yes,r1\n1,B,1,yes,r2\n",
        mapped(("No", "number"), ("SKU", "lines.sku"), ("Qty", "lines.quantity")),
    )
    doc = documents()[0]
    assert doc["extra"] == {"Gift": "yes"}
    assert [line["extra"] for line in doc["lines"]] == [{"Bin": "r1"}, {"Bin": "r2"}]


def test_a_european_file_is_read_by_what_its_own_values_prove() -> None:
    columns = (
        ("Nr", "number"),
        ("Summe", "total"),
        ("Datum", "placed_at"),
        ("Fällig", "due_on"),
        ("Menge", "lines.quantity"),
    )
    text = (
        "Nr;Summe;Datum;Fällig;Menge;Artikel\n1;1.234;03.04.2024 08:00;31/01/2024;1.000;A\n"
        "2;0,5 €;04.04.2024;01/02/2024;2;B\n"
    )
    bring_in(
        text.encode("cp1252"),
        mapped(*columns, ("Artikel", "lines.sku"), timezone="Europe/Berlin", constants={"currency": "EUR"}),
    )
    first, second = documents()
    assert (first["total_minor"], second["total_minor"]) == (123_400, 50)
    assert first["placed_at"].isoformat() == "2024-04-03T06:00:00+00:00"
    assert str(second["due_on"]) == "2024-02-01"
    assert first["lines"][0]["quantity"] == 1000


def test_a_date_that_could_be_two_is_refused_until_the_mapping_says_which() -> None:
    text, columns = "No,When\n1,01/02/2024\n", (("No", "number"), ("When", "placed_at"))
    assert "choose the order" in reasons(bring_in(text, mapped(*columns)))[2]
    assert bring_in(text, mapped(*columns, date_order="mdy")).created == 1


def test_a_row_that_ends_early_keeps_what_the_record_has() -> None:
    columns = mapped(("No", "number"), ("Cur", "currency"), ("Memo", "note"))
    bring_in("No,Cur,Memo\n1,EUR,keep\n", columns)
    bring_in("No,Cur,Memo\n1,GBP\n", columns)
    assert (documents()[0]["currency"], documents()[0]["note"]) == ("GBP", "keep")


@pytest.mark.parametrize("header", ["رقم الطلب", "ORDER  NO", "Order no. (text)", "number"])
def test_columns_are_guessed_by_alias_translation_and_likeness(header: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{header},Lineitem SKU\n1,A\n")
    mapping, format = transfer.suggest(SALE, transfer.inspect(path))
    assert (dict(mapping.columns), format) == ({header: "number", "Lineitem SKU": "lines.sku"}, "")


def test_a_rollback_deletes_the_made_restores_the_changed_and_leaves_what_moved_on() -> None:
    bring_in("No,Cur,SKU,Qty,Total\n1,GBP,A,1,2.50\n2,GBP,A,1,2.50\n", ORDERS)
    before = documents()
    made = bring_in("No,Cur,SKU,Qty,Total\n1,EUR,Z,9,9\n2,EUR,Z,9,9\n3,GBP,N,1,1\n4,GBP,N,1,1\n", ORDERS)
    touched = Sale.get(Sale.number == "4")
    kit.SaleService(SALE).update(kit.CTX, {touched.id: {"note": "worked on"}})
    job = kit.execute(transfer.rollback(kit.CTX, made).id)
    assert (job.status, job.done, job.skipped) == ("done", 3, 1)
    assert Import.get_by_id(made.id).state == "rolled_back"
    assert documents() == [*before, documents()[2]]
    assert documents()[2]["number"] == "4"
    with pytest.raises(Conflict):
        transfer.rollback(kit.CTX, Import.get_by_id(made.id))


class Killed(BaseException):
    """Stands for kill -9: nothing may catch it."""


@pytest.mark.parametrize("blow", range(1, 12))
def test_killed_anywhere_and_resumed_nothing_is_lost_or_doubled(blow: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.transfer.reading.staging.DOCUMENTS", 7)
    text = "No,Cur,SKU,Qty,Total\n" + "".join(f"{n},GBP,{'' if n % 10 == 3 else 'A'},1,1\n" for n in range(40))
    made = transfer.start(kit.CTX, SALE.name, kit.store(text.encode()), ORDERS)
    real, calls = JobRun.save, 0

    def save(self: JobRun, *args: Any, **kwargs: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == blow:
            raise Killed
        real(self, *args, **kwargs)
        if calls == blow + 100:
            raise Killed

    monkeypatch.setattr(JobRun, "save", save)
    for _attempt in range(3):
        try:
            kit.execute(made.job_id)
            break
        except Killed:
            continue
    made = Import.get_by_id(made.id)
    assert (made.state, made.created, made.rejected) == ("completed_with_errors", 36, 4)
    assert Sale.select().count() == 36 == SaleLine.select().count() == ImportChange.select().count()
    assert Reject.select().count() == 4
    created = audit.Entry.select().where(audit.Entry.resource == SALE.name, audit.Entry.action == "created").count()
    assert created == 36
    assert db.search.condition(SALE, "39") is not None


def test_a_paused_import_goes_on_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.transfer.reading.staging.DOCUMENTS", 5)
    text = "No,Cur,SKU,Qty,Total\n" + "".join(f"{n},GBP,A,1,1\n" for n in range(12))
    made = transfer.start(kit.CTX, SALE.name, kit.store(text.encode()), ORDERS)
    real = JobRun.canceled

    def canceled(self: JobRun) -> bool:
        if Sale.select().count() == 5:
            Import.update(state="paused").where(Import.id == made.id).execute()
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(JobRun, "canceled", canceled)
        kit.execute(made.job_id)
    made = Import.get_by_id(made.id)
    assert (made.state, made.created) == ("paused", 5)
    transfer.run(kit.CTX, made)
    kit.execute(made.job_id)
    assert (Import.get_by_id(made.id).state, Sale.select().count()) == ("completed", 12)


def test_a_canceled_job_ends_its_import_which_can_go_on() -> None:
    made = transfer.start(kit.CTX, SALE.name, kit.store(b"No\n1\n"), mapped(("No", "number")))
    jobs.cancel(kit.CTX, jobs.Job.get_by_id(made.job_id))
    importer.settle(made)
    assert made.state == "canceled"
    transfer.run(kit.CTX, made)
    kit.execute(made.job_id)
    assert Import.get_by_id(made.id).state == "completed"


def test_imported_records_are_found_by_search_afterwards() -> None:
    bring_in("No,Cur,SKU,Qty,Total\nABC-77123,GBP,A,1,1\n", ORDERS)
    assert Sale.select().where(db.search.condition(SALE, "7712")).count() == 1


def test_fifty_thousand_bad_rows_do_not_stop_a_good_one() -> None:
    text = "No,Cur,SKU,Qty,Total\n" + "".join(f"{n},GBP,A,bad,1\n" for n in range(5_000)) + "good,GBP,A,1,1\n"
    made = bring_in(text, ORDERS)
    assert (made.created, made.rejected, Reject.select().count()) == (1, 5_000, 5_000)
    assert len(kit.rejected_rows(made)) == 5_001


def test_a_key_with_too_many_rows_is_refused_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.transfer.reading.staging.MOST_ROWS", 5)
    made = bring_in("No,Cur,SKU,Qty,Total\n" + "1,GBP,A,1,1\n" * 9 + "2,GBP,A,1,1\n", ORDERS)
    assert (made.created, made.rejected) == (1, 1)
    assert "9 rows" in reasons(made)[2]
    assert len(kit.rejected_rows(made)) == 10


def test_wrong_bytes_and_nul_reject_their_order_and_no_other() -> None:
    made = bring_in(
        b"No,Cur,SKU,Qty,Total\n1,GBP,A\xff,1,1\n2,GBP,A\0,1,1\n3,GBP,C,1,1\n",
        mapped(*ORDERS.columns, encoding="utf-8"),
    )
    assert (made.created, made.rejected) == (1, 2)
    assert "encoding" in reasons(made)[2]
    assert "NUL" in reasons(made)[3]


def test_an_import_needs_its_permission(make_user: Any) -> None:
    from core import auth

    ctx = auth.context_for(make_user("viewer"), "ui")
    with pytest.raises(Forbidden):
        transfer.start(ctx, SALE.name, kit.store(b"No\n1\n"), mapped(("No", "number")))
    with pytest.raises(Forbidden):
        transfer.start_export(
            ctx.__class__(actor=ctx.actor.__class__(9, "x")),
            SALE,
            Selection(SALE.name, everything=True),
            "csv",
        )


@pytest.mark.parametrize(
    ("mapping", "place"),
    [
        (mapped(("No", "nonsense")), "No"),
        (transfer.Mapping(columns=(("SKU", "lines.sku"),)), "key"),
        (mapped(("No", "number"), timezone="Mars/Base"), "timezone"),
        (mapped(("No", "number"), rules=({"target": "note", "column": "X", "op": "like"},)), "rules"),
        (mapped(("No", "number"), rules=({"column": "X", "op": "eq"},)), "rules"),
        (mapped(("No", "number"), timezone="Europe"), "timezone"),
        (mapped(("No", "number"), delimiter="ab"), "encoding"),
        (mapped(("No", "number"), encoding="rot13"), "encoding"),
        (mapped(("No", "number"), ("X", "address.extra.y")), "X"),
    ],
)
def test_a_mapping_that_cannot_work_is_explained(mapping: transfer.Mapping, place: str) -> None:
    with pytest.raises(Invalid) as caught:
        transfer.start(kit.CTX, SALE.name, kit.store(b"No\n1\n"), mapping)
    assert place in caught.value.errors


@pytest.mark.parametrize(
    "wrong", [{"columns": 5}, {"columns": [["a"]]}, {"rules": ["x"]}, {"what": 1}, {"constants": []}]
)
def test_a_mapping_file_of_another_shape_is_refused(wrong: Any) -> None:
    with pytest.raises(Invalid):
        transfer.Mapping.from_json(wrong)


def test_a_file_that_cannot_be_read_fails_the_import_with_the_reason() -> None:
    made = bring_in(b"PK\x03\x04 no archive at all", ORDERS)
    assert made.state == "failed"
    assert "damaged" in made.error
    assert jobs.Job.get_by_id(made.job_id).status == "failed"


def test_rules_constants_and_a_format_s_prepare() -> None:
    rules = ({"target": "note", "column": "No", "op": "starts", "value": "C", "then": "credit", "else": "sale"},)
    bring_in(
        "No,SKU\nC1,A\n2,B\n",
        mapped(("No", "number"), ("SKU", "lines.sku"), constants={"currency": "EUR"}, rules=rules),
    )
    assert [(doc["note"], doc["currency"]) for doc in documents()] == [("sale", "EUR"), ("credit", "EUR")]


def test_export_then_audit_tells_who_took_what() -> None:
    bring_in("No\n1\n", mapped(("No", "number")))
    kit.export()
    entry = audit.Entry.select().where(audit.Entry.action == "exported").get()
    assert entry.diff["after"]["count"] == 1
