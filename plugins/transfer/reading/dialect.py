"""How a file is written, seen from its bytes: kind, encoding, separator; and what we refuse to open."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import charset_normalizer

from core.errors import MaktabError
from core.i18n import _
from plugins.transfer.formats import Dialect

UNPACKED, RATIO, MEMBERS = 200 * 2**20, 100, 2000
GZIP_UNPACKED, UNSUSPECTED = 4 * 2**30, 32 * 2**20
_BLOCK = 1 << 18
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CONTROL, _FEW, _ODD = re.compile(r"[\0-\x08\x0e-\x1a]"), 20, 0.01
"""Signs that no text has, and how many of them, or which part, a table of a careless program may have."""
_ARABIC_RUN = re.compile(rb"[\xc0-\xff]{3,}")


class FileRefused(MaktabError):
    """The file cannot be read as a table; the text says why and what to do."""

    status, code = 422, "file_refused"


def sniff(path: Path) -> Dialect:
    """The dialect of the file at `path`; reads it once, in blocks. Raises FileRefused."""
    with path.open("rb") as stream:
        magic = stream.read(8)
    if magic[:4] == b"PK\x03\x04":
        check_archive(path)
        return Dialect("xlsx")
    if magic[:4] in (b"\xd0\xcf\x11\xe0", b"%PDF", b"\x89PNG", b"7z\xbc\xaf", b"Rar!"):
        raise _no_table()
    packed = magic[:2] == b"\x1f\x8b"
    with open_bytes(path, packed) as stream:
        encoding, sample = _encoding(stream, path.stat().st_size)
    text = sample.decode(encoding, "replace").lstrip("\ufeff")
    if len(_CONTROL.findall(text)) > max(_FEW, len(text) * _ODD):
        raise _no_table()
    if text.lstrip()[:1] == "{":
        return Dialect("jsonl", encoding, packed=packed)
    return Dialect("csv", encoding, delimiter_of(text), packed)


def _no_table() -> FileRefused:
    return FileRefused(_("This is no table that we can read; save it as XLSX or CSV first."))


def open_bytes(path: Path, packed: bool) -> BinaryIO:
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _encoding(stream: BinaryIO, packed: int) -> tuple[str, bytes]:
    """The encoding and the file's first block; `packed`: bytes of the file itself.

    All is read: one odd byte may come after a million rows.
    """
    size, decoder = 0, codecs.getincrementaldecoder("utf-8")()
    first = odd = b""
    try:
        while block := stream.read(_BLOCK):
            size += len(block)
            first = first or block
            if size > GZIP_UNPACKED:
                raise FileRefused(_("The file is larger than 4 GB when unpacked; split it."))
            if size > packed * RATIO and size > UNSUSPECTED:
                raise FileRefused(_("The file unpacks to more than a hundred times its size; that is refused."))
            try:
                odd or decoder.decode(block)
            except UnicodeDecodeError:
                odd = block
    except (OSError, EOFError, zlib.error) as problem:
        raise FileRefused(_("The gzip file is damaged (%(problem)s).", problem=problem)) from None
    if not size:
        raise FileRefused(_("The file is empty."))
    for bom, name in _BOMS:
        if first.startswith(bom):
            return name, first
    if first[1:200:2].count(0) > len(first[1:200:2]) * 0.7 or first[:200:2].count(0) > len(first[:200:2]) * 0.7:
        return ("utf-16-le" if first[1:2] == b"\0" else "utf-16-be"), first
    return (_old_encoding(odd) if odd else "utf-8"), first


def _old_encoding(sample: bytes) -> str:
    """Windows-1256 has its letters side by side, the western ones stand alone between ASCII."""
    high = sum(byte > 127 for byte in sample)
    if sum(len(run) for run in _ARABIC_RUN.findall(sample)) > high * 0.4:
        return "cp1256"
    best = charset_normalizer.from_bytes(sample, cp_isolation=["utf_8", "cp1252", "latin_1"]).best()
    if best is not None and best.encoding == "utf_8":
        return "utf-8"
    # Browsers and spreadsheets mean Windows-1252 when they say ISO 8859-1; only its five holes tell the two apart.
    return "latin-1" if re.search(rb"[\x81\x8d\x8f\x90\x9d]", sample) else "cp1252"


def delimiter_of(text: str) -> str:
    """The separator by which most rows of the sample have as many cells as the header."""
    best, best_score = ",", (0.0, 1)
    for mark in ",;\t|":
        lines = text.splitlines(keepends=True)[:100]
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            score = (round(Counter(widths)[widths[0]] / len(widths), 1), widths[0])
            best, best_score = (mark, score) if score > best_score else (best, best_score)
    return best


def check_archive(path: Path) -> int:
    """Bytes of an XLSX when unpacked. Refuses one that unpacks to more than it should, or has a document type (XXE)."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            size = sum(member.file_size for member in members)
            packed = sum(member.compress_size for member in members) or 1
            if len(members) > MEMBERS or size > UNPACKED or size > RATIO * packed:
                raise FileRefused(
                    _(
                        "The workbook unpacks to %(size)s MB in %(n)s parts; that is refused.",
                        size=size >> 20,
                        n=len(members),
                    )
                )
            if not any(member.filename == "xl/workbook.xml" for member in members):
                raise FileRefused(_("This archive is no XLSX workbook."))
            for member in members:
                if member.filename.endswith((".xml", ".rels", ".vml")):
                    with archive.open(member) as part:
                        if b"<!" in part.read(4096).replace(b"\0", b"").replace(b"<!--", b""):
                            raise FileRefused(_("The workbook carries a document type declaration; that is refused."))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, zlib.error) as problem:
        raise FileRefused(_("The workbook is damaged (%(problem)s).", problem=problem)) from None
    return size
