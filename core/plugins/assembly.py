"""The refusal of what a plugin may not do to an assembled web application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import flask
from flask.sansio.blueprints import Blueprint

from core import access
from core.errors import MaktabError
from core.plugins.blame import PluginFailed
from core.plugins.manifest import Plugin
from core.runtime import Runtime


def check(app: flask.Flask, runtime: Runtime) -> None:
    """Raise PluginFailed for what Flask would take without a word and what breaks others."""
    plugins = list(runtime.running.values())
    for function in _app_wide(app):
        if plugin := _owner(plugins, getattr(function, "__module__", "")):
            raise PluginFailed(plugin.name, f"It hooks {function.__qualname__!r} into every request: only core may.")
    for name, blueprint in app.blueprints.items():
        if plugin := _owner(plugins, blueprint.import_name):
            _check_blueprint(plugin, name, blueprint)
    for admin in app.extensions.get("admin", ()):
        for view in admin._views:
            plugin = _owner(plugins, type(view).__module__)
            if plugin and not _named_after(plugin, view.endpoint):
                raise PluginFailed(plugin.name, f"The endpoint {view.endpoint!r} must begin with {plugin.name!r}.")
    _check_addresses(app, plugins)
    try:
        access.check_routes(app)
    except access.UndeclaredRoute as error:
        _refuse(error, plugins, error.endpoint)


def _app_wide(app: flask.Flask) -> Iterator[Any]:
    tables: list[Any] = [app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs]
    tables += [app.url_value_preprocessors, app.url_default_functions, app.template_context_processors]
    for table in tables:
        yield from table.get(None, ())
    for handlers in app.error_handler_spec.get(None, {}).values():
        yield from handlers.values()
    yield from app.teardown_appcontext_funcs


def _check_blueprint(plugin: Plugin, name: str, blueprint: Blueprint) -> None:
    if not _named_after(plugin, name):
        raise PluginFailed(plugin.name, f"The blueprint {name!r} must be called {plugin.name!r}.")
    folder = Path(blueprint.root_path, blueprint.template_folder or "").resolve()
    if blueprint.template_folder and folder != plugin.path / "templates":
        raise PluginFailed(
            plugin.name, f"The blueprint's templates must lie in {plugin.path / 'templates'}, not {folder}."
        )


def _check_addresses(app: flask.Flask, plugins: list[Plugin]) -> None:
    """Of two views with one address, Flask would serve the first and never say so."""
    taken: dict[tuple[str, str], str] = {}
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(?:([^:>]+):)?[^>]+>", r"<\1>", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            other = taken.setdefault((address, method), rule.endpoint)
            if other != rule.endpoint:
                text = f"{rule.endpoint} and {other} have the same address {rule.rule}."
                _refuse(MaktabError(text), plugins, rule.endpoint, other)


def _refuse(error: MaktabError, plugins: list[Plugin], *endpoints: str) -> NoReturn:
    """Blame the last plugin that brought one of `endpoints`.

    It did `acme.page`, `acme_page`, and what it adds to the API of another: `api_orders_order.acme_post_x`.
    """
    parts = [part for endpoint in endpoints for part in endpoint.split(".")]
    for plugin in reversed(plugins):
        if any(_named_after(plugin, part) for part in parts):
            raise PluginFailed(plugin.name, str(error)) from error
    raise error


def _owner(plugins: list[Plugin], module: str) -> Plugin | None:
    return next((one for one in plugins if f"{module}.".startswith(f"{one.module}.")), None)


def _named_after(plugin: Plugin, name: str) -> bool:
    return re.fullmatch(rf"{plugin.name}([._].*)?", name) is not None
