"""Rows of a file of any dialect, one at a time, with the line where each begins."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from core.i18n import _
from core.transfer.dialect import FileRefused, check_archive, open_bytes
from core.transfer.formats import Dialect

LONGEST_LINE, LONGEST_CELL, SHEET_MEMORY = 8 << 20, 1 << 20, 1 << 30
Cells = list[str | None]  # None: the row ended before this column (absent, not blank)
Rows = Iterator[tuple[int, Cells]]


def read(path: Path, dialect: Dialect) -> tuple[list[str], Rows]:
    """The header and the rows of a table. JSON lines become a table: nested names dotted, a row per list item."""
    if dialect.kind == "jsonl":
        names = _json_names(path, dialect)
        return names, ((line, [row.get(name) for name in names]) for line, doc in documents(path, dialect) for row in flatten(doc))
    rows = _sheet_rows(path) if dialect.kind == "xlsx" else _csv_rows(path, dialect)
    for _line, cells in rows:
        if any(cells):
            return unique([cell or "" for cell in cells]), rows
    raise FileRefused(_("The file has no header row."))


def unique(headers: Sequence[str]) -> list[str]:
    """Headers trimmed; empty ones get their place as a name, repeated ones a number."""
    names, seen = [], Counter[str]()
    for place, header in enumerate(headers, start=1):
        name = header.replace("\ufeff", "").strip() or f"Column {place}"
        seen[name] += 1
        names.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return names


def _lines(path: Path, dialect: Dialect) -> Iterator[str]:
    """Lines with their ends. Bytes that are not of the encoding become lone surrogates: the row is refused, not the file."""
    errors = "strict" if dialect.encoding.startswith("utf-16") else "surrogateescape"
    with closing(io.TextIOWrapper(open_bytes(path, dialect.packed), dialect.encoding, errors, newline="")) as stream:
        try:
            while line := stream.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise FileRefused(_("A line is longer than 8 MB; this is hardly a table."))
                yield line
        except (UnicodeError, LookupError, OSError, EOFError) as problem:
            raise FileRefused(_("The file cannot be read as %(encoding)s: %(problem)s.", encoding=dialect.encoding, problem=problem)) from None


def _csv_rows(path: Path, dialect: Dialect) -> Rows:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_lines(path, dialect), delimiter=dialect.delimiter)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as problem:
        raise FileRefused(_("Line %(line)d cannot be read (%(problem)s); is a quote not closed?", line=line, problem=problem)) from None


def _sheet_rows(path: Path) -> Rows:
    check_archive(path)
    script = Path(__file__).with_name("sheet.py")
    command = [sys.executable, "-I", str(script), str(path), str(SHEET_MEMORY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stderr is not None
        try:
            for line, text in enumerate(child.stdout, start=1):
                cells = json.loads(text)
                if any(cells):
                    yield line, cells
            if child.wait():
                reason = child.stderr.read().strip() or f"signal {-child.returncode}"
                raise FileRefused(_("The workbook cannot be read (%(reason)s).", reason=reason))
        finally:
            child.kill()


def documents(path: Path, dialect: Dialect) -> Iterator[tuple[int, dict[str, Any]]]:
    """Nested documents of a JSON lines file; decimals stay exact."""
    for line, text in enumerate(_lines(path, dialect), start=1):
        if not text.strip():
            continue
        try:
            doc = json.loads(text.lstrip("\ufeff"), parse_float=Decimal)
        except (ValueError, RecursionError):
            doc = None
        if not isinstance(doc, dict):
            raise FileRefused(_("Line %(line)d is not a JSON object.", line=line))
        yield line, doc


def flatten(doc: dict[str, Any], prefix: str = "") -> list[dict[str, str | None]]:
    """A nested document as rows of a table: the head's values on each row, one row per item of its lists."""
    head: dict[str, str | None] = {}
    items: dict[str, list[Any]] = {}
    for name, value in doc.items():
        if isinstance(value, dict) and value:
            head |= flatten(value, f"{prefix}{name}.")[0]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            items[f"{prefix}{name}."] = [item for item in value if isinstance(item, dict)]
        else:
            head[prefix + name] = plain(value)
    rows = [dict(head) for _n in range(max([1, *map(len, items.values())]))]
    for name, found in items.items():
        for row, item in zip(rows, found, strict=False):
            row |= flatten(item, name)[0]
    return rows


def plain(value: Any) -> str:
    if isinstance(value, list | dict):
        simple = isinstance(value, list) and all(isinstance(part, str) and "," not in part for part in value)
        return ", ".join(value) if simple else json.dumps(value, ensure_ascii=False, default=str) if value else ""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _json_names(path: Path, dialect: Dialect) -> list[str]:
    names: dict[str, None] = {}
    for _line, doc in documents(path, dialect):
        names |= dict.fromkeys(name for row in flatten(doc) for name in row)
    return list(names)


def head_of(path: Path, dialect: Dialect, limit: int = 20) -> tuple[list[str], list[Cells]]:
    """The header and the first rows, for people to look at."""
    if dialect.kind == "jsonl":
        rows = [row for _line, doc in islice(documents(path, dialect), limit) for row in flatten(doc)]
        names = list(dict.fromkeys(name for row in rows for name in row))
        return names, [[row.get(name) for name in names] for row in rows[:limit]]
    headers, found = read(path, dialect)
    return headers, [cells for _line, cells in islice(found, limit)]
