"""Sign-in, sign-out and the user's own page."""

from __future__ import annotations

import flask


def blueprint() -> flask.Blueprint:
    """A new blueprint per application."""
    pages = flask.Blueprint("core_auth", __name__, url_prefix="/admin")
    return pages
