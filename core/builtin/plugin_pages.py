"""The pages of plugins: what is there and how it is, one plugin with what it wants, and switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import flask
from flask_admin import expose

from core import runtime
from core.access import requires
from core.audit import words
from core.audit.models import Entry
from core.auth.models import User
from core.builtin import plugin_health as health
from core.context import Context
from core.errors import MaktabError, NotFound
from core.i18n import _, __, text_of
from core.plugins import lifecycle, state
from core.plugins.manifest import Plugin
from core.plugins.models import PluginState
from core.plugins.resolver import dependents
from core.resources import Waiting
from core.web import confirm
from core.web.base import AdminView, context
from core.web.confirm import Question


class PluginsView(AdminView):
    """`/admin/plugins/`"""

    permission = "core.plugin.view"
    nav_group = "settings"
    nav_order = 80
    icon = "puzzle"

    def __init__(self) -> None:
        super().__init__(__("Plugins"), endpoint="core_plugins", url="/admin/plugins")

    def waiting(self, ctx: Context) -> list[Waiting]:
        """Those that were switched off after failures."""
        off = PluginState.select().where(PluginState.status == "quarantined").count()
        return [Waiting(off, __("quarantined"), is_bad=True)]

    def render(self, template: str, **values: Any) -> str:
        common = {"text_of": text_of, "health": health, "may_manage": context().actor.can("core.plugin.manage")}
        common["is_changing"] = state.generation() != runtime.current().generation  # this page has still the old menu
        return str(super().render(template, **common, **values))

    @expose("/")
    def index(self) -> str:
        found, asked = lifecycle.status(), flask.request.args.get("q", "").strip()
        shown = [one for one in found if asked.casefold() in _searched(one)]
        groups = {name: [one for one in shown if one.category == name] for name in health.CATEGORIES}
        names = [one.name for one in shown]
        page = {"groups": groups, "count": len(found), "on": sum(one.enabled for one in found), "asked": asked}
        known = {one.name: health.title(one) for one in found}
        page |= {"known": known, "history": _told(health.history(), known)}
        return self.render("admin/plugins.html", **page, troubles=health.troubles(names), used=health.used(names))

    @expose("/<name>")
    def details(self, name: str) -> str:
        plugin, first = _found(name)
        page = {"plugin": plugin, "dependents": first, "wishes": health.wishes(plugin), "log": health.log(name)}
        page["history"] = _told(health.history(name), {})
        page["known"] = health.titles()
        page["trouble"] = health.troubles([name]).get(name, health.Trouble())
        page["used"] = health.used([name]).get(name, "")
        return self.render("admin/plugin.html", **page)

    @expose("/<name>/enable", methods=["POST"])
    @requires("core.plugin.manage")
    def enable(self, name: str) -> Any:
        plugin, _first = _found(name)
        if asked := confirm.first(self._to_enable(plugin)):
            return asked
        try:
            lifecycle.enable(context(), name)
            text = _("%(name)s is on; every page follows within a moment.", name=health.title(plugin))
            flask.flash(text, "ok")
        except MaktabError as error:
            flask.flash(str(error), "bad")
        return flask.redirect(self.get_url(".details", name=name))

    @expose("/<name>/disable", methods=["POST"])
    @requires("core.plugin.manage")
    def disable(self, name: str) -> Any:
        plugin, first = _found(name)
        with_them = "with_dependents" in flask.request.form
        if asked := confirm.first(self._to_disable(plugin, first if with_them else [])):
            return asked
        try:
            gone = lifecycle.disable(context(), name, with_dependents=with_them)
            known = health.titles()
            names = ", ".join(known.get(one, one) for one in gone)
            flask.flash(_("%(names)s: off; every page follows within a moment.", names=names), "ok")
        except MaktabError as error:
            flask.flash(str(error), "bad")
        return flask.redirect(self.get_url(".details", name=name))

    def _to_enable(self, plugin: Plugin) -> Question:
        name = health.title(plugin)
        return Question(
            "core.plugin.enable",
            _("Switch on %(name)s %(version)s?", name=name, version=plugin.version),
            _("Switch on %(name)s", name=name),
            level="reauth",
            text=_("It runs inside Maktab and may do what Maktab may do. It says that it wants:"),
            lines=health.required(plugin) + health.wishes(plugin),
            back=self.get_url(".details", name=plugin.name),
        )

    def _to_disable(self, plugin: Plugin, first: list[str]) -> Question:
        known = health.titles()
        names = ", ".join(known.get(name, name) for name in [*first, plugin.name])
        return Question(
            "core.plugin.disable",
            _("Switch off %(names)s?", names=names),
            _("Switch off %(names)s", names=names),
            level="reauth",
            text=_("Pages, links and jobs rest until you switch it on again; no data is lost."),
            danger=True,
            back=self.get_url(".details", name=plugin.name),
        )


def _found(name: str) -> tuple[Plugin, list[str]]:
    """A plugin, and those that are on and require it, in the order in which they would go. Raises NotFound."""
    plugins = {plugin.name: plugin for plugin in lifecycle.status()}
    if name not in plugins:
        raise NotFound(_("There is no plugin %(name)s.", name=name))
    on = {other: plugin for other, plugin in plugins.items() if plugin.enabled}
    return plugins[name], dependents(name, on) if name in on else []


def _searched(plugin: Plugin) -> str:
    return f"{plugin.name} {health.title(plugin)} {text_of(plugin.path, plugin.summary)}".casefold()


def _told(history: Sequence[tuple[Entry, str]], titles: Mapping[str, Any]) -> list[tuple[datetime, Any, Any]]:
    """When, what, who; with the plugin's name before what, where `titles` has it."""
    users = User.select().where(User.id.in_({one.actor_id for one, _name in history}))
    names = {user.id: str(user) for user in users}
    lines: list[tuple[datetime, Any, Any]] = []
    for one, plugin in history:
        act = words.action("core.plugin", one.action)
        text = f"{titles.get(plugin, plugin)}: {act}" if titles else act
        lines.append((one.at, text, words.actor(one.actor_id, names.get(one.actor_id))))
    return lines
