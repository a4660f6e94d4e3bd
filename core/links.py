"""Links to records of any plugin, also of one that may be off."""

from __future__ import annotations

from typing import Any

import flask

from core import runtime


def endpoint(resource: str) -> str:
    """Name of the view of a resource; Flask refuses dots in it."""
    return resource.replace(".", "_")


def page(endpoint: str, **values: Any) -> str | None:
    """Address of a page that may not be there: None while its plugin is off."""
    known = endpoint in flask.current_app.view_functions
    return flask.url_for(endpoint, **values) if known else None


def to(resource: str, record_id: int | None) -> str | None:
    """Address of a record's page; None when its plugin is off, the id is empty or the actor may not view it."""
    declared = runtime.current().resources.get(resource)
    context = flask.g.get("ctx") if flask.has_request_context() else None
    if declared is None or record_id is None or (context and not context.actor.can(declared.permission("view"))):
        return None
    if not flask.has_app_context():
        return f"/admin/{declared.slug}/{record_id}"
    return flask.url_for(f"{endpoint(resource)}.details_view", record_id=record_id)
