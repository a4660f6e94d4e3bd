"""Base of every admin page and the theme that draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import flask
import flask_admin
import flask_admin.theme

from core import preferences
from core.auth import current_context
from core.context import Context
from core.i18n import DIGITS
from core.resources import Waiting

context = current_context
"""Who asks."""


@dataclass
class MaktabTheme(flask_admin.theme.Theme):  # type: ignore[misc]
    """Our templates come from the app's own loader; flask_admin has no such folder, so a forgotten one is an error."""

    folder: str = "tabler"
    base_template: str = "admin/base.html"


class Guarded:
    """core.access has already asked whether this may be opened, before any view is called."""

    def _handle_view(self, view_name: str, /, **values: Any) -> None:
        """Flask-Admin's own check; its version takes no route whose argument is called `name`."""


class AdminView(Guarded, flask_admin.BaseView):  # type: ignore[misc]
    """A page that a Resource cannot give.

    `permission`: needed for each of its methods, unless one says `@core.access.requires`. `nav_group`: where the menu
    shows it (see `core.nav.GROUPS`; empty: nowhere), at `nav_order`, with `icon`; `g` and `nav_key` open it.
    `waiting(ctx)`, where a page has it: what waits there, as numbers beside its entry. `places`: what stands on it and
    the command bar finds by name, {address, seen from the page (`#tokens`): name}.
    """

    permission = ""
    nav_group = ""
    nav_order = 50
    nav_key = ""
    icon = "box"
    places: Mapping[str, Any] = {}
    waiting: Callable[[Context], Sequence[Waiting]] | None = None


def init_app(app: flask.Flask) -> None:
    """What a user chose for how he reads goes into the context, below which nothing knows of requests."""
    app.before_request(_read_as_chosen)


def _read_as_chosen() -> None:
    ctx = context()
    if ctx.source == "ui" and ctx.actor.user_id is not None and preference("digits") in DIGITS:
        flask.g.ctx = replace(ctx, digits=preference("digits"))


def preference(name: str, default: Any = None) -> Any:
    """What the user has chosen as `name` (see core.preferences), read once a request."""
    if "preferences" not in flask.g:
        flask.g.preferences = preferences.of(context())
    return flask.g.preferences.get(name, default)


def is_partial() -> bool:
    """True when htmx asks for a part of the page."""
    headers = flask.request.headers
    return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers


def is_dialog() -> bool:
    """True when js/ask.js asks, which shows the answer over the page that is open."""
    return is_partial() and "Maktab-Dialog" in flask.request.headers


def came_from(default: str) -> str:
    """The page of the admin that a form was sent from (its field `back`), else `default`: never another site."""
    back = flask.request.form.get("back", "")
    return back if back.startswith("/admin/") and "\\" not in back and back.isprintable() else default


def redirect(url: str) -> Any:
    """To `url`; htmx, which would follow by itself and put the page into a part, is told to go there."""
    return flask.make_response("", 204, {"HX-Redirect": url}) if is_partial() else flask.redirect(url)
