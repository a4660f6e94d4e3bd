"""Exports of any resource as CSV, XLSX or JSON lines: one pass, a chunk of documents in memory at a time."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from core import access, audit, db, files, jobs, runtime
from core.changes import Change
from core.context import Context
from core.db import money
from core.errors import Invalid
from core.i18n import _
from core.resources import Resource, Selection, select, service_of
from core.transfer.shape import Leaf, leaves
from core.transfer.values import escape

FORMATS = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "jsonl": "application/x-ndjson"}
CHUNK, SHEET_ROWS, SHEET_CELL = 500, 1_048_576, 32_767
_NUMBERS = ("money", "number", "integer")
Progress = Callable[[int], None]


def export_rows(
    ctx: Context, resource: Resource, selection: Selection, format: str, out: BinaryIO, progress: Progress | None = None
) -> int:
    """Write the selected records to `out` and return how many. Audited; raises Forbidden without `<resource>.export`.

    Tables repeat a document's row per list item, its own cells on the first row only and its key on each. What comes
    out goes in again unchanged (`core.transfer.start`), byte for byte.
    """
    if format not in FORMATS:
        raise Invalid({"format": [_("Choose one of %(known)s.", known=", ".join(FORMATS))]})
    ids = select(ctx, resource, selection, resource.permission("export"))
    documents = _documents(resource, ids, progress or (lambda done: None))
    count = {"csv": _csv, "xlsx": _xlsx, "jsonl": _jsonl}[format](resource, documents, out)
    with db.transaction():
        what = {"format": format, "count": count, "selection": selection.to_json()}
        audit.write(ctx, resource.name, "exported", [Change(0, after=what)])
    return count


def _documents(resource: Resource, ids: Any, progress: Progress) -> Iterator[dict[str, Any]]:
    key, service, last, done = resource.model.id, service_of(resource), 0, 0
    while found := [row_id for (row_id,) in ids.where(key > last).order_by(key).limit(CHUNK).tuples()]:
        yield from service.documents(found)
        last, done = found[-1], done + len(found)
        progress(done)


def _text(kind: str, value: Any, currency: str) -> str:
    """One value as a cell; only free text is escaped, numbers are left alone."""
    if value is None:
        return ""
    if kind == "money":
        return format(money.to_major(value, currency), "f")
    if kind in _NUMBERS:
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    if kind == "tags":
        simple = all(tag == tag.strip() and tag and "," not in tag and tag[0] != "[" for tag in value)
        return escape(", ".join(value) if simple else json.dumps(value, ensure_ascii=False))
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain) if value else ""
    if kind == "bool":
        return "true" if value else "false"
    return escape(value if isinstance(value, str) else str(_plain(value)))


def _plain(value: Any) -> Any:
    """A Python value of a document as JSON writes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _at(node: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        node = node.get(step) if node else None
    return node


def _rows(resource: Resource, documents: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
    """Table rows; the first is the header."""
    columns = list(leaves(resource.schema).values())
    yield [leaf.path for leaf in columns]
    plan = [(leaf.items, leaf.steps[0] if len(leaf.steps) == 1 else leaf.steps, leaf.kind, leaf.path in resource.key) for leaf in columns]
    lists = list(dict.fromkeys(leaf.items for leaf in columns if leaf.items))
    for doc in documents:
        currency = doc.get("currency") or runtime.current().settings.currency
        for number in range(max([1, *(len(doc.get(name) or ()) for name in lists)])):
            nodes: dict[str, Any] = {name: doc[name][number] if number < len(doc.get(name) or ()) else {} for name in lists}
            nodes[""] = doc
            row = []
            for items, step, kind, is_key in plan:
                if number and not items and not is_key:
                    row.append("")
                    continue
                node = nodes[items]
                row.append(_text(kind, node.get(step) if step.__class__ is str else _at(node, step), currency))
            yield row


def _csv(resource: Resource, documents: Iterator[dict[str, Any]], out: BinaryIO) -> int:
    # With a byte order mark: without it a spreadsheet takes UTF-8 for its own old encoding.
    counted = _Counted(documents)
    text = io.TextIOWrapper(out, "utf-8-sig", newline="", write_through=False)
    csv.writer(text).writerows(_rows(resource, counted))
    text.flush()
    text.detach()
    return counted.count


def _xlsx(resource: Resource, documents: Iterator[dict[str, Any]], out: BinaryIO) -> int:
    counted = _Counted(documents)
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1)})  # the same records give the same file
    sheet = book.add_worksheet(resource.name[:31])
    kinds = [leaf.kind for leaf in leaves(resource.schema).values()]
    for number, row in enumerate(_rows(resource, counted)):
        if number >= SHEET_ROWS:
            raise Invalid({"format": [_("A worksheet holds 1,048,576 rows; export as CSV.")]})
        for place, text in enumerate(row):
            # A number only where the sheet gives back the same digits: its numbers are floats.
            if number and kinds[place] in _NUMBERS and len(text) < 16 and text and (kinds[place] == "money" or text == f"{float(text):.15g}"):
                sheet.write_number(number, place, float(text))
            elif len(text) > SHEET_CELL:
                raise Invalid({"format": [_("A text has more than 32,767 characters, which no sheet holds; export as CSV.")]})
            elif text:
                sheet.write_string(number, place, text)
    book.close()
    return counted.count


def _jsonl(resource: Resource, documents: Iterator[dict[str, Any]], out: BinaryIO) -> int:
    shape, count = list(leaves(resource.schema).values()), 0
    for count, doc in enumerate(documents, start=1):
        out.write(json.dumps(_nested(shape, doc), ensure_ascii=False, default=_plain).encode() + b"\n")
    return count


def _nested(shape: Sequence[Leaf], doc: dict[str, Any]) -> dict[str, Any]:
    """The document with its importable fields only, in the order of the schema."""
    made: dict[str, Any] = {}
    for leaf in shape:
        if not leaf.items:
            _copy(leaf, doc, made)
            continue
        found = doc.get(leaf.items) or []
        for source, target in zip(found, made.setdefault(leaf.items, [{} for _item in found]), strict=True):
            _copy(leaf, source, target)
    return made


def _copy(leaf: Leaf, source: Any, target: dict[str, Any]) -> None:
    for step in leaf.steps[:-1]:
        source = source.get(step)
        if source is None:
            target[step] = None
            return
        target = target.setdefault(step, {})
    target[leaf.steps[-1]] = source.get(leaf.steps[-1])


class _Counted:
    """An iterator that knows how many went through."""

    def __init__(self, documents: Iterator[dict[str, Any]]) -> None:
        self._documents, self.count = documents, 0

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> dict[str, Any]:
        doc = next(self._documents)
        self.count += 1
        return doc


def start_export(ctx: Context, resource: Resource, selection: Selection, format: str) -> jobs.Job:
    """Export in a job; its result names the file. Raises Forbidden without `<resource>.export`."""
    access.demand(ctx.actor, resource.permission("export"))
    args = {"resource": resource.name, "selection": selection.to_json(), "format": format}
    title = _("Export of %(resource)s", resource=resource.label_plural)
    return jobs.enqueue(ctx, "core.export", args, title=title, resource=resource.name)


def run_export(run: jobs.JobRun) -> dict[str, Any]:
    """The export job: from its start again when it was killed, nothing is kept before the end."""
    resource = runtime.current().resource(run.args["resource"])
    with tempfile.TemporaryFile() as out:
        selection = Selection.from_json(run.args["selection"])
        count = export_rows(run.ctx, resource, selection, run.args["format"], out, lambda done: run.save(done=done))
        out.seek(0)
        name = f"{resource.slug}.{run.args['format']}"
        kept = files.store(run.ctx, out, name, FORMATS[run.args["format"]])
    return {"file_id": kept.id, "count": count}
