"""What stands before and around every call: problems as RFC 9457, size and kind of bodies, rate, idempotency keys."""

from __future__ import annotations

import hashlib
import hmac
import http
import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any, cast

import flask
import peewee
import structlog
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType

from core import db, runtime
from core.api.models import KeptAnswer, RateCounter
from core.auth import current_context
from core.border import parse_json
from core.db import utcnow
from core.errors import Conflict, Invalid, MaktabError
from core.i18n import _
from core.resources.fields import by_field
from core.resources.service import UNFIT, reason

log = structlog.get_logger("maktab.api")
BODY_BYTES = 2 * 1024 * 1024
CALLS_PER_MINUTE = 600
_KEPT, _RUNNING = timedelta(hours=24), timedelta(minutes=1)
_REPLAYED = ("ETag", "Location", "Content-Type")


class TooManyCalls(MaktabError):
    """A token used up its calls of this minute."""

    status, code = 429, "too_many_calls"


def guard(blueprint: Any) -> None:
    """Put checks and error answers on a blueprint of the API."""
    blueprint.before_request(_count_call)
    blueprint.before_request(_check_body)
    blueprint.after_request(_tell_rate)
    blueprint.register_error_handler(MaktabError, _ours)
    blueprint.register_error_handler(HTTPException, _http)
    for unfit in UNFIT:
        blueprint.register_error_handler(unfit, _unfit)


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> flask.Response:
    """An error as RFC 9457; `errors` maps fields (dotted) to texts."""
    title = http.HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    ctx = flask.g.get("ctx")
    body |= {"errors": errors or {}, "request_id": ctx.request_id if ctx else ""}
    return flask.make_response(
        json.dumps(body), status, {"Content-Type": "application/problem+json", **(headers or {})}
    )


def _ours(error: MaktabError) -> Any:
    if error.status >= 500:
        raise error  # the application's own handler logs it, or knows that the database takes no writes
    headers = {"Retry-After": str(60 - int(time.time()) % 60)} if error.status == 429 else None
    return problem(error.status, error.code, str(error), getattr(error, "errors", None), headers)


def _unfit(error: Exception) -> Any:
    """What passed the schema and a service, and the database refused: taken, missing, too large, half a sign."""
    log.warning("value does not fit", path=flask.request.path, error=type(error).__name__)
    return problem(422, "invalid", _("Some values do not fit; see errors."), reason(error))


def _http(error: HTTPException) -> Any:
    found = getattr(error, "data", {}).get("messages")
    errors = {name: texts for place in (found or {}).values() for name, texts in by_field(place).items()}
    detail = _("Some values do not fit; see errors.") if errors else error.description or ""
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return problem(error.code or 500, error.name.lower().replace(" ", "_"), detail, errors, kept)


def _check_body() -> None:
    """JSON of a decent size and depth, of which every number and every text can be kept."""
    request = flask.request
    if request.method not in ("POST", "PATCH") or request.mimetype == "multipart/form-data":
        return
    request.max_content_length = BODY_BYTES
    if request.get_data() and not request.is_json:
        raise UnsupportedMediaType(_("Send JSON, with the header Content-Type: application/json."))
    try:
        json.dumps(parse_json(request.get_data() or b"null"), ensure_ascii=False).encode()
    except ValueError:
        raise BadRequest(_("This is not JSON that can be read.")) from None
    if rb"\u0000" in request.get_data():
        raise BadRequest(_("No text may hold the sign NUL."))


def _count_call() -> None:
    """One upsert counts the call on the token's row, so that the limit holds over all processes."""
    minute = int(time.time()) // 60
    token = flask.request.headers.get("Authorization", "").split("_")[1:2]
    count = peewee.Case(None, [(RateCounter.minute == minute, RateCounter.calls + 1)], 1)
    row: Any = RateCounter.insert(key=f"token:{''.join(token)[:20]}", minute=minute, calls=1)
    row = row.on_conflict(
        conflict_target=[RateCounter.key], update={RateCounter.calls: count, RateCounter.minute: minute}
    )
    calls = next(iter(row.returning(RateCounter.calls).execute())).calls
    limit = flask.current_app.config.get("API_CALLS_PER_MINUTE", CALLS_PER_MINUTE)
    flask.g.api_rate = (limit, max(limit - calls, 0))
    if calls > limit:
        raise TooManyCalls(_("This token made %(limit)s calls in a minute. Wait for the next one.", limit=limit))


def _tell_rate(response: flask.Response) -> flask.Response:
    limit, left = flask.g.get("api_rate", (0, 0))
    if limit:
        rate = {"Limit": limit, "Remaining": left, "Reset": 60 - int(time.time()) % 60}
        response.headers.update({f"RateLimit-{name}": str(value) for name, value in rate.items()})
    return response


def once_per_key(view: Callable[..., Any]) -> Callable[..., Any]:
    """With an `Idempotency-Key`, do `view` once and give its answer again for 24 hours.

    The key is claimed first, in a transaction of its own, so that a second call sees it running; the change and its
    answer commit together, so that a claim whose process died (older than a minute) can be taken over safely.
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        if "Idempotency-Key" not in flask.request.headers:
            return view(*args, **kwargs)
        claim = _claim(flask.request.headers["Idempotency-Key"])
        if claim.status is not None:
            return flask.make_response(claim.body, claim.status, claim.headers | {"Idempotency-Replayed": "true"})
        mine = (KeptAnswer.id == claim.id) & (KeptAnswer.created_at == claim.created_at) & KeptAnswer.status.is_null()
        try:
            with db.transaction():
                answer = flask.make_response(view(*args, **kwargs))
                headers = {name: answer.headers[name] for name in _REPLAYED if name in answer.headers}
                kept = {"status": answer.status_code, "headers": headers, "body": answer.get_data(as_text=True)}
                if not KeptAnswer.update(kept).where(mine).execute():
                    raise Conflict(_("Another call with this Idempotency-Key took over."))
        except BaseException:  # nothing was done: the key is free again
            KeptAnswer.delete().where(mine).execute()
            raise
        return answer

    return once


def _claim(key: str) -> KeptAnswer:
    request, now = flask.request, utcnow()
    if not 0 < len(key) <= 255:
        raise Invalid({"Idempotency-Key": [_("A key has 1 to 255 signs.")]})
    asked = b"\n".join((request.method.encode(), request.full_path.encode(), request.get_data()))
    values = {"user_id": current_context().actor.user_id or 0, "key": key}
    # With a key of ours: a plain hash of a body that sets a password could be guessed from a copy of the database.
    seal = hmac.new(runtime.current().settings.key("session"), asked, hashlib.sha256).hexdigest()
    fresh = {"request_hash": seal, "created_at": now}
    KeptAnswer.delete().where(KeptAnswer.created_at < now - _KEPT).execute()
    made: Any = KeptAnswer.insert(values | fresh).on_conflict_ignore().returning(KeptAnswer)
    for claimed in made.execute():
        return cast(KeptAnswer, claimed)
    row: KeptAnswer | None = KeptAnswer.get_or_none(**values)
    if row is None:  # freed this moment by a call that failed
        return _claim(key)
    if row.request_hash != fresh["request_hash"]:
        raise Invalid({"Idempotency-Key": [_("This key was used for another request.")]})
    if row.status is None:
        dead = (KeptAnswer.id == row.id) & (KeptAnswer.created_at == row.created_at) & (row.created_at < now - _RUNNING)
        if not KeptAnswer.update(created_at=now).where(dead, KeptAnswer.status.is_null()).execute():
            raise Conflict(_("The first call with this Idempotency-Key is still running."))
        row.__data__["created_at"] = now
    return row
