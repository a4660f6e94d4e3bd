"""Templates that are named and not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import flask
import jinja2
from jinja2 import meta

from core.dashboard import Widget
from core.plugins.manifest import Plugin
from core.resources import Section
from core.runtime import Runtime
from core.trial.findings import Finding, declared, unknown
from core.trial.sources import texts


def check(built: Runtime, app: flask.Flask, plugin: Plugin) -> Iterator[Finding]:
    folder = plugin.path / "templates"
    own = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    for where, name in sorted(set(_named(built, app, plugin, own))):
        if not _is_there(app, name):
            yield from unknown(where, name, own, "a template")


def _named(built: Runtime, app: flask.Flask, plugin: Plugin, own: list[str]) -> Iterator[tuple[str, str]]:
    """(where, template) of sections, of code that names one of the plugin's own, and of templates."""
    sections = [
        one for resource in built.resources.values() if resource.plugin == plugin.name for one in resource.detail
    ]
    for section in (*sections, *declared(plugin, Section)):
        if section.template:
            yield f"Section {section.name}", section.template
    for card in declared(plugin, Widget):
        if card.template:
            yield f"Widget {card.name}", card.template
    looks_like_one = re.compile(rf"{plugin.name}/[\w./-]+\.html")
    yield from ((str(file), text) for file, text in texts(plugin) if looks_like_one.fullmatch(text))
    for name in own:
        source = (plugin.path / "templates" / name).read_text(encoding="utf-8")
        yield from ((name, one) for one in meta.find_referenced_templates(app.jinja_env.parse(source)) if one)


def _is_there(app: flask.Flask, name: str) -> bool:
    try:
        app.jinja_env.get_template(name)
    except jinja2.TemplateNotFound:
        return False
    return True
