"""Exports of any resource as CSV, XLSX or JSON lines: one pass, a chunk of documents in memory at a time."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import xlsxwriter

from core import access, audit, db, jobs, runtime
from core.changes import Change
from core.context import Context
from core.db import money
from core.errors import Invalid, MaktabError
from core.i18n import _
from core.resources import Resource, Selection, select, service_of
from plugins.transfer.reading.shape import leaves
from plugins.transfer.reading.values import escape
from plugins.transfer.services.reports import keep

FORMATS = {
    "csv": "text/csv", "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
CHUNK, SHEET_ROWS, SHEET_CELL = 500, 1_048_576, 32_767
_NUMBERS = ("money", "number", "integer")
_UNSHEETED = re.compile("[\ufffe\uffff]|_x005F_x")
"""Signs that XML has not, and what a sheet's own writing of such signs is taken for when it is read."""
Progress = Callable[[int], None]
Documents = Iterator[dict[str, Any]]


def export_rows(
    ctx: Context, resource: Resource, selection: Selection, format: str, out: BinaryIO, progress: Progress | None = None
) -> int:
    """Write the selected records to `out` and return how many. Audited; raises Forbidden without `<resource>.export`.

    Tables repeat a document's row per list item, its own cells on the first row only and its key on each. What comes
    out goes in again unchanged (`plugins.transfer.api.start`), byte for byte.
    """
    if format not in FORMATS:
        raise Invalid({"format": [_("Choose one of %(known)s.", known=", ".join(FORMATS))]})
    ids, count = select(ctx, resource, selection, "export"), 0

    def documents() -> Iterator[dict[str, Any]]:
        nonlocal count
        key, service, last = resource.model.id, service_of(resource), 0
        while found := [row_id for (row_id,) in ids.where(key > last).order_by(key).limit(CHUNK).tuples()]:
            yield from service.documents(found)
            last, count = found[-1], count + len(found)
            if progress:
                progress(count)

    {"csv": _csv, "xlsx": _xlsx, "jsonl": _jsonl}[format](resource, documents(), out)
    with db.transaction():
        what = {"format": format, "count": count, "selection": selection.to_json()}
        audit.write(ctx, resource.name, "exported", [Change(0, after=what)])
    return count


def _text(kind: str, value: Any, currency: str) -> str:
    """One value as a cell; only free text is escaped, numbers are left alone."""
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


def _rows(resource: Resource, documents: Documents) -> Iterator[list[str]]:
    """Table rows; the first is the header."""
    columns = list(leaves(resource.schema).values())
    yield [leaf.path for leaf in columns]
    plan = [(leaf.items, leaf.steps, leaf.kind, bool(leaf.items) or leaf.path in resource.key) for leaf in columns]
    lists = list(dict.fromkeys(leaf.items for leaf in columns if leaf.items))
    for doc in documents:
        currency = doc.get("currency") or runtime.current().settings.currency
        for number in range(max([1, *(len(doc.get(name) or ()) for name in lists)])):
            nodes = {name: doc[name][number] for name in lists if number < len(doc.get(name) or ())} | {"": doc}
            row = []
            for items, steps, kind, is_repeated in plan:
                node: Any = nodes.get(items) if is_repeated or not number else None
                for step in steps:
                    node = node.get(step) if node else None
                row.append("" if node is None else _text(kind, node, currency))
            yield row


def _csv(resource: Resource, documents: Documents, out: BinaryIO) -> None:
    # With a byte order mark: without it a spreadsheet takes UTF-8 for its own old encoding.
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    csv.writer(text).writerows(_rows(resource, documents))
    text.flush()
    text.detach()


def _xlsx(resource: Resource, documents: Documents, out: BinaryIO) -> None:
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})  # the same records give the same file
    sheet = book.add_worksheet()
    kinds = [leaf.kind for leaf in leaves(resource.schema).values()]
    for number, row in enumerate(_rows(resource, documents)):
        if number >= SHEET_ROWS or any(len(text) > SHEET_CELL for text in row):
            raise Invalid({"format": [_("A sheet holds 1,048,576 rows and 32,767 letters a cell; export as CSV.")]})
        if _UNSHEETED.search("\0".join(row)):
            raise Invalid({"format": [_("A text holds signs that a sheet does not give back; export as CSV.")]})
        for place, text in enumerate(row):
            # A number only where the sheet, whose numbers are floats, gives back the same digits.
            is_number = number and text and kinds[place] in _NUMBERS and len(text) < 16
            if is_number and (kinds[place] == "money" or text == f"{float(text):.15g}"):
                sheet.write_number(number, place, float(text))
            elif text:
                sheet.write_string(number, place, text)
    book.close()


def _jsonl(resource: Resource, documents: Documents, out: BinaryIO) -> None:
    shape = list(leaves(resource.schema).values())
    for doc in documents:
        made: dict[str, Any] = {}
        for leaf in shape:
            if leaf.items:
                found = doc.get(leaf.items) or []
                nodes = zip(found, made.setdefault(leaf.items, [{} for _item in found]), strict=True)
            else:
                nodes = zip([doc], [made], strict=True)
            for source, target in nodes:
                _copy(leaf.steps, source, target)
        out.write(json.dumps(made, ensure_ascii=False, default=_plain).encode() + b"\n")


def _copy(steps: Sequence[str], source: Any, target: dict[str, Any]) -> None:
    for step in steps[:-1]:
        source = source.get(step)
        if source is None:
            target[step] = None
            return
        target = target.setdefault(step, {})
    target[steps[-1]] = source.get(steps[-1])


def start_export(ctx: Context, resource: Resource, selection: Selection, format: str) -> jobs.Job:
    """Export in a job; its result names the file. Raises Forbidden without `<resource>.export`."""
    access.demand(ctx.actor, resource.permission("export"))
    args = {"resource": resource.name, "selection": selection.to_json(), "format": format}
    title = _("Export of %(resource)s", resource=resource.label_plural)
    return jobs.enqueue(ctx, "transfer.export", args, title=title, resource=resource.name)


def run_export(run: jobs.JobRun) -> dict[str, Any]:
    """The export job: from its start again when it was killed, nothing is kept before the end."""
    resource = runtime.current().resource(run.args["resource"])

    def progress(done: int) -> None:
        run.save(done=done)
        if run.canceled():
            raise MaktabError(_("The export was canceled."))

    with tempfile.TemporaryFile() as out:
        selection = Selection.from_json(run.args["selection"])
        count = export_rows(run.ctx, resource, selection, run.args["format"], out, progress)
        file_id = keep(run.ctx, out, f"{resource.slug}.{run.args['format']}", FORMATS[run.args["format"]])
    return {"file_id": file_id, "count": count}
