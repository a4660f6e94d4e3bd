"""Deny by default: every route declares a permission, checked before its view runs and at start-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flask
from werkzeug.routing import Rule

from core.access.permissions import SIGNED_IN, permissions
from core.errors import Forbidden, MaktabError, SignInNeeded
from core.i18n import _
from core.rights import looking

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = frozenset({"/admin/sign-in", "/admin/offline", "/admin/worker.js", "/healthz", "/readyz", "/metrics"})
"""The only URL rules open to nobody, besides static files. `/metrics` asks for a token or loopback itself."""

LEAVING = frozenset({"core_people.leave", "core_auth.sign_out"})
"""What can be posted while one looks with other eyes."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class UndeclaredRoute(MaktabError):
    """A route that says no permission, or one that does not exist."""

    def __init__(self, endpoint: str, text: str) -> None:
        super().__init__(text)
        self.endpoint = endpoint


def requires(permission: str) -> Callable[[View], View]:
    """Declare what a view needs: `@requires("orders.order.view")`.

    `{resource}` stands for the name of the view instance's resource.
    """

    def declare(view: View) -> View:
        view.__dict__["__permission__"] = permission
        return view

    return declare


def is_public(rule: Rule, view: Any) -> bool:
    """Static files, and what `PUBLIC` names."""
    static = getattr(view, "__func__", None) is flask.Blueprint.send_static_file or rule.endpoint == "static"
    return static or rule.rule in PUBLIC


def permission_of(view: Any, method: str) -> str | None:
    """The permission that `view` (function, bound method or class-based) declares for `method`."""
    method = "GET" if method in ("HEAD", "OPTIONS") else method
    owner = getattr(view, "__self__", None) or getattr(view, "view_class", None)
    function = getattr(owner, method.lower(), None) if hasattr(view, "view_class") else view
    told = getattr(function, "__permission__", getattr(view, "__permission__", None))
    found = getattr(owner, "permission", None) if told is None else told
    if not found or not isinstance(found, str):
        return None
    return found.replace("{resource}", owner.resource.name) if "{resource}" in found else found  # type: ignore[union-attr]


def route_permissions(app: flask.Flask) -> dict[tuple[str, str], str | None]:
    """{(endpoint, method): permission} of every route that is not public; None = undeclared."""
    found: dict[tuple[str, str], str | None] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        if not is_public(rule, view):
            found |= {(rule.endpoint, method): permission_of(view, method) for method in rule.methods or ()}
    return found


def check_routes(app: flask.Flask) -> None:
    """Refuse to start with a route that would be closed to all, or whose permission nobody can be given."""
    known = permissions()
    for (endpoint, method), permission in route_permissions(app).items():
        if permission in known:
            continue
        what = "declares no permission: put @core.access.requires(...) on the view, or `permission` on its class."
        if permission is not None:
            what = f"needs {permission!r}, which nobody declares: add it to `permissions` in plugin.toml."
        raise UndeclaredRoute(endpoint, f"{method} of the endpoint {endpoint!r} {what}")


def init_app(app: flask.Flask) -> None:
    """Guard every request. Comes after `core.auth.init_app`, which says who asks."""
    app.before_request(_guard)


def _guard() -> None:
    rule = flask.request.url_rule
    if rule is None:
        return  # no such page: the routing error answers
    view = flask.current_app.view_functions[rule.endpoint]
    if is_public(rule, view):
        return
    actor = flask.g.ctx.actor
    if actor.user_id is None:
        raise SignInNeeded(_("Send a valid API token: Authorization: Bearer mk_…"))
    if flask.g.ctx.is_looking and flask.request.method not in _READING and rule.endpoint not in LEAVING:
        raise looking(flask.g.ctx)
    permission = permission_of(view, flask.request.method)
    if permission is None or not actor.can(permission):
        raise Forbidden(permission or SIGNED_IN)
