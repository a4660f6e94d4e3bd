"""Pages for what went wrong: what happened, what was kept, what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import flask
import structlog
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from core import db
from core.errors import Forbidden, MaktabError, ReadOnly
from core.i18n import _


def init_app(app: flask.Flask) -> None:
    app.register_error_handler(MaktabError, _ours)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _page(status: int, text: str = "", headers: dict[str, str] | None = None) -> Any:
    if flask.request.path.startswith("/api/"):
        from core.api.guards import problem  # core.api stands on core.auth, whose pages stand on this room

        if status == HTTPStatus.SERVICE_UNAVAILABLE and not text:
            text = _("The database takes no changes now. Nothing was changed; send the same again in a moment.")
        return problem(status, HTTPStatus(status).name.lower(), text, headers=headers)
    values = {"status": status, "text": text, "request_id": _request_id()}
    return flask.render_template("admin/error.html", **values), status, headers or {}


def _request_id() -> str:
    context = flask.g.get("ctx")
    return str(context.request_id) if context else str(flask.request.environ.get("maktab.request_id", ""))


def _ours(error: MaktabError) -> Any:
    if isinstance(error, Forbidden):
        return _page(403, _("This needs the permission %(name)s.", name=error.permission))
    if error.status >= 500 and not isinstance(error, ReadOnly):
        return _unexpected(error)
    return _page(error.status, str(error), {"Retry-After": "30"} if error.status == 503 else None)


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")}
    return _page(error.code, "", kept)


def _stale(error: CSRFError) -> Any:
    return _page(400, _("This form is from an older sign-in. Go back, reload the page and send it again."))


def _unexpected(error: Exception) -> Any:
    log = structlog.get_logger("maktab.web")
    if db.takes_no_writes(error):
        db.note_refusal()
        log.error("database takes no writes", request_id=_request_id(), exc_info=error)
        return _page(503, "", {"Retry-After": "30"})
    log.error("request failed", request_id=_request_id(), path=flask.request.path, exc_info=error)
    return _page(500)
