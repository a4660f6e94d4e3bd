"""`maktab import`, `export` and `demo`: the same services and jobs as the pages, in the command's own process."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from core import files
from core.cli import context, run_here, show
from core.errors import Invalid, MaktabError
from core.resources import Selection
from core.runtime import current
from plugins.transfer.formats import DemoFile, Mapping, known_formats
from plugins.transfer.models import Import, Reject
from plugins.transfer.reading.recognition import inspect, native_mapping
from plugins.transfer.services import importer
from plugins.transfer.services.exporter import FORMATS, export_rows

REJECTED_ROWS = 3
FIRST_REASONS = 5
_COUNTS = ("state", "rows", "total", "created", "updated", "unchanged", "rejected", "rejects_file_id")


def import_(resource: str, file: Path, *, mapping: str = "", dry_run: bool = False, rejects: str = "") -> None:
    """Import FILE (CSV, XLSX, JSON lines) into RESOURCE. Exit code 3, and the first reasons, when rows were rejected.

    --mapping: a format, a saved mapping or a JSON file; without it the file's header decides.
    --dry-run: say what would happen and change nothing.
    --rejects: where to write the rejected rows with their reasons; mended, they can be imported again.
    """
    current().resource(resource)
    result = _take_in(resource, file, *_find_mapping(resource, file, mapping), dry_run)
    if result["state"] not in ("validated", "completed", "completed_with_errors"):
        raise MaktabError(result["error"] or f"The import ended as {result['state']}.")
    show(result)
    if result["rejected"]:
        _tell_rejected(result, rejects)
        sys.exit(REJECTED_ROWS)


def _tell_rejected(result: dict[str, Any], target: str) -> None:
    """The first reasons, and where all of them are; on stderr, as what was asked for stands on stdout."""
    first = Reject.select().where(Reject.import_id == result["import"], Reject.reason != "").order_by(Reject.line)
    for row in first.limit(FIRST_REASONS):
        click.echo(f"line {row.line}: {row.reason}", err=True)
    if target:
        with files.open_file(result["rejects_file_id"]) as rows, Path(target).open("wb") as out:
            shutil.copyfileobj(rows, out)
        click.echo(f"The rejected rows are in {target}.", err=True)
    else:
        page = f"/admin/imports/{result['import']}"
        click.echo(f"The rejected rows are on the page {page}; --rejects FILE writes them, with all reasons.", err=True)


def export(
    resource: str,
    *,
    out: Path,
    filter: tuple[str, ...] = (),
    search: str = "",
    as_list: bool = False,
    columns: str = "",
) -> Any:
    """Export all records of RESOURCE that match into a file: --out NAME.csv, .xlsx or .jsonl.

    --filter NAME=VALUE as in the address of the list; may be repeated. --as-list: the columns of the list as CSV;
    --columns NAME,NAME: these ones.
    """
    format = "list" if as_list else out.suffix.lstrip(".").lower()
    if format not in FORMATS or not all("=" in each for each in filter):
        raise click.UsageError("--out needs a name that ends in .csv, .xlsx or .jsonl; --filter is NAME=VALUE.")
    asked = dict(each.split("=", 1) for each in filter)
    selection = Selection(resource, everything=True, filters=asked, search=search)
    draft = out.with_name(out.name + ".part")  # a broken export leaves no file that looks whole
    with draft.open("wb") as stream:
        names = [name for name in columns.split(",") if name]
        rows = export_rows(context(), current().resource(resource), selection, format, stream, columns=names)
    draft.replace(out)
    return {"file": out, "records": rows}


def demo() -> Any:
    """Load the demo shop as if somebody had uploaded its files."""
    files: tuple[DemoFile, ...] = current().declared["register_demo"]
    return [_demo(one) for one in files]


def _demo(one: DemoFile) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder, one.path.name.removesuffix(".gz")) if one.write else one.path
        if one.write:
            one.write(one.path, path)
        return _take_in(one.resource, path, *_demo_mapping(one))


def _demo_mapping(one: DemoFile) -> tuple[Mapping, str]:
    return (one.mapping, "") if isinstance(one.mapping, Mapping) else importer.find_mapping(one.resource, one.mapping)


def _find_mapping(resource: str, path: Path, name: str) -> tuple[Mapping, str]:
    """(mapping, format): known by the file's header, or named (format, saved mapping, JSON file)."""
    if name:
        is_file = Path(name).is_file()
        given = (Mapping.from_json(json.loads(Path(name).read_text())), "") if is_file else None
        return given or importer.find_mapping(resource, name)
    preview = inspect(path)
    if preview.format and preview.format.resource == resource:
        return preview.format.mapping, preview.format.name
    native = native_mapping(current().resource(resource), preview)
    if native is None:
        names = ", ".join(known.name for known in known_formats() if known.resource == resource)
        raise Invalid(f"The header of {path.name} is not known: give --mapping ({names or 'a JSON file'}).")
    return native, ""


def _take_in(resource: str, path: Path, mapping: Mapping, format: str, dry_run: bool = False) -> dict[str, Any]:
    """Import `path` and wait for it; what became of it."""
    with path.open("rb") as stream:
        stored = files.store(context(), stream, path.name)

    def start() -> int:
        made = importer.start(context(), resource, stored.id, mapping, dry_run, file_name=path.name, format=format)
        return int(made.job_id or 0)

    job = run_here(start)
    done = Import.get(Import.job_id == job.id)
    answer = {"import": done.id, "job": job.id, "file": path.name} | {name: getattr(done, name) for name in _COUNTS}
    return answer | {"error": done.error or job.error}
