"""What stands before and around every call of the API: size and kind of bodies, rate, idempotency keys."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import wraps
from typing import Any

import flask
import peewee
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from core import db, runtime
from core.auth import current_context
from core.auth.frame import current_scopes
from core.db import JSONField, Model, UTCDateTimeField, utcnow
from core.errors import Forbidden, Invalid, MaktabError
from core.i18n import _
from core.parse import parse_json

BODY_BYTES = 2 * 1024 * 1024
CALLS_PER_MINUTE = 600
_KEPT = timedelta(hours=24)
_REPLAYED = ("ETag", "Location", "Content-Type")


class KeptAnswer(Model):
    """The answer to a request with an `Idempotency-Key`; `status` NULL: it still runs, and nobody else sees the row."""

    audit_exempt = "the request's change is audited itself"
    user_id = peewee.BigIntegerField()
    key = peewee.CharField(max_length=255)
    request_hash = peewee.CharField(max_length=64)
    status = peewee.IntegerField(null=True)
    headers = JSONField(null=True)
    body = peewee.TextField(null=True)
    created_at = UTCDateTimeField(default=utcnow, index=True)

    class Meta:
        table_name = "core_api_answer"
        indexes = ((("user_id", "key"), True),)


class RateCounter(Model):
    """Calls of one token in the running minute."""

    audit_exempt = "a counter"
    key = peewee.CharField(max_length=80, unique=True)
    minute = peewee.BigIntegerField()
    calls = peewee.IntegerField()

    class Meta:
        table_name = "core_api_rate"


class TooManyCalls(MaktabError):
    """A token used up its calls of this minute."""

    status, code = 429, "too_many_calls"


def guard(blueprint: Any) -> None:
    """Put the checks on a blueprint of the API."""
    blueprint.before_request(_count_call)
    blueprint.before_request(_check_body)
    blueprint.after_request(_tell_rate)


def demand_named(permission: str) -> None:
    """Where a person is asked for the password, a token must have been made for this: its scopes name `permission`.

    Making a token asks for the password; one for everything ("*", a pattern) does not pass by being a token.
    """
    if permission not in current_scopes():
        raise Forbidden(permission, _("This needs an API token whose scopes name %(name)s.", name=permission))


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
    calls = 0
    with db.optional_write():  # a database that takes no writes can still be read
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
        if response.status_code == 429:
            response.headers["Retry-After"] = str(rate["Reset"])
    return response


def once_per_key(view: Callable[..., Any], prepare: Callable[[], Mapping[str, Any]] = dict) -> Callable[..., Any]:
    """With an `Idempotency-Key`, do `view` once and give its answer again for 24 hours.

    The key, the change and its answer are one transaction: a second call that comes meanwhile waits for the first, and
    one that fails or whose process dies leaves nothing, not even the key.
    `prepare`: what takes long and changes nothing, before that transaction; what it gives goes to the view by name.
    """

    @wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        if "Idempotency-Key" not in flask.request.headers:
            return view(*args, **kwargs, **prepare())
        mine, seal = _asked(flask.request.headers["Idempotency-Key"])
        known = _answered(mine, seal)
        if known is not None:
            return known
        prepared = prepare()
        with db.transaction():
            claimed = _claim(mine, seal)
            if not claimed:
                return _answered(mine, seal)
            answer = flask.make_response(view(*args, **kwargs, **prepared))
            headers = {name: answer.headers[name] for name in _REPLAYED if name in answer.headers}
            kept = {"status": answer.status_code, "headers": headers, "body": answer.get_data(as_text=True)}
            KeptAnswer.update(kept).where(KeptAnswer.id.in_(claimed)).execute()
        return answer

    return once


def _asked(key: str) -> tuple[dict[str, Any], str]:
    """Whose key it is, and a seal of the request, so that the key is not taken for another one."""
    request = flask.request
    if not 0 < len(key) <= 255:
        raise Invalid({"Idempotency-Key": [_("A key has 1 to 255 signs.")]})
    asked = b"\n".join((request.method.encode(), request.full_path.encode(), *_body()))
    # With a key of ours: a plain hash of a body that sets a password could be guessed from a copy of the database.
    seal = hmac.new(runtime.current().settings.key("session"), asked, hashlib.sha256).hexdigest()
    return {"user_id": current_context().actor.user_id or 0, "key": key}, seal


def _body() -> Iterator[bytes]:
    """What a request is compared by; of a form, whose parts come with other words around them each time, the values."""
    if flask.request.mimetype != "multipart/form-data":
        yield flask.request.get_data()
        return
    for name, text in sorted(flask.request.form.items(multi=True)):
        yield json.dumps([name, text]).encode()
    for name, upload in sorted(flask.request.files.items(multi=True), key=lambda pair: pair[0]):
        digest = hashlib.file_digest(upload.stream, "sha256").hexdigest()  # type: ignore[arg-type]
        upload.stream.seek(0)
        yield json.dumps([name, upload.filename, digest]).encode()


def _answered(mine: dict[str, Any], seal: str) -> flask.Response | None:
    """What was answered to the call with this key."""
    row = KeptAnswer.get_or_none(~_is_free(), **mine)
    if row is None:
        return None
    if row.request_hash != seal:
        raise Invalid({"Idempotency-Key": [_("This key was used for another request.")]})
    return flask.make_response(row.body, row.status, row.headers | {"Idempotency-Replayed": "true"})


def _claim(mine: dict[str, Any], seal: str) -> list[int]:
    """The id of our row, when the key was free. While another call has it, this waits for that one's end."""
    fresh = {"request_hash": seal, "created_at": utcnow(), "status": None, "headers": None, "body": None}
    taken: Any = KeptAnswer.insert(mine | fresh).on_conflict(
        conflict_target=[KeptAnswer.user_id, KeptAnswer.key], update=fresh, where=_is_free()
    )
    return [row.id for row in taken.returning(KeptAnswer.id).execute()]


def _is_free() -> Any:
    """Too old, or of a process of an earlier version that died over it."""
    return KeptAnswer.status.is_null() | (KeptAnswer.created_at < utcnow() - _KEPT)
