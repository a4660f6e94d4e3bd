"""Notes beside a record, the files that they carry, and the timeline in which they stand."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from core import auth, db, files, i18n
from core.context import Context
from core.errors import Invalid
from core.resources import Note, traits
from tests.conftest import csrf_of
from tests.helpers import make_suppliers, suppliers_on

LIST = "/admin/suppliers/"
SUPPLIER = "suppliers.supplier"


runtime = suppliers_on()


def post(browser: Any, record: int, text: str = "", **named: bytes) -> Any:
    sent = [(io.BytesIO(content), name.replace("_", ".")) for name, content in named.items()]
    form = {"csrf_token": csrf_of(browser.get("/admin/").text), "text": text, "file": sent}
    where = {"Referer": "http://localhost/admin/"}
    return browser.post(f"{LIST}{record}/notes", data=form, headers=where, content_type="multipart/form-data")


def attached(page: str) -> list[str]:
    return re.findall(r'class="mk-file" href="([^"]+)"', page)


def test_a_note_keeps_its_files_for_whoever_sees_the_record(signed_in: Any) -> None:
    first, second = make_suppliers(count=2)
    assert (
        post(signed_in("operator"), first, "The contract", contract_pdf=b"%PDF", photo_jpg=b"JPEG").status_code == 302
    )
    viewer = signed_in("viewer")
    page = viewer.get(f"{LIST}{first}").text
    links = attached(page)
    assert len(links) == 2
    assert "contract.pdf" in page
    answer = viewer.get(links[0])
    assert (answer.data, answer.mimetype) == (b"%PDF", "application/octet-stream")
    assert answer.headers["Content-Disposition"] == "attachment; filename=contract.pdf"
    assert {file.expires_at for file in files.StoredFile.select()} == {None}
    assert viewer.get(links[0].replace(f"/{first}/", f"/{second}/")).status_code == 404, "another record's"
    assert viewer.get(links[1].rsplit("/", 1)[0] + "/2").status_code == 404, "no third file"


def test_files_alone_are_a_note_and_nothing_at_all_is_none(signed_in: Any) -> None:
    (record,) = make_suppliers(count=1)
    browser = signed_in("operator")
    assert post(browser, record).status_code == 302
    assert Note.select().count() == 0
    post(browser, record, scan_pdf=b"1")
    assert [(note.text, note.attachments[0]["size"]) for note in Note.select()] == [("", 1)]


def test_a_role_with_other_rows_gets_no_file(signed_in: Any) -> None:
    (record,) = make_suppliers({"code": "A", "name": "Ours", "country": "FR"})
    post(signed_in("operator"), record, scan_pdf=b"1")
    (link,) = attached(signed_in("viewer").get(f"{LIST}{record}").text)
    assert signed_in("viewer", {SUPPLIER: {"country": ["DE"]}}).get(link).status_code == 404
    assert signed_in("viewer", {SUPPLIER: {"country": ["FR"]}}).get(link).status_code == 200


def test_what_is_refused_keeps_the_text_and_drops_the_files(signed_in: Any) -> None:
    (record,) = make_suppliers(count=1)
    answer = post(signed_in("operator"), record, "Paid with 4111 1111 1111 1111", scan_pdf=b"1")
    assert answer.status_code == 422
    assert "Paid with **** **** **** 1111" in answer.text
    assert Note.select().count() == 0
    assert [file.expires_at <= db.utcnow() for file in files.StoredFile.select()] == [True]
    many = post(signed_in("operator"), record, "Six", **{f"f{n}_txt": b"x" for n in range(6)})
    assert (many.status_code, "at most 5 files" in many.text) == (422, True)


def test_files_are_told_in_the_audit_log_and_the_api(signed_in: Any, api: Any, runtime: Any) -> None:
    (record,) = make_suppliers(count=1)
    post(signed_in("operator"), record, "See", scan_pdf=b"12")
    (note,) = api("viewer").get(f"/api/v1/suppliers/{record}/notes").json["data"]
    assert note["attachments"] == [{"name": "scan.pdf", "size": 2}]
    entry = next(one for one in traits.audit.history(SUPPLIER, record) if one.action == "noted")
    assert entry.changes["files"][1] == ["scan.pdf"]


def test_a_file_of_somebody_else_is_no_attachment_by_its_number(ctx: Context, make_user: Any, runtime: Any) -> None:
    (record,) = make_suppliers(count=1)
    stored = [files.store(ctx, io.BytesIO(b"x"), f"{n}.txt") for n in range(6)]
    with pytest.raises(Invalid):
        traits.add_note(auth.context_for(make_user("operator"), "ui"), SUPPLIER, record, "", stored)
    assert traits.attached(SUPPLIER, record, 1, 0) is None


@pytest.mark.parametrize(("size", "said"), [(0, "1 kB"), (1, "1 kB"), (820_499, "820 kB"), (1_449_000, "1.4 MB")])
def test_sizes_are_told_as_people_say_them(size: int, said: str) -> None:
    assert i18n.filesize(size) == said


def test_who_posts_a_note_stays_in_the_list_that_led_here(signed_in: Any) -> None:
    make_suppliers(count=3)
    browser = signed_in("operator")
    page = browser.get(f"{LIST}2?in=sort%3Dcode").text
    assert f'action="{LIST}2/notes?in=sort%3Dcode"' in page
    assert f'href="{LIST}2/edit?in=sort%3Dcode"' in page
    form = {"csrf_token": csrf_of(page), "text": "Called"}
    answer = browser.post(f"{LIST}2/notes?in=sort%3Dcode", data=form, headers={"Referer": "http://localhost/admin/"})
    assert answer.location == f"{LIST}2?in=sort%3Dcode#timeline"


def test_why_a_note_is_refused_stands_at_its_field(signed_in: Any) -> None:
    (record,) = make_suppliers(count=1)
    answer = post(signed_in("operator"), record, "4111 1111 1111 1111")
    field = answer.text.partition('id="f-note"')[2].partition("</div>")[0]
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="e-note" autofocus' in field
    assert 'id="e-note" role="alert">This looks like the number of a payment card' in field
