"""Exports and imports in the API of every resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import flask

from core import db, files, jobs
from core.api import Endpoint, Started, selection, started
from core.auth import current_context
from core.errors import Invalid
from core.i18n import _
from core.resources import Resource
from plugins.transfer.formats import Mapping
from plugins.transfer.models import Import
from plugins.transfer.reading.recognition import inspect, native_mapping
from plugins.transfer.schemas import ExportOrder, ImportOrder
from plugins.transfer.services import exporter, importer, reports


def of(resource: Resource) -> list[Endpoint]:
    """`POST /exports`, and `POST /imports` where the resource can be imported."""
    return [*_exports(resource), *(_imports(resource) if resource.can_import else ())]


def _exports(resource: Resource) -> Iterator[Endpoint]:
    def export(asked: dict[str, Any]) -> Any:
        job = exporter.start_export(current_context(), resource, selection(resource, asked), asked["format"])
        return started(job)

    allowed, summary = resource.permission("export"), f"{resource.label_plural}: export"
    yield Endpoint("POST", "/exports", export, allowed, Started, 202, ExportOrder, once=True, summary=summary)


def _imports(resource: Resource) -> Iterator[Endpoint]:
    def take_in(asked: dict[str, Any]) -> Any:
        upload = flask.request.files.get("file")
        if upload is None:
            raise Invalid({"file": [_("Send the file as the form field `file` (multipart/form-data).")]})
        ctx, name = current_context(), upload.filename or "import"
        until = reports.expiry()
        stored = files.store(ctx, cast(BinaryIO, upload.stream), name, upload.mimetype, expires_at=until)
        try:
            with db.transaction():
                import_ = importer.upload(ctx, resource.name, stored.id, stored.name)
                importer.set_mapping(ctx, import_, *_mapping(resource, import_, asked["mapping"]))
                return started(jobs.find(ctx, importer.run(ctx, import_, asked["dry_run"]).job_id or 0))
        except BaseException:  # nobody hears of this file again
            importer.drop(stored)
            raise

    allowed, summary = resource.permission("import"), f"{resource.label_plural}: import"
    yield Endpoint("POST", "/imports", take_in, allowed, Started, 202, ImportOrder, "form", summary=summary)


def _mapping(resource: Resource, import_: Import, name: str) -> tuple[Mapping, str]:
    """(mapping, format) that the caller names, or that the header of the file says; nothing is guessed here."""
    if name:
        return importer.find_mapping(resource.name, name)
    preview = inspect(importer.local_copy(import_), resource.name)
    known = preview.format
    mapping = known.mapping if known else native_mapping(resource, preview)
    if mapping is None:
        raise Invalid({"mapping": [_("The header of this file is not known: name a mapping.")]})
    return mapping, known.name if known else ""
