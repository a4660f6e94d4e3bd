"""JSON lines: our own documents as they are, those of others by a mapping like any table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.resources import service_of
from plugins.transfer import api as transfer
from plugins.transfer.reading import flat
from plugins.transfer.tests import kit
from plugins.transfer.tests.kit import SALE, bring_in, documents, mapped, reasons
from plugins.transfer.tests.test_pages import form_of, post, run_job, upload
from tests.test_cli import maktab

__all__ = ["maktab"]
ORDERS: list[dict[str, Any]] = [
    {
        "id": 7001, "buyer": {"name": "Zoë", "address": {"city": "Köln"}}, "amount": 12.50, "paid": True,
        "labels": ["gift", "fragile"], "note": None, "campaign": {"code": "SPRING"},
        "items": [{"sku": "A", "qty": 2, "price": 4.10, "bin": "r1"}, {"sku": "B", "qty": 1, "price": 4.30}],
    },
    {"id": 7002, "buyer": {"name": "Ali"}, "amount": 1e2, "paid": False, "items": [], "labels": []},
]  # fmt: skip
COLUMNS = (
    ("id", "number"), ("buyer.name", "address.name"), ("buyer.address.city", "address.city"), ("amount", "total"),
    ("paid", "is_paid"), ("labels", "labels"), ("note", "note"), ("items.sku", "lines.sku"),
    ("items.qty", "lines.quantity"), ("items.price", "lines.unit_price"),
)  # fmt: skip
MAPPING = mapped(*COLUMNS, constants={"currency": "EUR"})


def lines(*docs: Any) -> bytes:
    return "".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs).encode()


@pytest.fixture
def shop(runtime: Any) -> Iterator[Any]:
    with kit.shop(runtime) as made:
        yield made


@pytest.fixture
def app(shop: Any) -> Any:
    from core.app import create_app

    site = create_app(shop)
    site.config.update(TESTING=True)
    return site


def test_documents_of_another_shape_come_in_by_a_mapping(shop: Any) -> None:
    made = bring_in(lines(*ORDERS), MAPPING)
    assert (made.state, made.created, made.rows, made.total) == ("completed", 2, 3, 2), reasons(made)
    first, second = documents()
    assert first["address"] == {"name": "Zoë", "city": "Köln"}
    assert (first["total_minor"], first["is_paid"], first["labels"], first["note"]) == (
        1250,
        True,
        ["gift", "fragile"],
        "",
    )
    assert [(str(line["unit_price"]), line["quantity"]) for line in first["lines"]] == [("4.1", 2), ("4.3", 1)]
    assert first["extra"] == {"campaign.code": "SPRING"}, "what nothing was mapped to is kept"
    assert [line["extra"] for line in first["lines"]] == [{"items.bin": "r1"}, {}]
    assert (second["total_minor"], second["lines"], second["address"]) == (10_000, [], {"name": "Ali"})
    assert bring_in(lines(*ORDERS), MAPPING).unchanged == 2


def test_an_absent_field_keeps_what_is_there_and_an_empty_one_clears(shop: Any) -> None:
    bring_in(lines(*ORDERS), MAPPING)
    made = bring_in(lines({"id": 7001, "amount": 13}, {"id": 7002, "buyer": {"name": None}, "items": []}), MAPPING)
    assert (made.updated, made.rejected) == (2, 0), reasons(made)
    first, second = documents()
    assert (first["total_minor"], first["address"]["city"], len(first["lines"])) == (1300, "Köln", 2)
    assert second["address"] is None


def test_rules_see_the_document_from_each_of_its_items(shop: Any) -> None:
    rule = {"target": "lines.name", "column": "paid", "op": "eq", "value": "true", "then": "sold", "else": "ordered"}
    bring_in(lines(*ORDERS), mapped(*COLUMNS, rules=(rule,)))
    assert [line["name"] for line in documents()[0]["lines"]] == ["sold", "sold"]


def test_a_document_that_does_not_fit_comes_back_as_rows_that_go_in_again(shop: Any) -> None:
    bad = {"id": 7003, "items": [{"sku": "A", "qty": "many"}, {"sku": "B", "qty": 2}]}
    made = bring_in(lines(ORDERS[0], bad), MAPPING)
    assert (made.created, made.rejected) == (1, 1)
    assert list(reasons(made)) == [2]
    header, *rows = kit.rejected_rows(made)
    assert header.startswith("id,buyer.name,")
    assert [row.split(",")[0] for row in rows] == ["7003", "7003"]
    again = bring_in("\n".join([header, *rows]).replace("many", "5"), MAPPING)
    assert (again.created, again.rejected) == (1, 0), reasons(again)
    assert [line["quantity"] for line in documents()[1]["lines"]] == [5, 2]


def test_a_document_with_too_many_items_is_refused_and_not_laid_out(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.transfer.reading.staging.MOST_ROWS", 5)
    monkeypatch.setattr("plugins.transfer.services.intake.MOST_ROWS", 5)
    made = bring_in(lines({"id": 1, "items": [{"sku": "A"}] * 900}, ORDERS[0]), MAPPING)
    assert (made.created, made.rejected, made.rows) == (1, 1, 8)


def test_a_file_with_endless_different_fields_is_refused(shop: Any) -> None:
    made = bring_in(lines({f"f{n}": n for n in range(flat.COLUMNS + 1)}), MAPPING)
    assert (made.state, "different fields" in made.error) == ("failed", True)


def test_deep_documents_stay_json_below_a_level() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = {"a": deep}
    names = list(flat.header([deep]))
    assert [name.count(".") for name in names] == [flat.DEPTH]


def test_only_documents_with_the_keys_of_the_resource_are_ours(shop: Any, tmp_path: Path) -> None:
    def suggested(*docs: Any) -> tuple[transfer.Mapping, str]:
        (tmp_path / "file").write_bytes(lines(*docs))
        return transfer.suggest(SALE, transfer.inspect(tmp_path / "file"))

    ours = {"channel": "web", "number": "1", "total_minor": 5}
    assert suggested(ours) == (transfer.Mapping(native=True), "")
    assert suggested(ours, ours | {"maktab: problem": "x"})[0].native
    assert not suggested(ours | {"colour": "red"})[0].native
    assert not suggested({"number": "1", "total_minor": 5})[0].native
    assert dict(suggested({"Order no": 1, "items": [{"Qty": 2}]})[0].columns) == {"Order no": "number"}


def test_what_the_api_gives_is_one_of_ours(shop: Any, tmp_path: Path) -> None:
    bring_in(lines(*ORDERS), MAPPING)
    given = [SALE.schema().dump(doc) for doc in service_of(SALE).documents([1, 2])]
    assert {"id", "lines"} <= set(given[0])
    (tmp_path / "file").write_bytes(lines(*given))
    mapping = transfer.native_mapping(SALE, transfer.inspect(tmp_path / "file"))
    assert mapping is not None
    made = bring_in(lines(*given), mapping)
    assert (made.unchanged, made.rejected) == (2, 0), reasons(made)


def test_the_mapping_page_offers_the_fields_of_the_documents(app: Any, signed_in: Any) -> None:
    owner = signed_in("owner")
    address = upload(owner, lines(*ORDERS))
    page = owner.get(address).get_data(as_text=True)
    assert all(name in page for name in ("buyer.address.city", "items.price", "SPRING"))
    names = re.findall(r'<th scope="row"><bdi>([^<]+)</bdi>', page)
    form = form_of(page) | {f"t{place}": dict(COLUMNS).get(name, "") for place, name in enumerate(names)}
    run_job(post(owner, address, address, **form | {"c0": "channel", "v0": "shop", "do": "run"}))
    assert [doc["number"] for doc in documents()] == ["7001", "7002"]
    own = upload(owner, lines({"channel": "web", "number": "9"}))
    page = owner.get(own).get_data(as_text=True)
    assert "our own export files" in page
    run_job(post(owner, own, own, **form_of(page), do="run"))
    assert [doc["number"] for doc in documents()] == ["7001", "7002", "9"]
