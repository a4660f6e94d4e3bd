"""Card numbers in files: their rows are refused, and neither reason, rejected file, page nor upload keeps them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from core import files
from plugins.transfer import api as transfer
from plugins.transfer.models import Reject
from plugins.transfer.tests import kit
from plugins.transfer.tests.kit import bring_in, documents, mapped, reasons
from plugins.transfer.tests.test_pages import app, owner, upload

__all__ = ["app", "owner"]
VISA = "4111 1111 1111 1111"
DIGITS = VISA.replace(" ", "")
COLUMNS = mapped(("No", "number"), ("Note", "note"), ("Total", "total"), ("SKU", "lines.sku"), ("Left", ""))
FILE = (
    f"No,Note,Total,SKU,Left,Free\n1,fine,1,A,,\n2,paid by {VISA},1,A,,\n3,,{DIGITS},A,,\n"
    f"4,,1,A,{VISA},\n5,,1,A,,{VISA}\n6,,1,A,,\n6,,1,{DIGITS},{VISA},\n4006381333931,,1,00012345600012,,\n"
)


@pytest.fixture
def shop(runtime: Any) -> Iterator[Any]:
    with kit.shop(runtime) as made:
        yield made


def expires(file_id: int) -> bool:
    return files.StoredFile.get_by_id(file_id).expires_at is not None


@pytest.mark.usefixtures("shop")
def test_rows_with_card_numbers_are_refused_row_by_row_and_nothing_repeats_them() -> None:
    made = bring_in(FILE, COLUMNS)
    assert (made.created, made.rejected) == (3, 4)
    assert [doc["number"] for doc in documents()] == ["1", "4", "4006381333931"], (
        "a column that is left out may hold one"
    )
    found = reasons(made)
    assert {line: text.split(":")[0] for line, text in found.items()} == {3: "Note", 4: "Total", 6: "Free", 8: "SKU"}
    assert all("payment card" in text for text in found.values())
    with files.open_file(made.rejects_file_id) as stream:
        rejected = stream.read().decode()
    assert "paid by **** **** **** 1111" in rejected
    assert rejected.count("************1111") == 2
    for kept in (rejected, *Reject.select(Reject.reason).tuples().scalars(), *map(str, documents())):
        assert DIGITS not in kept.replace(" ", "")


@pytest.mark.usefixtures("shop")
def test_an_upload_with_card_numbers_goes_when_it_is_in_and_stays_for_a_dry_run() -> None:
    tried = bring_in(FILE, COLUMNS, dry_run=True)
    assert not expires(tried.file_id)
    transfer.run(kit.CTX, tried)
    kit.execute(tried.job_id)
    assert expires(tried.file_id)
    assert not expires(bring_in("No\n1\n", mapped(("No", "number"))).file_id)


@pytest.mark.usefixtures("shop")
def test_documents_of_json_lines_are_refused_too() -> None:
    docs = [
        {"channel": "web", "number": "1", "note": VISA},
        {"channel": "web", "number": "2", "extra": {"pan": int(DIGITS)}},
    ]
    text = "".join(json.dumps(doc) + "\n" for doc in docs)
    made = bring_in(text, transfer.Mapping(native=True))
    assert (made.created, made.rejected) == (0, 2)
    with files.open_file(made.rejects_file_id) as stream:
        rows = [json.loads(line) for line in stream]
    assert [rows[0]["note"], rows[1]["extra"]["pan"]] == ["**** **** **** 1111", "************1111"]
    assert expires(made.file_id)


def test_the_mapping_page_shows_none(owner: Any) -> None:
    page = owner.get(upload(owner, FILE.encode())).text
    assert "**** **** **** 1111" in page
    assert VISA not in page
    assert DIGITS not in page


def test_a_corrected_file_goes_in(owner: Any) -> None:
    made = bring_in(FILE, COLUMNS)
    with files.open_file(made.rejects_file_id) as stream:
        corrected = io.BytesIO(stream.read().replace(b"************1111", b"7").replace(b"**** ", b""))
    assert bring_in(corrected.getvalue(), COLUMNS).rejected == 0
