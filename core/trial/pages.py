"""Views, menu entries, buttons and templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import flask
import jinja2
from jinja2 import meta, nodes

from core import access
from core.context import system_context
from core.dashboard import SIZES, Period, Widget
from core.nav import GROUPS, Link, NavItem
from core.plugins.blame import where as place_of
from core.resources import Section
from core.trial import sources
from core.trial.case import Case, objects, unknown
from core.trial.declared import PERMISSION
from core.web import AdminView, theme

_UNMARKED = "_() takes a text that stands there: what it gives counts as safe markup, and the catalogue finds it."


def check(case: Case, app: flask.Flask) -> None:
    for view in app.extensions["admin"][0]._views:
        if isinstance(view, AdminView) and f"{type(view).__module__}.".startswith(f"{case.plugin.module}."):
            _shown(case, f"AdminView {type(view).__name__}", view.icon, view.permission, view.nav_group)
    _buttons(case)
    _templates(case, app.jinja_env)


def _shown(case: Case, where: str, icon: str, permission: str, group: str) -> None:
    case.errors += unknown(f"{where}: icon", filter(None, [icon]), theme.ICONS, "an icon of the theme")
    case.errors += unknown(f"{where}: permission", filter(None, [permission]), access.permissions(), PERMISSION)
    case.errors += unknown(f"{where}: group", filter(None, [group]), GROUPS, "a part of the menu")


def _buttons(case: Case) -> None:
    """What the hooks give that are asked without a record; those may also answer only some."""
    _asked(case, "nav_items", {})
    _asked(case, "dashboard_widgets", {"period": Period.of("")})
    for name, resource in case.built.resources.items():
        columns = [column.name for column in resource.columns]
        _asked(case, "list_links", {"resource": name, "query": "", "columns": columns})


def _asked(case: Case, hook: str, about: Mapping[str, Any]) -> None:
    try:
        for answering in case.built.hooks.answering(hook):
            made = answering({"actor": system_context().actor, **about}) if answering.plugin == case.plugin.name else ()
            for one in made or ():
                if isinstance(one, Link | NavItem):
                    group = one.group if isinstance(one, NavItem) else ""
                    _shown(case, f"{hook}: {one.label}", one.icon, one.permission, group)
                elif isinstance(one, Widget):
                    _card(case, f"{hook}: {one.name}", one)
    except Exception as error:  # it may need a user or a table that is not there yet
        case.hints.append(f"{hook}: {type(error).__name__}: {error}")


def _card(case: Case, where: str, card: Widget) -> None:
    _shown(case, where, card.icon, card.permission, "")
    case.errors += unknown(f"{where}: size", [card.size], SIZES, "a size of a card")
    if not card.name.startswith(f"{case.plugin.name}."):
        case.errors.append(f"{where}: the name of a card begins with {case.plugin.name!r} and a dot")


def _templates(case: Case, jinja: jinja2.Environment) -> None:
    """Jinja would find a mistake, or that one is not there, when the page is asked for."""
    folder, named = case.plugin.path / "templates", set(_named(case))
    own = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in own:
        try:
            jinja.get_template(name)
            tree = jinja.parse((folder / name).read_text(encoding="utf-8"))
            named |= {(name, one) for one in meta.find_referenced_templates(tree) if one}
            case.errors += [f"The template {name}, line {line}: {_UNMARKED}" for line in variable_texts(tree)]
        except Exception as error:
            text = f"The template {name}: {type(error).__name__}: {error}"
            case.errors.append(text + place_of(case.plugin.name, error))
    there = {*own, *jinja.list_templates()}
    for where, name in sorted(named):
        case.errors += unknown(where, {name} - there, own, "a template")


def variable_texts(tree: nodes.Template) -> list[int]:
    """The lines of a template on which `_`, `gettext` or `ngettext` is given something else than a text."""
    texts = {"_": 1, "gettext": 1, "ngettext": 2}
    calls = [(call, texts.get(getattr(call.node, "name", ""), 0)) for call in tree.find_all(nodes.Call)]
    return [call.lineno for call, n in calls if not all(isinstance(one, nodes.Const) for one in call.args[:n])]


def _named(case: Case) -> Iterator[tuple[str, str]]:
    """(where, template) of sections, and of code that names one of the plugin's own."""
    sections = [section for resource in case.resources for section in resource.detail]
    for section in (*sections, *objects(case.plugin.module, Section)):
        if section.template:
            yield f"Section {section.name}", section.template
    looks_like_one = re.compile(rf"{case.plugin.name}/[\w./-]+\.html")
    for file, text in sources.texts(case.plugin.path):
        if looks_like_one.fullmatch(text):
            yield str(file), text
