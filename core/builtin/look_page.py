"""How the admin looks to a user: theme, density of lists, digits. A part of the profile page."""

from __future__ import annotations

from typing import Any

import flask
from flask_admin import expose

from core import preferences
from core.access import SIGNED_IN
from core.errors import Invalid
from core.i18n import DIGITS, _, __
from core.web.base import AdminView, context, is_partial
from core.web.theme import THEMES, keep

CHOICES = {"theme": THEMES, "density": ("comfortable", "compact"), "digits": tuple(DIGITS)}
"""What each preference may be; the first is that of who has chosen none."""


class LookView(AdminView):
    """`/admin/look/`, what the form of the profile page and the button for light or dark send."""

    permission = SIGNED_IN
    places = {
        "/admin/profile/#look": __("Theme, density and digits"),
        "/admin/profile/#password": __("Change the password"),
        "/admin/profile/#sessions": __("Where you are signed in"),
        "/admin/profile/#tokens": __("API tokens"),
    }

    def __init__(self) -> None:
        super().__init__(name=__("Look"), endpoint="core_look", url="/admin/look")

    @expose("/", methods=["POST"])
    def index_view(self) -> Any:
        form = flask.request.form
        for name, choices in CHOICES.items():
            if form.get(name) not in (None, *choices):
                raise Invalid({name: [_("Choose one of the list.")]})
        for name in CHOICES.keys() & form.keys():
            preferences.put(context(), name, form[name])
        home = flask.url_for("core_auth.profile")
        answer = flask.make_response("", 204) if is_partial() else flask.make_response(flask.redirect(home))
        if "theme" in form:
            keep(answer, "maktab_theme", form["theme"])
        if not is_partial():
            flask.flash(_("Saved."), "ok")
        return answer
