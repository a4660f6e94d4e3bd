"""Exports of any resource: the columns of its list as CSV, or whole records as CSV, XLSX or JSON lines; in one pass."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import xlsxwriter

from core import access, audit, db, jobs, runtime
from core.changes import Change
from core.context import Context
from core.errors import Invalid, MaktabError
from core.i18n import _, __
from core.resources import Resource, Selection, select, service_of
from plugins.transfer.reading.shape import leaves
from plugins.transfer.services import keys, table
from plugins.transfer.services.listing import Listing, chosen
from plugins.transfer.services.reports import keep

FORMATS = {
    "list": ("csv", "text/csv"), "csv": ("csv", "text/csv"), "jsonl": ("jsonl", "application/x-ndjson"),
    "xlsx": ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}  # fmt: skip
"""The end of the file's name and its type. `list`: the columns that the list has; the others are whole records."""
CHUNK, LISTED, SHEET_ROWS, SHEET_CELL = 200, 2_000, 1_048_576, 32_767
TELL_S = 0.3  # between two notes of progress, each of which the disk has to confirm
_UNSHEETED = re.compile("[\ufffe\uffff]|_x005F_x")
"""Signs that XML has not, and what a sheet's own writing of such signs is taken for when it is read."""
Progress = Callable[[int], None]


def export_rows(
    ctx: Context, resource: Resource, selection: Selection, format: str, out: BinaryIO,
    progress: Progress | None = None, columns: Sequence[str] = (),
) -> int:  # fmt: skip
    """Write the selected records to `out` and return how many. Audited; raises Forbidden without `<resource>.export`.

    `list` is a table for people, of the columns that the list shows by itself, or of those named by `columns`. What
    comes out as `csv`, `xlsx` or `jsonl` goes in again unchanged (`plugins.transfer.api.start`), byte for byte.
    """
    _known(format)
    walk = _Walk(ctx, resource, select(ctx, resource, selection, "export"), progress)
    if format == "list":
        _csv(out, walk.listed(Listing(ctx, resource, columns)))
    elif format == "csv":
        _csv(out, table.rows(resource, walk.documents()))
    elif format == "xlsx":
        _xlsx(out, table.rows(resource, walk.documents()), [leaf.kind for leaf in leaves(resource.schema).values()])
    else:
        out.writelines(table.lines(resource, walk.documents(lambda some: keys.name(ctx, resource, some))))
    with db.transaction():
        what = {"format": format, "count": walk.count, "selection": selection.to_json()}
        what |= {"columns": list(columns)} if columns and format == "list" else {}
        audit.write(ctx, resource.name, "exported", [Change(0, after=what)])
    return walk.count


class _Walk:
    """The selected records in the order of their ids, some at a time; `count` have been given.

    What a plugin takes away from the actor (hook `authorize`) is passed over.
    """

    def __init__(self, ctx: Context, resource: Resource, chosen: Any, progress: Progress | None) -> None:
        self.resource, self.key, self.chosen, self.progress = resource, resource.model.id, chosen, progress
        self.actor, self.permission = ctx.actor, resource.permission("export")
        self.last = self.count = 0

    def documents(self, finish: Callable[[Sequence[Any]], Any] | None = None) -> Iterator[dict[str, Any]]:
        service = service_of(self.resource)
        while found := [row_id for (row_id,) in self._next(CHUNK).tuples()]:
            denied = self._denied(found)
            documents = list(service.documents([row_id for row_id in found if row_id not in denied]))
            if finish:
                finish(documents)
            yield from documents
            self._seen(found, len(documents))

    def listed(self, listing: Listing) -> Iterator[Sequence[str]]:
        yield listing.header()
        while (found := listing.rows(self._next(LISTED)))[0]:
            denied = self._denied(found[0])
            left = (row for row_id, row in zip(*found, strict=True) if row_id not in denied)
            yield from left if denied else found[1]
            self._seen(found[0], len(found[0]) - len(denied))

    def _denied(self, ids: Sequence[int]) -> frozenset[int]:
        return access.denied(self.actor, self.permission, self.resource.name, ids)

    def _next(self, limit: int) -> Any:
        return self.chosen.where(self.key > self.last).order_by(self.key).limit(limit)

    def _seen(self, ids: Sequence[int], given: int) -> None:
        self.last, self.count = ids[-1], self.count + given
        db.give_back_pages()
        if self.progress:
            self.progress(self.count)


def _csv(out: BinaryIO, rows: Iterable[Sequence[str]]) -> None:
    # With a byte order mark: without it a spreadsheet takes UTF-8 for its own old encoding.
    text = io.TextIOWrapper(out, "utf-8-sig", newline="")
    csv.writer(text).writerows(rows)
    text.flush()
    text.detach()


def _xlsx(out: BinaryIO, rows: Iterable[Sequence[str]], kinds: Sequence[str]) -> None:
    book = xlsxwriter.Workbook(out, {"constant_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})  # the same records give the same file
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        if number >= SHEET_ROWS or any(len(text) > SHEET_CELL for text in row):
            raise Invalid({"format": [_("A sheet holds 1,048,576 rows and 32,767 letters a cell; export as CSV.")]})
        if _UNSHEETED.search("\0".join(row)):
            raise Invalid({"format": [_("A text holds signs that a sheet does not give back; export as CSV.")]})
        for place, text in enumerate(row):
            # A number only where the sheet, whose numbers are floats, gives back the same digits.
            is_number = number and text and kinds[place] in table.NUMBERS and len(text) < 16
            if is_number and (kinds[place] == "money" or text == f"{float(text):.15g}"):
                sheet.write_number(number, place, float(text))
            elif text:
                sheet.write_string(number, place, text)
    book.close()


def _known(format: str) -> None:
    if format not in FORMATS:
        raise Invalid({"format": [_("Choose one of %(known)s.", known=", ".join(FORMATS))]})


def start_export(
    ctx: Context, resource: Resource, selection: Selection, format: str, columns: Sequence[str] = ()
) -> jobs.Job:
    """Export in a job; its result names the file.

    Raises Forbidden without `<resource>.export`, Invalid for a format or columns that there are not.
    """
    access.demand(ctx.actor, resource.permission("export"))
    _known(format)
    chosen(resource, columns)
    args = {"resource": resource.name, "selection": selection.to_json(), "format": format, "columns": list(columns)}
    title = __("Export of %(resource)s", resource=resource.label_plural)
    return jobs.enqueue(ctx, "transfer.export", args, title=title, resource=resource.name)


def run_export(run: jobs.JobRun) -> dict[str, Any]:
    """The export job: from its start again when it was killed, nothing is kept before the end."""
    resource = runtime.current().resource(run.args["resource"])

    told = time.monotonic()

    def progress(done: int) -> None:
        nonlocal told
        if time.monotonic() - told < TELL_S:
            return
        told = time.monotonic()
        run.save(done=done)
        if run.canceled():
            raise MaktabError(_("The export was canceled."))

    with tempfile.TemporaryFile() as out:
        selection = Selection.from_json(run.args["selection"])
        columns = run.args.get("columns", ())
        count = export_rows(run.ctx, resource, selection, run.args["format"], out, progress, columns)
        ending, content_type = FORMATS[run.args["format"]]
        file_id = keep(run.ctx, out, f"{resource.slug}.{ending}", content_type)
    run.save(done=count)
    return {"file_id": file_id, "count": count}
