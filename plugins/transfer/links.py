"""Buttons of imports and exports on the pages of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask

from core import runtime
from core.i18n import _
from core.jobs import Job
from core.nav import Link


def beside_list(name: str, query: str, columns: Sequence[str] = ()) -> Sequence[Link]:
    """Export of what the list shows, with its `columns`, and import into it."""
    resource = runtime.current().resource(name)
    shown = ",".join(columns) or None
    export = flask.url_for("transfer.export_view", resource=name, columns=shown) + (f"&{query}" if query else "")
    links = [Link(_("Export"), export, resource.permission("export"), "download")]
    if resource.can_import and resource.key:
        upload = flask.url_for("transfer.upload_view", resource=name)
        links.append(Link(_("Import"), upload, resource.permission("import"), "upload", is_start=True))
    return links


def beside_job(job: Job) -> Sequence[Link]:
    """The import that a job worked on, and its rejected rows."""
    result: dict[str, Any] = job.result or {}
    if not job.kind.startswith("transfer.") or "import_id" not in result:
        return []
    page = flask.url_for("transfer.result_view", import_id=result["import_id"])
    permission = runtime.current().resource(job.resource).permission("import")
    links = [Link(_("See the import"), page, permission, "file-import")]
    if result.get("rejects_file_id"):
        rejects = flask.url_for("transfer.download", import_id=result["import_id"], which="rejects")
        links.append(Link(_("Rejected rows"), rejects, permission, "download"))
    return links
