"""Answers for what went wrong: a page for people, a problem (RFC 9457) for callers of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import flask
import structlog
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from core import db, nav, runtime
from core.errors import Forbidden, MaktabError, NoResource, SignInNeeded
from core.i18n import _, noun
from core.resources import Resource
from core.resources.fields import by_field
from core.resources.service import UNFIT, reason
from core.web.base import is_partial

log = structlog.get_logger("maktab.web")


def init_app(app: flask.Flask) -> None:
    handlers: dict[Any, Any] = dict.fromkeys(UNFIT, _unfit)
    handlers |= {SignInNeeded: _sign_in, MaktabError: _ours, CSRFError: _stale, HTTPException: _http}
    for kind, handler in (handlers | {Exception: _unexpected}).items():
        app.register_error_handler(kind, handler)
    app.after_request(_stay_here)


def _stay_here(answer: flask.Response) -> flask.Response:
    """Werkzeug's own redirects (a slash too few or too many) name the host that the caller named: ours are paths."""
    where = answer.headers.get("Location", "")
    if where.startswith(flask.request.host_url):
        answer.headers["Location"] = "/" + where.removeprefix(flask.request.host_url).lstrip("/")
    return answer


def _is_api() -> bool:
    return flask.request.path.startswith("/api/")


def _answer(
    status: int,
    text: str = "",
    *,
    code: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """`errors`: texts by field (dotted), which only the API shows: a page has them beside its inputs."""
    context, sent = flask.g.get("ctx"), dict(headers or {})
    request_id = context.request_id if context else flask.request.environ.get("maktab.request_id", "")
    if not _is_api():
        values = {"status": status, "text": text, "request_id": request_id, "find": _search(), "back": _back()}
        # The menu asks the database, which a page about its failure must not.
        values["in_shell"] = bool(context and context.actor.user_id and status < 500 and not is_partial())
        return flask.render_template("admin/error.html", **values), status, sent
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"code": code or HTTPStatus(status).name.lower(), "detail": text, "errors": errors or {}}
    answer = flask.jsonify(body | {"request_id": request_id})
    return answer, status, sent | {"Content-Type": "application/problem+json"}


def _search() -> dict[str, Any] | None:
    """The list of this address or the first one of the menu, if the user may search it; asks no database."""
    context = flask.g.get("ctx")
    for resource in sorted(runtime.current().resources.values(), key=_place):
        is_searched = resource.search_text or resource.search_exact
        if context and is_searched and context.actor.can(resource.permission("view")):
            return {"url": f"/admin/{resource.slug}/", "label": _("Search %(list)s", list=noun(resource.label_plural))}
    return None


def _place(resource: Resource) -> tuple[bool, int, int]:
    is_elsewhere = not flask.request.path.startswith(f"/admin/{resource.slug}/")
    groups = list(nav.GROUPS)
    return is_elsewhere, groups.index(resource.nav_group) if resource.nav_group in groups else -1, resource.nav_order


def _back() -> str:
    """The page of ours that led here; empty for another site's, and for this very address."""
    request = flask.request
    before = request.referrer or ""
    path = "/" + before.removeprefix(request.host_url) if before.startswith(request.host_url) else ""
    return path if path.startswith("/admin/") and path != request.full_path.rstrip("?") else ""


def _sign_in(error: SignInNeeded) -> Any:
    request = flask.request
    if _is_api():
        return _answer(401, str(error), code=error.code, headers=error.headers)
    if request.headers.get("HX-Request"):  # js/session.js asks, and the page stays as it is
        return "", 401
    back = request.full_path.rstrip("?") if request.method == "GET" else _back()
    return flask.redirect(flask.url_for("core_auth.sign_in", next=back or None))


def _ours(error: MaktabError) -> Any:
    if error.status >= 500:
        return _unexpected(error)
    text = str(error)
    if isinstance(error, Forbidden) and not error.text:
        text = _("This needs the permission %(name)s.", name=error.permission)
    if isinstance(error, NoResource):
        text = _("There is no resource %(name)s now; its plugin may be off.", name=error.name)
    return _answer(error.status, text, code=error.code, errors=error.errors, headers=error.headers)


def _unfit(error: Exception) -> Any:
    """What passed the schema and a service, and the database refused: taken, missing, too large, half a sign."""
    log.warning("value does not fit", path=flask.request.path, exc_info=error)
    return _answer(422, _("Some values do not fit."), code="invalid", errors=reason(error))


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    places = getattr(error, "data", {}).get("messages") or {}  # webargs: {place in the request: messages}
    errors = {name: texts for place in places.values() for name, texts in by_field(place).items()}
    said = (_("Some values do not fit.") if errors else error.description or "") if _is_api() else ""
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return _answer(error.code, said, errors=errors, headers=headers)


def _stale(error: CSRFError) -> Any:
    if flask.request.headers.get("HX-Request"):  # as after the end of a session: the page gets a new token
        return "", 401
    return _answer(400, _("This form is from an older sign-in. Go back, reload the page and send it again."))


def _unexpected(error: Exception) -> Any:
    refused = db.takes_no_writes(error)
    log.error("request failed", status=503 if refused else 500, path=flask.request.path, exc_info=error)
    if not refused:
        return _answer(500)
    db.note_refusal()
    text = _("The database takes no changes now. Nothing was changed; send the same again in a moment.")
    return _answer(503, text if _is_api() else "", headers={"Retry-After": "30"})  # the page has more to say
