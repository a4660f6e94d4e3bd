"""Assembly of one generation's web application."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote

import flask
import flask_admin
from flask_wtf.csrf import CSRFProtect
from werkzeug.routing import Rule

from core import access, api, auth, health, i18n
from core.errors import Invalid
from core.i18n import _
from core.plugins import assembly
from core.plugins.blame import blaming
from core.runtime import Runtime
from core.web import HomeView, MaktabTheme, ResourceView, base, confirm, errors, offline, theme


class _Request(flask.Request):
    """HEAD is GET to every view, else one that tells forms from pages by the method takes it for a form without a
    CSRF token. Raw bytes in the query, which werkzeug reads as UTF-8 or fails, come percent-encoded like all others.
    """

    def __init__(self, environ: dict[str, Any], *given: Any, **more: Any) -> None:
        query = environ.get("QUERY_STRING", "")
        if not query.isascii():
            environ["QUERY_STRING"] = quote(query.encode("latin1"), safe="".join(map(chr, range(128))))
        super().__init__(environ, *given, **more)
        if self.method == "HEAD":
            self.method = "GET"


class _Rule(Rule):
    """Writes and compiles the function that builds its addresses when the first one is wanted: to do so for all rules
    takes four times as long as everything else in `create_app`.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(super()._compile_builder)

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build


def create_app(runtime: Runtime) -> flask.Flask:
    """The whole web application of `runtime`; it is never changed afterwards, a new generation builds a new one."""
    app = flask.Flask("maktab", static_folder=None)
    app.request_class, app.url_rule_class = _Request, _Rule
    _configure(app, runtime)
    csrf = CSRFProtect()
    theme.init_app(app, runtime)
    i18n.init_app(app)
    errors.init_app(app)
    auth.init_app(app)
    access.init_app(app)
    base.init_app(app)
    csrf.init_app(app)  # reads forms and uploads, which it must not do for everybody
    app.before_request(_refuse_nul)
    app.after_request(confirm.for_dialog)
    health.init_app(app)
    offline.init_app(app)
    app.add_url_rule("/", "root", access.requires(access.SIGNED_IN)(lambda: flask.redirect("/admin/")))
    _add_views(app, runtime)
    api.init_app(app, runtime)
    for blueprint in app.blueprints.values():
        if (blueprint.url_prefix or "").startswith("/api"):
            csrf.exempt(blueprint)
    assembly.check(app, runtime)
    return app


def _configure(app: flask.Flask, runtime: Runtime) -> None:
    app.config.update(
        MAX_CONTENT_LENGTH=runtime.settings.upload_limit_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=4 * 1024 * 1024,
        MAX_FORM_PARTS=10_000,  # rows that were ticked one by one over many pages
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch must not lose its input
    )


def _refuse_nul() -> None:
    """PostgreSQL keeps no NUL, SQLite cuts texts there: it ends here, in addresses, forms and names of files."""
    request = flask.request
    if request.url_rule is None:
        return  # no such page, whatever is sent to it
    is_form = request.mimetype == "multipart/form-data" or not request.path.startswith("/api/")  # JSON: see core.api
    given = [name for file in request.files.values() if (name := file.filename)] if is_form else []
    for values in (request.args, request.form) if is_form else (request.args,):
        given += [text for name, texts in values.lists() for text in (name, *texts)]
    if any("\0" in text for text in given):
        raise Invalid(_("No text may hold the sign NUL."))


def _add_views(app: flask.Flask, runtime: Runtime) -> None:
    admin = flask_admin.Admin(app, name="Maktab", theme=MaktabTheme(), index_view=HomeView())
    for resource in runtime.resources.values():
        with blaming(resource.plugin, f"The pages of {resource.name}"):
            admin.add_view(ResourceView(resource))
    for hook in ("register_views", "register_blueprints"):
        for plugin, made in runtime.hooks.declared(hook):
            with blaming(plugin, hook):
                for one in made:
                    app.register_blueprint(one) if isinstance(one, flask.Blueprint) else admin.add_view(one)
