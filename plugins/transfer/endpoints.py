"""Exports and imports in the API of every resource."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import flask

from core import db, files, jobs
from core.api import Endpoint, Started, selection, started
from core.auth import current_context
from core.db import utcnow
from core.errors import Invalid
from core.i18n import _
from core.resources import Resource
from plugins.transfer.formats import Mapping
from plugins.transfer.reading.recognition import inspect, native_mapping
from plugins.transfer.schemas import ExportOrder, ImportOrder
from plugins.transfer.services import exporter, importer, reports


def of(resource: Resource) -> list[Endpoint]:
    """`POST /exports`, and `POST /imports` where the resource can be imported."""
    return [*_exports(resource), *(_imports(resource) if resource.can_import else ())]


def _exports(resource: Resource) -> Iterator[Endpoint]:
    def export(asked: dict[str, Any]) -> Any:
        chosen = selection(resource, asked)
        job = exporter.start_export(current_context(), resource, chosen, asked["format"], asked["columns"])
        return started(job)

    allowed, summary = resource.permission("export"), f"{resource.label_plural}: export"
    yield Endpoint("POST", "/exports", export, allowed, Started, 202, ExportOrder, once=True, summary=summary)


def _imports(resource: Resource) -> Iterator[Endpoint]:
    def receive() -> dict[str, Any]:
        """The upload, kept for a day until the call is through, and how it is to be read."""
        upload = flask.request.files.get("file")
        if upload is None:
            raise Invalid({"file": [_("Send the file as the form field `file` (multipart/form-data).")]})
        ctx, named, tomorrow = current_context(), flask.request.form.get("mapping", ""), utcnow() + timedelta(days=1)
        with tempfile.NamedTemporaryFile() as copy:
            shutil.copyfileobj(upload.stream, copy)
            copy.seek(0)
            mapping, format = _mapping(resource, Path(copy.name), named)
            name = upload.filename or "import"
            kept = files.store(ctx, cast(BinaryIO, copy), name, upload.mimetype, expires_at=tomorrow)
        return {"file": kept, "mapping": mapping, "format": format}

    def take_in(asked: dict[str, Any], file: files.StoredFile, mapping: Mapping, format: str) -> Any:
        ctx = current_context()
        with db.transaction():
            files.keep(file.id, reports.expiry())
            import_ = importer.start(ctx, resource.name, file.id, mapping, asked["dry_run"], file.name, format)
            return started(jobs.find(ctx, import_.job_id or 0))

    allowed, summary = resource.permission("import"), f"{resource.label_plural}: import"
    yield Endpoint(
        "POST", "/imports", take_in, allowed, Started, 202, ImportOrder, "form", summary=summary, once=True,
        prepare=receive,
    )  # fmt: skip


def _mapping(resource: Resource, path: Path, name: str) -> tuple[Mapping, str]:
    """(mapping, format) that the caller names, or that the header of the file says; nothing is guessed here."""
    if name:
        return importer.find_mapping(resource.name, name)
    preview = inspect(path, resource.name)
    known = preview.format
    mapping = known.mapping if known else native_mapping(resource, preview)
    if mapping is None:
        raise Invalid({"mapping": [_("The header of this file is not known: name a mapping.")]})
    return mapping, known.name if known else ""
