"""The keyboard shortcuts: the list of the present page, as a part; and the page where a user changes his."""

from __future__ import annotations

from typing import Any

import flask
from flask_admin import expose

from core import preferences
from core.access import SIGNED_IN
from core.errors import Invalid
from core.i18n import _, __
from core.web import shortcuts
from core.web.base import AdminView, context, is_partial, preference


class ShortcutsView(AdminView):
    """`/admin/shortcuts/`"""

    permission = SIGNED_IN
    places = {"": __("Keyboard shortcuts")}

    def __init__(self) -> None:
        super().__init__(name=__("Keyboard shortcuts"), endpoint="core_shortcuts", url="/admin/shortcuts")

    @expose("/", methods=["GET", "POST"])
    def index_view(self) -> Any:
        known = shortcuts.commands(context())
        if flask.request.method == "POST":
            return self._save(known)
        if is_partial():
            keys = {one.name: shortcuts.keys_of(one.name) for one in known}
            return self.render("admin/shortcuts/list.html", commands=known, groups=shortcuts.GROUPS, keys=keys)
        values = shortcuts.effective(known, shortcuts.chosen(), single=True)
        return self._page(known, values, single=bool(preference("single_keys", True)))

    def _page(self, known: Any, values: Any, single: bool, errors: Any = None) -> str:
        page = {"commands": known, "groups": shortcuts.GROUPS, "values": values, "single": single}
        return str(self.render("admin/shortcuts/page.html", errors=errors or {}, **page))

    def _save(self, known: Any) -> Any:
        form, ctx = flask.request.form, context()
        try:
            present = shortcuts.effective(known, shortcuts.chosen(), single=True)
            changed = {} if "reset" in form else shortcuts.choice(known, form, present)
        except Invalid as problem:
            return self._page(known, form, "single_keys" in form, problem.errors), 422
        others = {name: keys for name, keys in shortcuts.chosen().items() if name not in {one.name for one in known}}
        preferences.put(ctx, "shortcuts", None if "reset" in form else (others | changed) or None)
        preferences.put(ctx, "single_keys", None if "reset" in form or "single_keys" in form else False)
        flask.flash(_("Saved."), "ok")
        return flask.redirect(flask.url_for(".index_view"))
