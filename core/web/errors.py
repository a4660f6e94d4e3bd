"""Pages for what went wrong: what happened, what was kept, what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import flask
import peewee
import structlog
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from core.errors import Forbidden, MaktabError, ReadOnly
from core.i18n import _

# SQLite and PostgreSQL name these states in words only; the true cause is often only in the context of the error.
_NO_WRITES = (
    "disk is full", "disk i/o error", "readonly database", "read-only transaction", "no space left",
    "could not extend file", "recovery mode", "unable to open database", "database is locked", "connection refused",
    "server closed the connection", "terminating connection", "the connection is lost", "the database system is",
    "connection failed", "too many clients",
)  # fmt: skip


def init_app(app: flask.Flask) -> None:
    app.register_error_handler(MaktabError, _ours)
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_stay_here)


def _stay_here(answer: flask.Response) -> flask.Response:
    """Werkzeug's own redirects (a slash too few or too many) name the host that the caller named: ours are paths."""
    where = answer.headers.get("Location", "")
    if where.startswith(flask.request.host_url):
        answer.headers["Location"] = "/" + where.removeprefix(flask.request.host_url).lstrip("/")
    return answer


def takes_no_writes(error: BaseException) -> bool:
    """True when the database refused because it is full, read-only, busy or gone: nothing was changed."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, peewee.PeeweeException | OSError) and any(text in str(seen).lower() for text in _NO_WRITES):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _page(status: int, text: str = "", headers: dict[str, str] | None = None) -> Any:
    if flask.request.path.startswith("/api/"):
        from core.api.guards import problem  # core.api stands on core.auth, whose pages stand on this room

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
    if takes_no_writes(error):
        log.error("database takes no writes", request_id=_request_id(), exc_info=error)
        return _page(503, "", {"Retry-After": "30"})
    log.error("request failed", request_id=_request_id(), path=flask.request.path, exc_info=error)
    return _page(500)
