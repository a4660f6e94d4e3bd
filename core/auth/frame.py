"""flask-login as the frame: says who asks, once per request, and fills `flask.g.ctx`."""

from __future__ import annotations

from typing import Any

import flask
import flask_login
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature
from werkzeug.middleware.proxy_fix import ProxyFix

from core import runtime
from core.auth.models import User
from core.auth.sessions import by_session, by_token
from core.context import NOBODY, Context
from core.i18n import locale


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


class Identity(flask_login.UserMixin):  # type: ignore[misc]
    """What flask-login holds: the user, the context of the request, and the secret of the session."""

    def __init__(self, user: User, ctx: Context, secret: str = "") -> None:
        self.user, self.ctx, self.secret = user, ctx, secret

    def get_id(self) -> str:
        return self.secret


def current_context() -> Context:
    """The context of the running request."""
    ctx: Context = flask.g.ctx
    return ctx


def current_user() -> User:
    """The user of the running request; only behind a route that needs one."""
    user: User = flask_login.current_user.user
    return user


def enter(user: User, secret: str) -> None:
    """Let the browser of the running request in, by the secret of its session."""
    flask.session.clear()  # with it goes the CSRF token that somebody else may have planted before
    flask_login.login_user(Identity(user, current_context(), secret))


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
    # Without its context processor: the page that says the database is gone must not ask it who signed in.
    manager = flask_login.LoginManager(app, add_context_processor=False)
    manager.session_protection = None  # our rows decide; its own check of address and browser only looks like one
    manager.user_loader(_of_session)
    manager.request_loader(_of_token)
    app.before_request(_fill_context)


def _where() -> dict[str, Any]:
    """Where the running request comes from; its log lines carry the same number."""
    request = flask.request
    known = request.environ.get("maktab.request_id")
    return {"ip": request.remote_addr or ""} | ({"request_id": known} if known else {})


def _of_session(secret: str) -> Identity | None:
    found = None if flask.request.path.startswith("/api/") else by_session(secret, **_where())
    return Identity(*found, secret) if found else None


def _of_token(request: Any) -> Identity | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    is_ours = kind.lower() == "bearer" and request.path.startswith("/api/")
    found = by_token(text.strip(), **_where()) if is_ours else None
    return Identity(*found) if found else None


def _fill_context() -> None:
    flask.g.ctx = Context(NOBODY, "ui", locale=locale(), **_where())
    rule = flask.request.url_rule
    if rule is not None and rule.endpoint.rsplit(".", 1)[-1] == "static":
        return  # files are open to all: no statement for them
    if flask_login.current_user.is_authenticated:
        flask.g.ctx = flask_login.current_user.ctx
