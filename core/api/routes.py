"""The endpoints of one resource, built from its declaration; and those of jobs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal

import flask
import flask_smorest
from werkzeug.exceptions import PreconditionFailed

from core import access, jobs, runtime
from core.api import shapes
from core.api.guards import demand_named, guard, once_per_key
from core.auth import current_context
from core.errors import Conflict, Invalid
from core.i18n import _
from core.plugins.blame import blaming
from core.resources import Action, ListState, Outcome, Resource, Selection, query, service_of, traits
from core.resources.fields import part_of

_ERRORS = (400, 401, 403, 404, 409, 413, 415, 422, 429)
_KEY = {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string", "maxLength": 255}}
_MATCH = {"in": "header", "name": "If-Match", "schema": {"type": "string"}, "description": "The ETag of your copy."}
_BODY = {"query": {"unknown": "raise"}, "form": {"content_type": "multipart/form-data"}}
_ID = "/<int:record_id>"


@dataclass(frozen=True)
class Endpoint:
    """One call of the API: `method` and `rule` below its resource's address, and the permission that it needs.

    `view(body, **variables of the rule)` (without `body`, when none is declared) gives what `answer` dumps, or that
    with a status and headers, or a response. `answer`, `body`: marshmallow schemas; the body comes in at `location`.
    `once`: takes an `Idempotency-Key`; `if_match`: an ETag, which the view itself compares. `prepare` (with `once`):
    what takes long and changes no record, done before the call's transaction (an upload kept and looked at); what it
    gives goes to the view by name.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    rule: str
    view: Callable[..., Any]
    permission: str
    answer: Any = None
    status: int = 200
    body: Any = None
    location: Literal["json", "query", "form"] = "json"
    summary: Any = ""
    example: Mapping[str, Any] | None = None
    once: bool = False
    prepare: Callable[[], Mapping[str, Any]] = dict
    if_match: bool = False


def of_resource(resource: Resource) -> Any:
    """The blueprint of one resource: core's endpoints, then those that plugins add to every resource."""
    return _of_resource(resource, runtime.current().hooks.answering("resource_endpoints"))


@functools.lru_cache(maxsize=512)  # more than half the time to build an app, and the same in most generations
def _of_resource(resource: Resource, answering: tuple[Any, ...]) -> Any:
    made = _blueprint(resource.name.replace(".", "_"), f"/api/v1/{resource.slug}", str(resource.label_plural))
    for endpoint in (*_reading(resource), *_writing(resource), *_traits(resource), *_actions(resource)):
        _add(made, endpoint)
    for plugin, added in runtime.current().hooks.declared("resource_endpoints", resource=resource):
        with blaming(plugin, "resource_endpoints"):
            for endpoint in added:
                _add(made, endpoint, f"{plugin}_")
    return made


def of_jobs() -> Any:
    """The blueprint of jobs."""

    def one(job_id: int) -> Any:
        return jobs.find(current_context(), job_id)

    made = _blueprint("jobs", "/api/v1/jobs", "Jobs")
    _add(made, Endpoint("GET", "/<int:job_id>", one, access.SIGNED_IN, shapes.JobShape, summary="A job of yours"))
    return made


def _blueprint(name: str, prefix: str, title: str) -> Any:
    made = flask_smorest.Blueprint(f"api_{name}", __name__, url_prefix=prefix, description=title)
    guard(made)
    return made


def _add(blueprint: Any, one: Endpoint, owner: str = "") -> None:
    """Put shapes, errors, description and permission around a view, and it into the blueprint."""
    made = blueprint.response(one.status, one.answer)(one.view)
    if one.body is not None:
        more = _BODY.get(one.location, {})
        made = blueprint.arguments(one.body, location=one.location, example=one.example, **more)(made)
    headers = [_KEY] * one.once + [_MATCH] * one.if_match
    described = {"parameters": headers} if headers else {}
    errors = {str(code): HTTPStatus(code).name for code in _ERRORS}
    made = blueprint.doc(summary=str(one.summary), responses=errors, **described)(made)
    if one.once:
        made = once_per_key(made, one.prepare)
    name = f"{owner}{one.method}_{one.rule}".lower().replace("/", "_").translate(str.maketrans("", "", "<>:-"))
    blueprint.add_url_rule(one.rule, name, access.requires(one.permission)(made), methods=[one.method])


def _reading(resource: Resource) -> Iterator[Endpoint]:
    def many(asked: dict[str, Any]) -> Any:
        state = ListState.of(resource, {name: str(value) for name, value in asked.items()})
        ids, after, before = query.page_ids(current_context(), resource, state)
        return {"data": service_of(resource).documents(ids), "next": after, "previous": before}

    def one(record_id: int) -> Any:
        return _document(resource, query.reach(current_context(), resource, record_id).id)

    view, asked = resource.permission("view"), shapes.listing(resource)
    yield Endpoint(
        "GET", "", many, view, shapes.page(resource), body=asked, location="query", summary=resource.label_plural
    )
    yield Endpoint("GET", _ID, one, view, resource.schema, summary=resource.label)


def _writing(resource: Resource) -> Iterator[Endpoint]:
    service, label = service_of(resource), resource.label

    def check(verb: str, doc: dict[str, Any]) -> None:
        if not doc.keys().isdisjoint(resource.reauth):
            demand_named(resource.permission(verb))

    def create(doc: dict[str, Any]) -> Any:
        check("create", doc)
        made_id = _only(service.create(current_context(), [doc])).id
        document, headers = _document(resource, made_id or 0)
        return document, headers | {"Location": f"/api/v1/{resource.slug}/{made_id}"}

    def change(doc: dict[str, Any], record_id: int) -> Any:
        check("edit", doc)
        versions = _expected(resource, record_id, "edit")
        _only(service.update(current_context(), {record_id: doc}, versions))
        return _document(resource, record_id)

    def delete(record_id: int) -> Any:
        _expected(resource, record_id, "delete")
        (gone,) = service.delete(current_context(), [record_id])
        if not gone.ok:
            raise Conflict(gone.reason)
        return flask.make_response("", 204)

    shape, example = resource.schema, shapes.example(resource)
    if resource.can_create:
        yield Endpoint(
            "POST", "", create, resource.permission("create"), shape, 201, shape, example=example, once=True,
            summary=f"{label}: create",
        )  # fmt: skip
    if resource.can_edit:
        yield Endpoint(
            "PATCH", _ID, change, resource.permission("edit"), shape, 200, part_of(shape), example=example,
            if_match=True, summary=f"{label}: change the fields that are sent",
        )  # fmt: skip
    if resource.can_delete:
        allowed = resource.permission("delete")
        yield Endpoint("DELETE", _ID, delete, allowed, status=204, if_match=True, summary=f"{label}: delete")


def _traits(resource: Resource) -> Iterator[Endpoint]:
    def tags(record_id: int) -> Any:
        query.reach(current_context(), resource, record_id)
        return {"data": traits.tags_of(resource.name, [record_id])[record_id]}

    def notes(record_id: int) -> Any:
        query.reach(current_context(), resource, record_id)
        return {"data": traits.notes_of(resource.name, record_id, 200)}

    def add_note(note: dict[str, Any], record_id: int) -> Any:
        query.reach(current_context(), resource, record_id, "note")
        return traits.add_note(current_context(), resource.name, record_id, note["text"])

    view, label, shape = resource.permission("view"), resource.label, shapes.NoteShape
    if resource.has_tags:
        yield Endpoint("GET", f"{_ID}/tags", tags, view, summary=f"{label}: tags")
    if resource.has_notes:
        yield Endpoint("GET", f"{_ID}/notes", notes, view, shapes.Notes, summary=f"{label}: notes")
        yield Endpoint(
            "POST", f"{_ID}/notes", add_note, resource.permission("note"), shape, 201, shape, once=True,
            summary=f"{label}: add a note",
        )  # fmt: skip


def _actions(resource: Resource) -> Iterator[Endpoint]:
    for action in resource.actions:
        allowed, summary = resource.permission(action.name), f"{resource.label_plural}: {action.label}"
        yield Endpoint(
            "POST", f"/actions/{action.name}", _runner(resource, action), allowed, shapes.Started, 200,
            shapes.command(resource, action), once=True, summary=summary,
        )  # fmt: skip


def _runner(resource: Resource, action: Action) -> Callable[[dict[str, Any]], Any]:
    def run(asked: dict[str, Any]) -> Any:
        if action.asks in ("reauth", "typed"):
            demand_named(resource.permission(action.name))
        # The arguments go on as they came: a job keeps them as JSON and loads them anew.
        arguments = flask.request.get_json().get("arguments", {})
        done = jobs.start_action(current_context(), resource.name, action.name, selection(resource, asked), arguments)
        if isinstance(done, jobs.Job):
            return started(done)
        return {"outcomes": [replace(one, id=record_id) for record_id, one in done.items()]}

    return run


def _document(resource: Resource, record_id: int) -> tuple[Any, dict[str, str]]:
    (document,) = service_of(resource).documents([record_id])
    return document, {"ETag": f'"{document.get("version", 1)}"'}  # what never changes has no version


def _expected(resource: Resource, record_id: int, verb: str) -> dict[int, int]:
    """{id: version} when the caller says which version he saw; 412 when that is not the present one."""
    record = query.reach(current_context(), resource, record_id, verb)
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


def selection(resource: Resource, asked: Mapping[str, Any]) -> Selection:
    """The records that a body shaped like `Chosen` names."""
    kept = {name: asked[name] for name in ("filters", "search", "excluded")}
    return Selection(resource.name, asked.get("ids", ()), asked["all"], **kept)


def started(job: jobs.Job) -> tuple[Any, int, dict[str, str]]:
    """The answer of an endpoint (shape `Started`) that leaves its work to a job."""
    return {"job": job}, 202, {"Location": f"/api/v1/jobs/{job.id}"}
