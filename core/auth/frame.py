"""Who asks: found once per request, by session or token, and kept in `flask.g` as `user` and `ctx`."""

from __future__ import annotations

from typing import Any

import flask
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature
from werkzeug.middleware.proxy_fix import ProxyFix

from core import runtime
from core.auth.models import User
from core.auth.sessions import by_session, by_token
from core.context import NOBODY, Context
from core.i18n import locale

_SESSION = "_user_id"
"""Where the cookie has the secret of the session: the name that it had when the first people signed in."""


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie without its age, which refuses a cookie that a host with a faster clock has made.

    How long a session lives is in its row.
    """

    def open_session(self, app: flask.Flask, request: flask.Request) -> SecureCookieSession:
        serializer = self.get_signing_serializer(app)
        assert serializer is not None  # noqa: S101 - our applications have a key
        try:
            return self.session_class(serializer.loads(request.cookies.get(self.get_cookie_name(app), "")))
        except BadSignature:
            return self.session_class()


def current_context() -> Context:
    """The context of the running request."""
    ctx: Context = flask.g.ctx
    return ctx


def current_user() -> User:
    """The user of the running request; only behind a route that needs one."""
    user: User = flask.g.user
    return user


def enter(secret: str) -> None:
    """Let the browser of the running request in, by the secret of its session."""
    flask.session.clear()  # with it goes the CSRF token that somebody else may have planted before
    flask.session[_SESSION] = secret


def init_app(app: flask.Flask) -> None:
    """Sessions for pages, bearer tokens for the API and nothing else."""
    settings = runtime.current().settings
    secure = settings.public_url.startswith("https://")
    app.secret_key = settings.key("session")
    app.session_interface = CookieSessions()
    app.config.update(
        SESSION_COOKIE_NAME="__Host-maktab" if secure else "maktab",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    if hops := settings.proxy_hops:  # else anybody could write his own address into the header
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(_fill_context)


def _fill_context() -> None:
    request = flask.request
    where: dict[str, Any] = {"ip": request.remote_addr or ""}
    if known := request.environ.get("maktab.request_id"):  # the log lines of this request carry the same number
        where["request_id"] = known
    flask.g.ctx = Context(NOBODY, "ui", locale=locale(), **where)
    rule = request.url_rule
    if rule is not None and rule.endpoint.rsplit(".", 1)[-1] == "static":
        return  # files are open to all: no statement for them
    if request.path.startswith("/api/"):
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        found = by_token(text.strip(), **where) if kind.lower() == "bearer" else None
    else:
        secret = flask.session.get(_SESSION)
        found = by_session(secret, **where) if secret else None
    if found:
        flask.g.user, flask.g.ctx = found
