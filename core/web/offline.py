"""What a browser shows when the network or the server is gone: a page that it keeps, by a service worker of its own."""

from __future__ import annotations

import flask

from core.web.theme import asset

FILES = ("vendor/tabler-base.css", "maktab.css", "js/theme.js", "icon.svg")


def init_app(app: flask.Flask) -> None:
    """Two public routes below `/admin`, over which the worker stands; neither knows anybody."""
    app.add_url_rule("/admin/offline", "offline", page)
    app.add_url_rule("/admin/worker.js", "offline_worker", worker)


def page() -> str:
    """In the language and colors of whoever asks."""
    return flask.render_template("admin/error.html", status=0)


def worker() -> flask.Response:
    """The script with the names of the present assets: a browser that finds another one keeps the page anew."""
    names = [flask.url_for("offline"), *map(asset, FILES)]
    answer = flask.make_response(flask.render_template("admin/worker.js", names=names))
    answer.mimetype = "text/javascript"
    return answer
