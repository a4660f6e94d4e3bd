"""The endpoints of one resource, built from its declaration; and those of jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import starmap
from typing import Any, BinaryIO, cast

import flask
import flask_smorest
from werkzeug.exceptions import PreconditionFailed

from core import access, db, jobs
from core.api import shapes
from core.api.guards import guard, once_per_key
from core.auth import current_context
from core.errors import Conflict, Invalid
from core.i18n import _
from core.resources import Action, ListState, Outcome, Resource, Selection, query, service_of, traits
from core.resources.fields import part_of

_ERRORS = (400, 401, 403, 404, 409, 413, 415, 422, 429)
_KEY = {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "maxLength": 255}}
_MATCH = {"in": "header", "name": "If-Match", "schema": {"type": "string"}, "description": "The ETag of your copy."}
_ID = "/<int:record_id>"


class Endpoints:
    """Collects the endpoints of one blueprint: permission, shapes, errors and description in one call each."""

    def __init__(self, name: str, prefix: str, title: str) -> None:
        self.blueprint = flask_smorest.Blueprint(f"api_{name}", __name__, url_prefix=prefix, description=title)
        guard(self.blueprint)

    def add(
        self,
        method: str,
        rule: str,
        view: Callable[..., Any],
        permission: str,
        answer: Any = None,
        *,
        status: int = 200,
        body: Any = None,
        location: str = "json",
        summary: str = "",
        headers: Sequence[Mapping[str, Any]] = (),
        **more: Any,
    ) -> None:
        """One endpoint. `body`: schema of what comes in at `location`; `headers`: documented request headers."""
        made = self.blueprint.response(status, answer)(view)
        if body is not None:
            made = self.blueprint.arguments(body, location=location, **more)(made)
        described = {"parameters": list(headers)} if headers else {}
        errors = {str(code): HTTPStatus(code).name for code in _ERRORS}
        made = self.blueprint.doc(summary=summary, responses=errors, **described)(made)
        if _KEY in headers:
            made = once_per_key(made)
        name = f"{method}_{rule}".lower().replace("/", "_").translate(str.maketrans("", "", "<>:-"))
        self.blueprint.add_url_rule(rule, name, access.requires(permission)(made), methods=[method])


def of_resource(resource: Resource) -> Any:
    """The blueprint of one resource."""
    made = Endpoints(resource.name.replace(".", "_"), f"/api/v1/{resource.slug}", str(resource.label_plural))
    _add_reading(made, resource)
    _add_writing(made, resource)
    _add_traits(made, resource)
    for action in resource.actions:
        _add_action(made, resource, action)
    _add_files(made, resource)
    return made.blueprint


def _add_reading(made: Endpoints, resource: Resource) -> None:
    def many(asked: dict[str, Any]) -> Any:
        state = ListState.of(resource, {name: str(value) for name, value in asked.items()})
        found = query.page_ids(current_context(), resource, state)
        return {"data": service_of(resource).documents(found.ids), "next": found.next, "previous": found.previous}

    def one(record_id: int) -> Any:
        return _document(resource, query.reach(current_context(), resource, record_id).id)

    view, plural = resource.permission("view"), resource.label_plural
    listing = shapes.listing(resource)
    made.add(
        "GET",
        "",
        many,
        view,
        shapes.page(resource),
        body=listing,
        location="query",
        summary=str(plural),
        unknown="raise",
    )
    made.add("GET", _ID, one, view, resource.schema, summary=str(resource.label))


def _add_writing(made: Endpoints, resource: Resource) -> None:
    service, label = service_of(resource), resource.label

    def create(doc: dict[str, Any]) -> Any:
        made_id = _only(service.create(current_context(), [doc])).id
        document, _status, headers = _document(resource, made_id or 0)
        return document, 201, headers | {"Location": f"/api/v1/{resource.slug}/{made_id}"}

    def change(doc: dict[str, Any], record_id: int) -> Any:
        versions = _expected(resource, record_id, "edit")
        _only(service.update(current_context(), {record_id: doc}, versions))
        return _document(resource, record_id)

    def delete(record_id: int) -> Any:
        _expected(resource, record_id, "delete")
        (gone,) = service.delete(current_context(), [record_id])
        if not gone.ok:
            raise Conflict(gone.reason)
        return flask.make_response("", 204)

    example = shapes.example(resource)
    if resource.can_create:
        made.add(
            "POST", "", create, resource.permission("create"), resource.schema, status=201, body=resource.schema,
            summary=f"{label}: create", headers=[_KEY], example=example,
        )  # fmt: skip
    if resource.can_edit:
        made.add(
            "PATCH", _ID, change, resource.permission("edit"), resource.schema, body=part_of(resource.schema),
            summary=f"{label}: change the fields that are sent", headers=[_MATCH], example=example,
        )  # fmt: skip
    if resource.can_delete:
        allowed = resource.permission("delete")
        made.add("DELETE", _ID, delete, allowed, status=204, summary=f"{label}: delete", headers=[_MATCH])


def _add_traits(made: Endpoints, resource: Resource) -> None:
    def tags(record_id: int) -> Any:
        query.reach(current_context(), resource, record_id)
        return flask.jsonify({"data": traits.tags_of(resource, [record_id])[record_id]})

    def notes(record_id: int) -> Any:
        query.reach(current_context(), resource, record_id)
        return {"data": traits.notes_of(resource, record_id, 200)}

    def add_note(note: dict[str, Any], record_id: int) -> Any:
        query.reach(current_context(), resource, record_id, resource.permission("note"))
        return traits.add_note(current_context(), resource, record_id, note["text"])

    view, label, shape = resource.permission("view"), resource.label, shapes.NoteShape
    if resource.has_tags:
        made.add("GET", f"{_ID}/tags", tags, view, summary=f"{label}: tags")
    if resource.has_notes:
        made.add("GET", f"{_ID}/notes", notes, view, shapes.Notes, summary=f"{label}: notes")
        made.add(
            "POST", f"{_ID}/notes", add_note, resource.permission("note"), shape, status=201, body=shape,
            summary=f"{label}: add a note", headers=[_KEY],
        )  # fmt: skip


def _add_action(made: Endpoints, resource: Resource, action: Action) -> None:
    def run(asked: dict[str, Any]) -> Any:
        # The arguments go on as they came: a job keeps them as JSON and loads them anew.
        arguments = flask.request.get_json().get("arguments", {})
        done = jobs.start_action(current_context(), resource.name, action.name, _selection(resource, asked), arguments)
        return (
            _started(done) if isinstance(done, jobs.Job) else {"outcomes": list(starmap(shapes.outcome, done.items()))}
        )

    made.add(
        "POST", f"/actions/{action.name}", run, resource.permission(action.name), shapes.Started,
        body=shapes.command(resource, action), summary=f"{resource.label_plural}: {action.label}", headers=[_KEY],
    )  # fmt: skip


def _add_files(made: Endpoints, resource: Resource) -> None:
    from core import files, transfer  # those rooms declare resources themselves

    def export(asked: dict[str, Any]) -> Any:
        return _started(
            transfer.start_export(current_context(), resource, _selection(resource, asked), asked["format"])
        )

    def take_in(asked: dict[str, Any]) -> Any:
        upload = flask.request.files.get("file")
        if upload is None:
            raise Invalid({"file": [_("Send the file as the form field `file` (multipart/form-data).")]})
        ctx, name = current_context(), upload.filename or "import"
        until = transfer.expiry()
        stored = files.store(ctx, cast(BinaryIO, upload.stream), name, upload.mimetype, expires_at=until)
        try:
            with db.transaction():
                import_ = transfer.upload(ctx, resource.name, stored.id, stored.name)
                transfer.set_mapping(ctx, import_, *_mapping(resource, import_, asked["mapping"]))
                return _started(jobs.find(ctx, transfer.run(ctx, import_, asked["dry_run"]).job_id or 0))
        except BaseException:  # nobody hears of this file again
            transfer.drop(stored)
            raise

    plural = resource.label_plural
    made.add(
        "POST", "/exports", export, resource.permission("export"), shapes.Started, status=202, body=shapes.ExportOrder,
        summary=f"{plural}: export", headers=[_KEY],
    )  # fmt: skip
    if resource.can_import:
        made.add(
            "POST", "/imports", take_in, resource.permission("import"), shapes.Started, status=202,
            body=shapes.ImportOrder, location="form", summary=f"{plural}: import",
        )  # fmt: skip


def _mapping(resource: Resource, import_: Any, name: str) -> tuple[Any, str]:
    """(mapping, format) that the caller names, or that the header of the file says; nothing is guessed here."""
    from core import transfer

    if name:
        return transfer.find_mapping(resource.name, name)
    preview = transfer.inspect(transfer.importer.local_copy(import_), resource.name)
    known = preview.format
    mapping = known.mapping if known else transfer.native_mapping(resource, preview)
    if mapping is None:
        raise Invalid({"mapping": [_("The header of this file is not known: name a mapping.")]})
    return mapping, known.name if known else ""


def of_jobs() -> Any:
    """The blueprint of jobs."""
    made = Endpoints("jobs", "/api/v1/jobs", "Jobs")

    def one(job_id: int) -> Any:
        return jobs.find(current_context(), min(job_id, 2**63 - 1))

    made.add("GET", "/<int:job_id>", one, access.SIGNED_IN, shapes.JobShape, summary="A job of yours")
    return made.blueprint


def _document(resource: Resource, record_id: int) -> tuple[Any, int, dict[str, str]]:
    (document,) = service_of(resource).documents([record_id])
    return document, 200, {"ETag": f'"{document.get("version", 1)}"'}  # what never changes has no version


def _expected(resource: Resource, record_id: int, verb: str) -> dict[int, int]:
    """{id: version} when the caller says which version he saw; 412 when that is not the present one."""
    record = query.reach(current_context(), resource, record_id, resource.permission(verb))
    if "If-Match" not in flask.request.headers:
        return {}
    if not flask.request.if_match.contains(str(record.version)):
        raise PreconditionFailed(_("Someone changed this in the meantime; load it again."))
    return {record_id: record.version}


def _only(outcomes: Sequence[Outcome]) -> Outcome:
    (outcome,) = outcomes
    if not outcome.ok:
        raise Invalid(outcome.errors)
    return outcome


def _selection(resource: Resource, asked: Mapping[str, Any]) -> Selection:
    chosen = {"filters": asked["filters"], "search": asked["search"], "excluded": tuple(asked["excluded"])}
    return Selection(resource.name, tuple(asked.get("ids", ())), asked["all"], **chosen)


def _started(job: Any) -> tuple[Any, int, dict[str, str]]:
    return {"job": job}, 202, {"Location": f"/api/v1/jobs/{job.id}"}
