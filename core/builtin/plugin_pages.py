"""The page of plugins: what is there, how it is, and switches."""

from __future__ import annotations

from typing import Any

import flask
from flask_admin import expose

from core.access import requires
from core.errors import MaktabError, NotFound
from core.i18n import _, __, text_of
from core.plugins import lifecycle
from core.plugins.manifest import Plugin
from core.plugins.resolver import dependents
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

    @expose("/")
    def index(self) -> str:
        found = lifecycle.status()
        enabled = {plugin.name: plugin for plugin in found if plugin.enabled}
        first = {name: dependents(name, enabled) for name in enabled}
        return str(self.render("admin/plugins.html", plugins=found, dependents=first, text_of=text_of))

    @expose("/<name>/enable", methods=["POST"])
    @requires("core.plugin.manage")
    def enable(self, name: str) -> Any:
        if asked := confirm.first(self._to_enable(name)):
            return asked
        try:
            lifecycle.enable(context(), name)
            flask.flash(_("%(name)s is on; every page follows within a moment.", name=name), "ok")
        except MaktabError as error:
            flask.flash(str(error), "bad")
        return flask.redirect(self.get_url(".index"))

    @expose("/<name>/disable", methods=["POST"])
    @requires("core.plugin.manage")
    def disable(self, name: str) -> Any:
        if asked := confirm.first(self._to_disable(name)):
            return asked
        try:
            gone = lifecycle.disable(context(), name, with_dependents="with_dependents" in flask.request.form)
            flask.flash(_("%(names)s: off; every page follows within a moment.", names=", ".join(gone)), "ok")
        except MaktabError as error:
            flask.flash(str(error), "bad")
        return flask.redirect(self.get_url(".index"))

    def _to_enable(self, name: str) -> Question:
        plugin = _named(name)
        return Question(
            "core.plugin.enable",
            _("Switch on %(name)s?", name=plugin.title or name),
            _("Switch on %(name)s", name=plugin.title or name),
            level="reauth",
            text=_("It runs inside Maktab and may do what Maktab may do."),
            back=self.get_url(".index"),
        )

    def _to_disable(self, name: str) -> Question:
        enabled = {plugin.name: plugin for plugin in lifecycle.status() if plugin.enabled}
        first = dependents(name, enabled) if "with_dependents" in flask.request.form and name in enabled else []
        names = ", ".join([*first, name])
        return Question(
            "core.plugin.disable",
            _("Switch off %(names)s?", names=names),
            _("Switch off %(names)s", names=names),
            level="reauth",
            text=_("Pages, links and jobs rest until you switch it on again; no data is lost."),
            danger=True,
            back=self.get_url(".index"),
        )


def _named(name: str) -> Plugin:
    for plugin in lifecycle.status():
        if plugin.name == name:
            return plugin
    raise NotFound(_("There is no plugin %(name)s.", name=name))
