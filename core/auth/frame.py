"""flask-login as the frame: says who asks, once per request, and fills `flask.g.ctx`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flask
import flask_login
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature
from werkzeug.middleware.proxy_fix import ProxyFix

from core import runtime
from core.auth import view_as
from core.auth.models import Session, User
from core.auth.sessions import acting, by_session, by_token, context_for
from core.context import NOBODY, Context
from core.i18n import locale

_LARGEST_COOKIE, _LONGEST = 3_900, 150


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

    def save_session(self, app: flask.Flask, session: Any, response: flask.Response) -> None:
        """Messages that make the cookie larger than a browser keeps are cut short: with it a new secret would go."""
        serializer, messages = self.get_signing_serializer(app), session.get("_flashes")
        if messages and serializer is not None and len(serializer.dumps(dict(session))) > _LARGEST_COOKIE:
            session["_flashes"] = [(tone, _shortened(message)) for tone, message in messages[-2:]]
        super().save_session(app, session, response)


def _shortened(message: Any) -> Any:
    """A message of `flask.flash`: a text, or what `core.web.outcomes` tells, then without the names of records."""
    if not isinstance(message, Mapping):
        return f"{str(message)[:_LONGEST]}…"
    left = [("", reason[:_LONGEST]) for _names, reason in message["left"]]
    return {**message, "text": message["text"][:_LONGEST], "left": left}


class Identity(flask_login.UserMixin):  # type: ignore[misc]
    """What flask-login holds: the user, the context of the request, the session with its secret, a token's scopes."""

    def __init__(
        self, user: User, ctx: Context, secret: str = "", session: Session | None = None, *,
        scopes: Sequence[str] = (), own: Context | None = None,
    ) -> None:  # fmt: skip
        self.user, self.ctx, self.secret, self.session = user, ctx, secret, session
        self.scopes, self.own = scopes, own or ctx

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


def own_context() -> Context:
    """The user's own context, also while he looks with other eyes."""
    ctx: Context = flask_login.current_user.own
    return ctx


def current_session() -> Session:
    """The session of the running request; only behind a page that needs a user."""
    session: Session = flask_login.current_user.session
    return session


def current_scopes() -> Sequence[str]:
    """What the API token of the running request is limited to."""
    scopes: Sequence[str] = flask_login.current_user.scopes
    return scopes


def enter(user: User, secret: str, session: Session | None = None) -> None:
    """From now on the browser comes with `secret`, that of `session` when it is the running one."""
    flask_login.login_user(Identity(user, current_context(), secret, session))


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
    found = None if flask.request.path.startswith("/api/") else by_session(secret)
    if found is None:
        return None
    user, session, grants = found
    own = acting(user, "ui", grants, session_id=session.id, **_where())
    ctx = view_as.seen(own, session) if session.view_as else own
    return Identity(user, ctx, secret, session, own=own)


def _of_token(request: Any) -> Identity | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    found = by_token(text.strip()) if kind.lower() == "bearer" and request.path.startswith("/api/") else None
    if found is None:
        return None
    user, token = found
    return Identity(user, context_for(user, "api", token.scopes, **_where()), scopes=token.scopes)


def _fill_context() -> None:
    flask.g.ctx = Context(NOBODY, "ui", locale=locale(), **_where())
    rule = flask.request.url_rule
    if rule is not None and rule.endpoint.rsplit(".", 1)[-1] == "static":
        return  # files are open to all: no statement for them
    if flask_login.current_user.is_authenticated:
        flask.g.ctx = flask_login.current_user.ctx
