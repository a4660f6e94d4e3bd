"""Rows of a file of any dialect, one at a time, with the line where each begins."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from core.i18n import _
from core.parse import parse_json
from plugins.transfer.formats import Dialect
from plugins.transfer.reading import flat
from plugins.transfer.reading.dialect import FileRefused, check_archive, open_bytes
from plugins.transfer.reading.values import unescape

LONGEST_LINE, LONGEST_CELL = 8 << 20, 1 << 20
# Bytes for the child that reads a workbook: two cells far apart make a table of a gigabyte out of one kilobyte.
SHEET_MEMORY, SHEET_MEMORY_PER_BYTE, SHEET_MEMORY_MOST = 128 << 20, 5, 1 << 30
MOST_COLUMNS = 1_000
Rows = Iterator[tuple[int, Any]]  # line, cells; a row may end before its last column (absent, not blank)


def read(path: Path, dialect: Dialect) -> tuple[list[str], Rows]:
    """The header and the rows of a table. JSON lines have no header: whole documents, as in the API."""
    if dialect.kind == "jsonl":
        return [], documents(path, dialect)
    rows = _narrow(_sheet_rows(path) if dialect.kind == "xlsx" else _csv_rows(path, dialect))
    for _line, cells in rows:
        if any(cells):
            return _unique(cells), rows
    raise FileRefused(_("The file has no header row."))


def _narrow(rows: Rows) -> Rows:
    """Refuse a row that no table has: its separator is another one, or it means harm to whoever guesses its columns."""
    for line, cells in rows:
        if len(cells) > MOST_COLUMNS:
            text = _(
                "Line %(line)s has more than %(most)s columns; is the separator right?", line=line, most=MOST_COLUMNS
            )
            raise FileRefused(text)
        yield line, cells


def _unique(headers: Sequence[str]) -> list[str]:
    """Headers trimmed and unescaped; empty ones get their place as a name, repeated ones a number."""
    names, seen = [], Counter[str]()
    for place, header in enumerate(headers, start=1):
        name = unescape(header.replace("\ufeff", "").strip()) or f"Column {place}"
        seen[name] += 1
        names.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return names


def _lines(path: Path, dialect: Dialect) -> Iterator[str]:
    """Lines with their ends. Odd bytes become lone surrogates: their row is refused, not the file."""
    errors = "strict" if dialect.encoding.startswith("utf-16") else "surrogateescape"
    with closing(io.TextIOWrapper(open_bytes(path, dialect.packed), dialect.encoding, errors, newline="")) as stream:
        try:
            while line := stream.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise FileRefused(_("A line is longer than 8 MB; this is hardly a table."))
                yield line
        except (UnicodeError, LookupError, OSError, EOFError) as problem:
            text = _("The file cannot be read as %(name)s: %(problem)s.", name=dialect.encoding, problem=problem)
            raise FileRefused(text) from None


def _csv_rows(path: Path, dialect: Dialect) -> Rows:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_lines(path, dialect), delimiter=dialect.delimiter)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as problem:
        text = _("Line %(line)s cannot be read (%(problem)s); is a quote not closed?", line=line, problem=problem)
        raise FileRefused(text) from None


def _sheet_rows(path: Path) -> Rows:
    memory = min(SHEET_MEMORY + SHEET_MEMORY_PER_BYTE * check_archive(path), SHEET_MEMORY_MOST)
    script = Path(__file__).with_name("sheet.py")
    command = [sys.executable, "-I", str(script), str(path), str(memory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            for line, text in enumerate(child.stdout or (), start=1):
                cells = json.loads(text)
                if any(cells):
                    yield line, cells
            if child.wait():
                reason = (child.stderr.read() if child.stderr else "").partition("\n")[0] or f"{child.returncode}"
                raise FileRefused(_("The workbook cannot be read (%(reason)s).", reason=reason))
        finally:
            child.kill()


def flat_header(path: Path, dialect: Dialect) -> dict[str, bool]:
    """The columns of JSON lines of any shape, see `flat.header`; reads all of them."""
    return flat.header(document for _line, document in documents(path, dialect, exact=True))


def flat_rows(path: Path, dialect: Dialect, headers: Sequence[str], repeat: Collection[str], most: int) -> Rows:
    """Their rows; see `flat.rows`."""
    for line, document in documents(path, dialect, exact=True):
        for cells in flat.rows(document, headers, repeat, most):
            yield line, cells


def documents(path: Path, dialect: Dialect, exact: bool = False) -> Rows:
    """The objects of JSON lines. `exact`: numbers as the texts that stand there."""
    for line, text in enumerate(_lines(path, dialect), start=1):
        if not text.strip():
            continue
        try:
            doc = parse_json(text.lstrip("\ufeff"), exact)
        except ValueError:
            doc = None
        if not isinstance(doc, dict):
            raise FileRefused(_("Line %(line)s is not a JSON object of decent depth.", line=line))
        yield line, doc
