"""Base of every admin page and the theme that draws it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask
import flask_admin
import flask_admin.theme

from core.context import Context

THEME = Path(__file__).parent.parent.parent / "themes" / "tabler"


@dataclass
class MaktabTheme(flask_admin.theme.Theme):  # type: ignore[misc]
    """Our templates come from the app's own loader; flask_admin has no such folder, so a forgotten one is an error."""

    folder: str = "tabler"
    base_template: str = "admin/base.html"


class AdminView(flask_admin.BaseView):  # type: ignore[misc]
    """A page that a Resource cannot give. `permission`: needed for each of its methods, unless one says `@requires`."""

    permission: str = ""


def context() -> Context:
    """Who asks, as the sign-in put it there."""
    found: Context = flask.g.ctx
    return found


def is_partial() -> bool:
    """True when htmx asks for a part of the page."""
    return flask.request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in flask.request.headers


def render(template: str, status: int = 200, **values: Any) -> flask.Response:
    """A page outside of any view (sign-in, errors)."""
    return flask.make_response(flask.render_template(template, **values), status)
