"""The reader rules that all importers share (glossary 2.18), one test each, and files that mean harm."""

from __future__ import annotations

import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from plugins.transfer.formats import Dialect, ImportFormat, Mapping, fold
from plugins.transfer.reading import dialect, readers, values
from plugins.transfer.reading.dialect import FileRefused, sniff

TEXT = "name,city\nZoë,Köln\nRené,Orléans\n"
ARABIC = "الاسم,المدينة\nليلى حداد,الرياض\nمحمد علي,القاهرة\n"


def rows(content: bytes, tmp_path: Path, dialect: Dialect | None = None) -> tuple[list[str], list[tuple[int, Any]]]:
    path = tmp_path / "file"
    path.write_bytes(content)
    headers, found = readers.read(path, dialect or sniff(path))
    return headers, list(found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_western_encodings_are_seen(encoding: str, tmp_path: Path) -> None:
    headers, found = rows(TEXT.encode(encoding), tmp_path)
    assert headers == ["name", "city"]
    assert found[1][1] == ["René", "Orléans"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
def test_arabic_encodings_are_seen(encoding: str, tmp_path: Path) -> None:
    headers, found = rows(ARABIC.encode(encoding), tmp_path)
    assert headers == ["الاسم", "المدينة"]
    assert found[0][1] == ["ليلى حداد", "الرياض"]


def test_an_odd_byte_after_many_rows_is_still_seen(tmp_path: Path) -> None:
    content = b"name,price\n" + b"plain,1\n" * 60_000 + "gift,£5\n".encode("cp1252")
    assert rows(content, tmp_path)[1][-1][1] == ["gift", "£5"]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends(end: str, tmp_path: Path) -> None:
    assert rows(TEXT.replace("\n", end).encode(), tmp_path)[1][1] == (3, ["René", "Orléans"])


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_separators_with_the_others_inside_values(mark: str, tmp_path: Path) -> None:
    content = f"sku{mark}price{mark}note\n" + f'A{mark}"1,5"{mark}"a;b|c\td"\n' * 3
    headers, found = rows(content.encode(), tmp_path)
    assert headers == ["sku", "price", "note"]
    assert found[2][1] == ["A", "1,5", "a;b|c\td"]


def test_quotes_doubled_and_lines_and_bare_returns_inside_quotes(tmp_path: Path) -> None:
    content = b'a,b\n"say ""hi""","one\ntwo\rthree\r\nfour"\nx,y\n'
    assert rows(content, tmp_path)[1] == [(2, ['say "hi"', "one\ntwo\rthree\r\nfour"]), (6, ["x", "y"])]


def test_ragged_rows_duplicate_and_empty_headers(tmp_path: Path) -> None:
    headers, found = rows(b"Name,Name,,x\n1\n1,2,3,4,5\n", tmp_path)
    assert headers == ["Name", "Name (2)", "Column 3", "x"]
    assert [cells for _line, cells in found] == [["1"], ["1", "2", "3", "4", "5"]]


def test_gzip_is_read_as_it_is(tmp_path: Path) -> None:
    assert rows(gzip.compress(TEXT.encode()), tmp_path)[0] == ["name", "city"]


def test_headers_are_compared_without_case_blanks_and_bracket_notes() -> None:
    assert fold("\ufeff Available  (not editable) ") == fold("available") == "available"
    assert ImportFormat("x", "r", "X", Mapping(), frozenset({"Order ID", "sku"})).matches(
        ["SKU [text]", "order  id", "more"]
    )


def test_json_lines_are_documents(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"no":"1","lines":[{"sku":"A"}]}\n\n{"no":"2","new":null}\n'
    headers, found = rows(content, tmp_path)
    assert headers == []
    assert found == [(1, {"no": "1", "lines": [{"sku": "A"}]}), (3, {"no": "2", "new": None})]


def book(path: Path, cells: list[list[Any]]) -> bytes:
    made = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    sheet = made.add_worksheet()
    for number, row in enumerate(cells):
        sheet.write_row(number, 0, row)
    made.close()
    return path.read_bytes()


def test_xlsx_numbers_texts_and_line_numbers(tmp_path: Path) -> None:
    content = book(tmp_path / "b.xlsx", [["sku", "price", "n"], ["A", 2.5, 3], [], ["=x", "نص", True]])
    assert rows(content, tmp_path) == (["sku", "price", "n"], [(2, ["A", "2.5", "3"]), (4, ["=x", "نص", "TRUE"])])


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            {"xl/workbook.xml": b"<workbook/>"} | {name.replace("__", "/"): part for name, part in parts.items()}
        ).items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(xl__big=b"\0" * (210 << 20)), "unpacks to"),
        (zipped(**{f"part{n}": b"x" for n in range(2001)}), "parts"),
        (zipped(xl__sheet=b"0" * 3_000_000), "unpacks to"),
        (zipped(**{"xl__a.xml": b'<?xml?><!DOCTYPE x [<!ENTITY e SYSTEM "/etc">]><x>&e;</x>'}), "document type"),
        (zipped()[:-30], "damaged"),
        (zipped().replace(b"xl/workbook.xml", b"xl/workbonk.xml"), "no XLSX"),
        (b"\xd0\xcf\x11\xe0 old xls", "XLSX or CSV"),
        (b"%PDF-1.7", "XLSX or CSV"),
        (b"\x1f\x8b\x08broken", "damaged"),
        (b"", "empty"),
        (b"\n\n,,\n", "no header"),
        (b'{"a": 1}\nnot json\n', "Line 2"),
    ],
)  # fmt: skip
def test_files_that_are_refused_say_why(content: bytes, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=reason):
        rows(content, tmp_path)


def test_a_line_without_end_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="8 MB"):
        rows(b"a,b\n" + b"x" * (20 << 20), tmp_path)


def test_an_open_quote_does_not_swallow_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="quote"):
        rows(b'a,b\n1,"open\n' + b"line after line,2\n" * 100_000, tmp_path)


def test_a_damaged_gzip_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + bytes(range(256)) * 50))
    packed[60:90] = b"\xff" * 30
    with pytest.raises(FileRefused, match="damaged"):
        rows(bytes(packed), tmp_path)


def test_a_workbook_that_eats_memory_kills_its_reader_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "SHEET_MEMORY_MOST", 36 << 20)
    content = book(tmp_path / "b.xlsx", [[f"{n}{m}" * 3 for m in range(20)] for n in range(9_000)])
    with pytest.raises(FileRefused, match="workbook"):
        rows(content, tmp_path)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect, "GZIP_UNPACKED", 1 << 20)
    with pytest.raises(FileRefused, match="unpacked"):
        rows(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000), tmp_path)


@pytest.mark.parametrize(
    ("text", "sign", "value"),
    [
        ("1.234,50", ",", "1234.50"), ("$1,234.50", ".", "1234.50"), ("(12.50)", ".", "-12.50"), ("5-", ".", "-5"),
        ("−3", ".", "-3"), ("SAR 12.5", ".", "12.5"), ("12.34 USD", ".", "12.34"), ("1 234,5 €", ",", "1234.5"),
        ("١٬٢٣٤٫٥", ".", "1234.5"), ("۱۲", ".", "12"), ("ر.س 12.00", ".", "12.00"), ("1'234.50", ".", "1234.50"),
        ("1.2E+3", ".", "1.2E+3"), (".5", ".", "0.5"), ("-0.001", ".", "-0.001"), ("kr 5", ".", "5"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, sign: str, value: str) -> None:
    assert values.number(text, sign) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "abc", "12abc", "1,23", "1.2.3", "--5", "(5", "1,2345.0", "٫", "NaN", "Infinity", "0x10"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(values.BadCell):
        values.number(text, ".")


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("1,234", ""),
        ("1.234", ""),
        ("0,5", ","),
        ("1.234,5", ","),
        ("12.5", "."),
        ("1,234,567", "."),
        ("1.234.567", ","),
        ("7", ""),
    ],
)
def test_what_a_number_proves_about_the_decimal_sign(text: str, sign: str) -> None:
    assert values.decimal_sign(text) == sign


@pytest.mark.parametrize(
    ("text", "order", "when"),
    [
        ("2010-12-01 08:26:00", "", "2010-12-01T08:26:00+00:00"), ("2024-07-02 10:00", "", "2024-07-02T10:00:00+01:00"),
        ("2024-01-02 10:00:00 +0100", "", "2024-01-02T10:00:00+01:00"),
        ("2024-01-02T10:00:00Z", "", "2024-01-02T10:00:00+00:00"),
        ("2024-01-02 10:00:00 UTC", "", "2024-01-02T10:00:00+00:00"), ("31/12/2024", "", "2024-12-31T00:00:00+00:00"),
        ("12/31/2024", "", "2024-12-31T00:00:00+00:00"), ("01/02/2024", "mdy", "2024-01-02T00:00:00+00:00"),
        ("01/02/2024", "dmy", "2024-02-01T00:00:00+00:00"), ("1.2.24 5:04", "", "2024-02-01T05:04:00+00:00"),
        ("1/2/2024 5:04 PM", "mdy", "2024-01-02T17:04:00+00:00"),
        ("12/31/2024, 12:00 AM", "", "2024-12-31T00:00:00+00:00"),
        ("٣١/١٢/٢٠٢٤", "", "2024-12-31T00:00:00+00:00"), ("2024/03/04", "", "2024-03-04T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(text: str, order: str, when: str) -> None:
    assert values.moment(text, order, "Europe/London").isoformat() == when


@pytest.mark.parametrize("text", ["", "soon", "45/45/2024", "2024-13-01", "01/02/2024", "5"])
def test_what_is_no_date_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(values.BadCell):
        values.moment(text, "", "UTC")


@given(st.text() | st.text(alphabet="'=+-@\t\r\nab"))
def test_an_escaped_cell_is_no_formula_and_comes_back_exactly(text: str) -> None:
    cell = values.escape(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert values.unescape(cell) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("'01234", "01234"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        (" SW1 ", "SW1"),
        ("'SW1A 1AA", "SW1A 1AA"),
        ("'=1+1", "=1+1"),
    ],
)
def test_the_apostrophe_before_codes_goes_and_that_of_a_name_stays(text: str, kept: str) -> None:
    assert values.clean(text) == kept


@given(
    table=st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
            min_size=2,
            max_size=4,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_a_csv_writer_writes_is_read_back(table: list[list[str]], tmp_path_factory: Any) -> None:
    import csv

    table = [row for row in table if any(row)]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["first", "second"], *table])
    _headers, found = rows(
        out.getvalue().encode("utf-8-sig"), tmp_path_factory.mktemp("csv"), Dialect("csv", "utf-8-sig")
    )
    assert [cells for _line, cells in found] == table
