"""Assembly of one generation's web application."""

from __future__ import annotations

import flask

from core.runtime import Runtime


def create_app(runtime: Runtime) -> flask.Flask:
    """The whole web application of `runtime`; it is never changed afterwards, a new generation builds a new one."""
    app = flask.Flask("maktab", static_folder=None)
    return app
