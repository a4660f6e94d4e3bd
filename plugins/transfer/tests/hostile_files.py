"""A corpus of files that mean harm, made by code, and a process that imports them all and measures itself.

Its `main` prints one JSON line for each file: what became of it, CPU seconds, peak memory, what was left behind.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import random
import resource
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import core.settings
from core import db, files, jobs, plugins
from core import runtime as runtime_room
from core.errors import MaktabError
from plugins.transfer.models import Import, Reject
from plugins.transfer.reading.recognition import inspect, suggest
from plugins.transfer.services import importer, reports
from plugins.transfer.tests import kit
from tests.hostile import NAUGHTY

BAD_ROWS = 50_000
GOOD = b"channel,number,total\nweb,1,2.50\nweb,2,3\n"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0"?>'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>'
ROWS = '<row r="1"><c r="A1" t="inlineStr"><is><t>number</t></is></c></row><row r="2"><c r="A2"><v>1</v></c></row>'
Parts = dict[str, str | bytes]


def workbook(rows: str = ROWS, doctype: str = "", **more: str | bytes) -> Parts:
    """The parts of an XLSX file with these rows."""
    sheet = f'{HEAD}{doctype}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    book = f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATED}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
    types = (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
    )
    parts: Parts = {
        "[Content_Types].xml": types, "xl/workbook.xml": book, "xl/worksheets/sheet1.xml": sheet,
        "_rels/.rels": related("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": related("worksheet", "worksheets/sheet1.xml"),
    }  # fmt: skip
    return parts | {name.replace("__", "/").replace("_xml", ".xml"): part for name, part in more.items()}


def related(kind: str, target: str) -> str:
    one = f'<Relationship Id="r1" Type="{RELATED}/{kind}" Target="{target}"/>'
    return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{one}</Relationships>'


def zipped(parts: Parts) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def column(number: int) -> str:
    name = ""
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(65 + letter) + name
    return name


def far_apart(rows: int, columns: int) -> str:
    return ROWS + f'<row r="{rows}"><c r="{column(columns)}{rows}"><v>1</v></c></row>'


def wide_row(columns: int) -> str:
    return "<row>" + "".join(f'<c r="{column(n)}1"><v>{n}</v></c>' for n in range(1, columns + 1)) + "</row>"


def noise(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def overlapping() -> bytes:
    """Every entry of the directory names the same megabytes (Fifield's construction, in small)."""
    packed = bytearray(zipped(workbook(xl__big_xml=b"\0" * (6 << 20))))
    start = packed.rindex(b"PK\x01\x02")  # the last entry of the directory: the big part
    end = packed.rindex(b"PK\x05\x06")
    entry, count = bytes(packed[start:end]), 60
    tail = bytearray(packed[end:])
    number = struct.unpack_from("<H", tail, 10)[0] + count
    struct.pack_into("<HH", tail, 8, number, number)
    struct.pack_into("<I", tail, 12, struct.unpack_from("<I", tail, 12)[0] + count * len(entry))
    return bytes(packed[:end]) + entry * count + bytes(tail)


def lying() -> bytes:
    """The directory says that the sheet unpacks to 9 bytes."""
    packed = bytearray(zipped(workbook("<row>" + " " * (60 << 20) + "</row>")))
    at = packed.index(b"xl/worksheets/sheet1.xml", packed.index(b"PK\x01\x02")) - 46
    struct.pack_into("<I", packed, at + 24, 9)
    return bytes(packed)


def flagged(offset: int, value: int) -> bytes:
    """A directory entry with another flag (encrypted) or compression method."""
    packed = bytearray(zipped(workbook()))
    for mark, at in ((b"PK\x01\x02", offset + 2), (b"PK\x03\x04", offset)):
        place = -1
        while (place := packed.find(mark, place + 1)) >= 0:
            struct.pack_into("<H", packed, place + at, value)
    return bytes(packed)


def spoilt(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + b"\xff" * size + content[at + size :]


def table(*rows: str, header: str = "channel,number,total") -> bytes:
    return "\n".join([header, *rows, ""]).encode("utf-8", "surrogatepass")


def lines(*documents: str) -> bytes:
    return "\n".join(['{"channel":"a","number":"good"}', *documents, ""]).encode()


def levels(depth: int) -> str:
    return '{"channel":"a","number":"deep","extra":{"a":' + "[" * depth + "1" + "]" * depth + "}}"


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "zip bomb": lambda: zipped(workbook(xl__big_xml=b"\0" * (210 << 20))),
    "zip of too many parts": lambda: zipped(workbook(**{f"part{n}": b"x" for n in range(2001)})),
    "zip of one part packed a thousand times": lambda: zipped(workbook(xl__big_xml=b"0" * 3_000_000)),
    "zip whose directory lies about sizes": lying,
    "zip whose parts overlap": overlapping,
    "zip with names that lead up": lambda: zipped(
        workbook() | {"../../../../tmp/maktab-evil": b"x", "/etc/evil": b"x"}
    ),
    "zip with a name of control signs": lambda: zipped(workbook() | {"a\r\n\x1b[31m": b"x", "x" * 60_000: b"x"}),
    "zip without a workbook": lambda: zipped({"word/document.xml": "<x/>"}),
    "zip cut off": lambda: zipped(workbook())[:-30],
    "zip cut in the middle": lambda: zipped(workbook())[:400],
    "zip of a zip": lambda: zipped({"inner.zip": zipped(workbook(xl__big_xml=b"\0" * (50 << 20)))}),
    "zip that says it is encrypted": lambda: flagged(6, 1),
    "zip of an unknown method": lambda: flagged(8, 97),
    "zip with spoilt bytes": lambda: spoilt(zipped(workbook()), 300, 40),
    "zip with nothing": lambda: b"PK\x05\x06" + bytes(18),
    "zip of noise": lambda: b"PK\x03\x04" + noise(100_000),
    "workbook with a billion laughs": lambda: zipped(workbook('<row><c r="A1" t="str"><v>&c;</v></c></row>', BOMB)),
    "workbook that reads a file of ours": lambda: zipped(workbook('<row><c t="str"><v>&c;</v></c></row>', OUTSIDE)),
    "workbook with a late document type": lambda: zipped(
        workbook('<row><c t="str"><v>&c;</v></c></row>', " " * 9000 + OUTSIDE)
    ),
    "workbook with a document type in UTF-16": lambda: zipped(
        workbook(xl__sharedStrings_xml=(HEAD + BOMB + "<x/>").encode("utf-16"))
    ),
    "workbook whose links lead outside": lambda: zipped(
        workbook() | {"xl/_rels/workbook.xml.rels": related("worksheet", "file:///etc/passwd")}
    ),
    "workbook whose links lead up": lambda: zipped(
        workbook() | {"xl/_rels/workbook.xml.rels": related("worksheet", "../../../../etc/passwd")}
    ),
    "workbook without sheets": lambda: zipped(workbook() | {"xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}"/>'}),
    "workbook with two cells far apart": lambda: zipped(workbook(far_apart(600, 16_384))),
    "workbook with two cells as far as can be": lambda: zipped(workbook(far_apart(1_048_576, 16_384))),
    "workbook with a tall empty table": lambda: zipped(workbook(far_apart(1_048_576, 20))),
    "workbook wider than a table": lambda: zipped(workbook(wide_row(16_384))),
    "workbook with absurd cell names": lambda: zipped(
        workbook('<row r="0"><c r="ZZZZZZZ99999999999"><v>1</v></c></row>')
    ),
    "workbook that names strings it lacks": lambda: zipped(
        workbook('<row><c r="A1" t="s"><v>4294967295</v></c></row>')
    ),
    "workbook of errors and formulas": lambda: zipped(
        workbook(ROWS + '<row r="3"><c r="A3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>')
    ),
    "workbook with dates that are none": lambda: zipped(
        workbook(ROWS + '<row r="3"><c r="A3" t="d"><v>99999-99-99</v></c></row>')
    ),
    "workbook nested without end": lambda: zipped(workbook("<row>" * 50_000)),
    "workbook that is no XML": lambda: zipped(workbook() | {"xl/worksheets/sheet1.xml": noise(20_000)}),
    "gzip bomb of zeros": lambda: gzip.compress(bytes(32 << 20), 9) * 40,
    "gzip bomb of rows": lambda: gzip.compress(GOOD + b"web,3,1\n" * 4_000_000, 9) * 20,
    "gzip of a gzip": lambda: gzip.compress(gzip.compress(GOOD)),
    "gzip of a zip bomb": lambda: gzip.compress(zipped(workbook(xl__big_xml=b"\0" * (50 << 20)))),
    "gzip cut off": lambda: gzip.compress(GOOD + noise(5000).hex().encode())[:-200],
    "gzip with spoilt bytes": lambda: spoilt(gzip.compress(GOOD + noise(5000).hex().encode()), 90, 30),
    "gzip with something behind it": lambda: gzip.compress(GOOD) + b"\x1f\x8b junk",
    "gzip of nothing": lambda: gzip.compress(b""),
}
TABLES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"", "one byte": lambda: b"\xff", "a byte order mark alone": lambda: codecs.BOM_UTF8,
    "separators alone": lambda: b",,,,\n;;;\n\n" * 400_000, "a header alone": lambda: GOOD[:21],
    "an open quote": lambda: table('web,1,"open', *["line after line,2,3"] * 100_000),
    "an open quote in the header": lambda: b'"channel,number\n' + b"a,b\n" * 400_000,
    "quotes without end": lambda: table('web,1,"' + '""' * 2_000_000),
    "a line without end": lambda: GOOD + b"x" * (20 << 20),
    "a header without end": lambda: b"channel,number," + b"x" * (20 << 20),
    "one cell of ten megabytes": lambda: table("web,1," + "9" * (10 << 20)),
    "one quoted cell of ten megabytes": lambda: table('web,1,"' + "a\n" * (5 << 20) + '"'),
    "twenty thousand columns": lambda: (",".join(f"column {n}" for n in range(20_000)) + "\n").encode() + b"1," * 20_000,
    "twenty thousand cells in one row": lambda: table("web,1,2" + ",x" * 20_000),
    "nine hundred columns of one name": lambda: b"number," * 900 + b"\n" + b"1," * 900,
    "headers that are formulas and scripts": lambda: ("channel,number," + ",".join(map(quoted, NAUGHTY)) + "\nweb,1,x\n").encode("utf-8", "replace"),
    "NUL in every place": lambda: GOOD.replace(b",", b",\0"), "NUL in the header": lambda: b"chan\0nel,number\nweb,1\n",
    "NUL alone": lambda: bytes(1 << 20), "noise": lambda: noise(1 << 20), "noise of text": lambda: noise(1 << 20, 3).replace(b"\0", b"a"),
    "an encoding that changes on the way": lambda: GOOD + "web,3,ليلى\n".encode() + "web,4,ليلى\n".encode("cp1256") + b"\xff\xfe",
    "Arabic in Windows-1256 with spoilt letters": lambda: "channel,number,note\nweb,1,ليلى حداد\n".encode("cp1256") + b"web,2,\x81\x8d\xff\n",
    "UTF-16 of odd length": lambda: GOOD.decode().encode("utf-16")[:-1],
    "UTF-16 of half pairs": lambda: codecs.BOM_UTF16_LE + "channel,number\nweb,\ud800\n".encode("utf-16-le", "surrogatepass"),
    "UTF-32": lambda: GOOD.decode().encode("utf-32"), "UTF-7": lambda: b"channel,number\nweb,+ADw-script+AD4-\n",
    "UTF-8 too long and cut": lambda: GOOD + b"web,\xc0\xaf\xe0\x80\xaf,1\nweb,\xf8\x88\x80\x80\x80,1\nweb,\xed\xa0\x80,\xe2\x82",
    "two byte order marks": lambda: codecs.BOM_UTF8 * 2 + GOOD, "marks that turn letters": lambda: table("web,\u202e1,2", header="\u202echannel,num\u200bber,total"),
    "returns of all kinds": lambda: b"channel,number\rweb,1\n\rweb,2\r\n\x0b\x0cweb,3\x85\x1c\n",
    "one key for all rows": lambda: table(*[f"web,1,{n}" for n in range(6_000)]),
    "a table of bad rows": lambda: table(*[f"web,{n},{n}x" for n in range(BAD_ROWS)]),
    "numbers that are none": lambda: table(*[f"web,{n},{text}" for n, text in enumerate(("1e99", "9" * 5000, "NaN", "-", "1e-99", "٩" * 400, "0x1", "--1"))]),
    "times that are none": lambda: table(*[f"web,{n},{text}" for n, text in enumerate(("0000-00-00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00+14:00", "1" * 900, "+00:00" * 999))], header="channel,number,placed_at"),
    "a page": lambda: b"<!doctype html><html><script>alert(1)</script><table><tr><td>number</td></tr></table>",
    "an XML of a billion laughs": lambda: (HEAD + BOMB + "<x>&c;</x>").encode(), "a PDF": lambda: b"%PDF-1.7\n" + noise(9000),
    "an old workbook": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise(9000), "a picture": lambda: b"\x89PNG\r\n\x1a\n" + noise(9000),
    "a program": lambda: b"\x7fELF\x02\x01\x01" + noise(9000), "a RAR archive": lambda: b"Rar!\x1a\x07\x01\x00" + noise(9000),
    "a 7z archive": lambda: b"7z\xbc\xaf\x27\x1c" + noise(9000), "a tar archive": lambda: b"../../etc/passwd" + bytes(241) + b"ustar" + bytes(700),
}  # fmt: skip
DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "documents nested without end": lambda: lines("[" * 100_000, '{"a":' * 100_000), "a deep document": lambda: lines(levels(900)),
    "a document at the brink": lambda: lines(levels(60)), "numbers beyond all": lambda: lines('{"number":' + "9" * 5000 + "}"),
    "numbers that no JSON has": lambda: lines('{"channel":"a","number":"n","extra":{"x":NaN,"y":-Infinity}}'),
    "a number that overflows": lambda: lines('{"channel":"a","number":"n","extra":{"x":1e999}}'),
    "half pairs": lambda: lines('{"channel":"a","number":"n","note":"\\ud800"}', '{"channel":"a","number":"\\udfff"}'),
    "escaped NUL": lambda: lines('{"channel":"a","number":"n\\u0000"}', '{"channel":"a","number":"m","note":"\\u0000"}'),
    "a document without end": lambda: lines('{"channel":"a","note":"' + "x" * (20 << 20)),
    "documents cut off": lambda: lines('{"channel":"a","numb'), "lists for documents": lambda: lines("[1]", "5", '"x"', "null"),
    "one name many times": lambda: lines("{" + ",".join(f'"number":"{n}"' for n in range(9999)) + "}"),
    "a hundred thousand fields": lambda: lines('{"channel":"a","number":"w",' + ",".join(f'"f{n}":1' for n in range(100_000)) + "}"),
    "every type but the right one": lambda: lines(*[json.dumps({"channel": "a", "number": str(n), name: value})
        for n, (name, value) in enumerate((name, value) for name in ("number", "lines", "address", "extra", "labels", "total_minor", "placed_at", "is_paid", "zzz")
        for value in (None, True, 5, -1.5, "x", [], {}, [[]], [5], {"a": [{}]}))]),
    "names that other languages mind": lambda: lines('{"channel":"a","number":"p","__proto__":{"x":1},"__class__":"os","id":1,"version":9,"constructor":{}}'),
    "keys that are no texts": lambda: lines('{"channel":{"a":1},"number":["x"]}', '{"channel":null,"number":5}'),
    "a bad line after good ones": lambda: lines(*[f'{{"channel":"a","number":"{n}"}}' for n in range(3_000)], "{"),
}  # fmt: skip
CORPUS = ARCHIVES | TABLES | DOCUMENTS


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def names() -> Iterator[str]:
    """Names of the uploads: some mean harm too."""
    yield from (
        "../../../../tmp/evil.csv",
        "a\r\nb.csv",
        "=cmd.csv",
        "<script>.csv",
        "x" * 5000,
        "con",
        ".",
        "عربي.csv",
        "",
    )
    while True:
        yield "list.csv"


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> int:
    found = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(found.split()[1]) // 1024


def cpu_s() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def take_in(content: Path, name: str) -> dict[str, Any]:
    """One file through the whole road: stored, looked at for the mapping page, imported by the job."""
    with content.open("rb") as stream:
        stored = files.store(kit.CTX, stream, name, expires_at=reports.expiry())
    import_ = importer.upload(kit.CTX, kit.SALE.name, stored.id, stored.name)
    try:
        preview = inspect(importer.local_copy(import_))
        mapping, format = suggest(kit.SALE, preview)
        importer.check(kit.SALE, mapping, preview.headers)
        importer.set_mapping(kit.CTX, import_, mapping, format)
        job = kit.execute(importer.run(kit.CTX, import_).job_id or 0)
    except MaktabError as refusal:
        importer.clear(import_)
        return {"state": "refused", "reason": str(refusal)}
    ended = Import.get_by_id(import_.id)
    counts = {name: getattr(ended, name) for name in ("state", "created", "updated", "rejected")}
    reported = Reject.select().where(Reject.import_id == ended.id).count()
    return counts | {"job": job.status, "reason": ended.error or job.error, "reported": reported}


def left(data_dir: Path, scratch: Path) -> list[str]:
    """What lies about: scratch copies, files without a row or without an end, temporary files."""
    known = {file.key: file.expires_at for file in files.StoredFile.select()}
    stored = [path.name for path in (data_dir / "files").rglob("*") if path.is_file()]
    found = [name for name in stored if known.get(name) is None]
    return found + [str(path) for place in (data_dir / "scratch", scratch) for path in place.glob("*")]


def main(data_dir: Path) -> None:
    settings = core.settings.load({}, data_dir=data_dir)
    db.connect(settings.url)
    runtime_room.install(plugins.build(settings))
    scratch, given = Path(tempfile.gettempdir()), names()
    with kit.shop(runtime_room.current()), tempfile.TemporaryDirectory(dir=data_dir) as place:
        for title, make in CORPUS.items():
            content = Path(place) / "file"
            content.write_bytes(make())
            reset_peak()
            before = cpu_s()
            outcome = take_in(content, next(given))
            outcome |= {"cpu_s": round(cpu_s() - before, 2), "peak_mb": peak_mb(), "left": left(data_dir, scratch)}
            print(json.dumps({"title": title} | outcome), flush=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(
        json.dumps(
            {
                "title": "",
                "children_mb": children,
                "waiting": jobs.Job.select().where(jobs.Job.status == "waiting").count(),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
