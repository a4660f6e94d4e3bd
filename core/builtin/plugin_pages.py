"""The page of plugins: what is there, how it is, and switches."""

from __future__ import annotations

from typing import Any

import flask
from flask_admin import expose

from core.access import requires
from core.errors import MaktabError
from core.i18n import _, __, text_of
from core.plugins import lifecycle
from core.plugins.resolver import dependents
from core.web.base import AdminView, context


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
        try:
            lifecycle.enable(context(), name)
            flask.flash(_("%(name)s is on; every page follows within a moment.", name=name), "ok")
        except MaktabError as error:
            flask.flash(str(error), "bad")
        return flask.redirect(self.get_url(".index"))

    @expose("/<name>/disable", methods=["POST"])
    @requires("core.plugin.manage")
    def disable(self, name: str) -> Any:
        try:
            gone = lifecycle.disable(context(), name, with_dependents="with_dependents" in flask.request.form)
            flask.flash(_("%(names)s: off; every page follows within a moment.", names=", ".join(gone)), "ok")
        except MaktabError as error:
            flask.flash(str(error), "bad")
        return flask.redirect(self.get_url(".index"))
