"""`/admin/`: the widgets of the dashboard, and the page on which a user arranges them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import flask
import flask_admin
import structlog

from core import access, arrangement, dashboard, preferences, runtime
from core.access import SIGNED_IN, Role, label_of
from core.dashboard import PERIOD, PERIODS, PREFERENCE, SIZES, Period, Placed, Widget
from core.db import utcnow
from core.errors import NotFound
from core.i18n import _, __, local, long_day
from core.plugins.models import PluginState
from core.web import charts, start
from core.web.base import Guarded, context, is_partial, preference

log = structlog.get_logger("maktab.web")
SIZE_NAMES = {
    "quarter": __("Quarter"), "third": __("Third"), "half": __("Half"), "two_thirds": __("Two thirds"),
    "whole": __("Whole row"),
}  # fmt: skip
_DRAWN = {
    dashboard.Figure: "admin/home/figures.html",
    dashboard.Entry: "admin/home/entries.html",
    dashboard.Bar: "admin/home/bars.html",
}


class HomeView(Guarded, flask_admin.AdminIndexView):  # type: ignore[misc]
    """The dashboard. Its page asks no plugin for data: every card fetches its own content."""

    permission = SIGNED_IN
    places = {"home/": __("Customize Home")}

    def __init__(self) -> None:
        super().__init__()
        self.static_folder = None  # flask_admin's own scripts and styles: none of our pages needs them

    @flask_admin.expose("/")
    def index(self) -> Any:
        period = _period()
        placed = dashboard.arranged(dashboard.offered(context().actor, period), preference(PREFERENCE))
        has_rights = any(grant.permissions - access.HELD_BY_ALL for grant in context().actor.grants)
        shown = [one for one in placed if not one.is_hidden]
        page = {
            "has_rights": has_rights,
            "placed": placed,
            "shown": shown,
            "period": period,
            "periods": PERIODS,
            "quarantined": _quarantined(),
            "has_begun": start.has_begun(),
        }
        today = long_day(local(utcnow()).date())
        return self.render("admin/home/index.html", greeting=_greeting(), today=today, **page)

    @flask_admin.expose("/home/start")
    def start(self) -> Any:
        """The first steps of a shop without records, for the late request of its page."""
        return self.render("admin/home/start.html", steps=start.steps(context()))

    @flask_admin.expose("/home/period", methods=["POST"])
    def choose_period(self) -> Any:
        """The period is kept for the next time; the address of the page names it too."""
        name = Period.of(flask.request.form.get("period", "")).name
        preferences.put(context(), PERIOD, name)
        return flask.redirect(flask.url_for(".index", period=name), 303)

    @flask_admin.expose("/home/widgets/<name>")
    def widget(self, name: str) -> Any:
        """The content of one card; as a page of its own for a browser without scripts."""
        found: list[Widget] = []

        def drawn(made: Any) -> str | None:
            one = next((one for one in dashboard.widgets(made) if one.name == name), None)
            if one is None or found:
                return None
            found.append(one)
            return self._drawn_or_not(one) if one.is_for(context().actor) else None

        asked = {"actor": context().actor, "period": _period()}
        content = runtime.current().hooks.read("dashboard_widgets", drawn, **asked)
        if not found:
            raise NotFound(_("There is no such card now; its plugin may be off."))
        access.demand(context().actor, found[0].permission or SIGNED_IN)
        return content[0] if content else self._card(found[0], "")

    def _drawn_or_not(self, widget: Widget) -> str | None:
        """None for a card that fails. One fault may lie behind all cards of a plugin, which the browser fetches at
        once: that must not switch off what else the plugin does, as failures of hooks do.
        """
        try:
            return self._drawn(widget)
        except Exception:
            log.exception("card failed", card=widget.name)
            return None

    def _drawn(self, widget: Widget) -> str:
        loaded = widget.load(context())
        if widget.template:
            return self._card(widget, widget.template, loaded=loaded)
        if isinstance(loaded, dashboard.Trend):
            return self._card(widget, "admin/home/trend.html", shown=[loaded], charts=charts)
        shown: list[Any] = list(loaded)
        kinds = {type(one) for one in shown}
        if not kinds <= _DRAWN.keys() or len(kinds) > 1:
            raise TypeError(
                f"{widget.name} gave {', '.join(sorted(kind.__name__ for kind in kinds))}, which no card draws."
            )
        part = _DRAWN[kinds.pop()] if kinds else "admin/home/none.html"
        return self._card(widget, part, shown=shown, charts=charts)

    def _card(self, widget: Widget, part: str, **values: Any) -> str:
        template = "admin/home/body.html" if is_partial() else "admin/home/one.html"
        return str(self.render(template, widget=widget, part=part, period=_period(), **values))

    @flask_admin.expose("/home/", methods=["GET"])
    def customize(self) -> Any:
        placed = dashboard.arranged(dashboard.offered(context().actor), preference(PREFERENCE))
        return self.render("admin/home/arrange.html", placed=placed, sizes=SIZE_NAMES, **role_choice())

    @flask_admin.expose("/home/", methods=["POST"])
    def arrange(self) -> Any:
        """The whole form with every button: the cards in their order and sizes, and what was pressed."""
        verb, _colon, name = flask.request.form.get("act", "").partition(":")
        if verb == "reset":
            preferences.put(context(), PREFERENCE, None)
            flask.flash(_("Home is as your role begins."), "ok")
            return flask.redirect(flask.url_for(".customize"))
        kept = preference(PREFERENCE)
        placed = _pressed(_posted(dashboard.arranged(dashboard.offered(context().actor), kept)), verb, name)
        value = dashboard.rearranged(kept, placed)
        if verb == "role":
            give_to_role(PREFERENCE, value)
        else:
            preferences.put(context(), PREFERENCE, value)
        if verb == "quiet":  # the page shows it already
            return "", 204
        return flask.redirect(flask.url_for(".index" if verb == "done" else ".customize", _anchor=name or None))


def _period() -> Period:
    """That of the address, else the one that the user chose last."""
    return Period.of(flask.request.args.get("period") or preference(PERIOD, ""))


def _posted(kept: list[Placed]) -> list[Placed]:
    """The widgets as the form has them; a hidden one stays behind the one that it stood behind, and is shown there."""
    form, hidden = flask.request.form, set(flask.request.form.getlist("hidden"))
    by_name = {one.widget.name: one.widget for one in kept}
    shown = [name for name in form.getlist("order") if name in by_name and name not in hidden]
    order = arrangement.merged(list(by_name), shown)
    sizes = {name: form.get(f"size.{name}", "") for name in order}
    return [
        Placed(one := by_name[name], next((size for size in SIZES if size == sizes[name]), one.size), name in hidden)
        for name in order
    ]


def _pressed(placed: list[Placed], verb: str, name: str) -> list[Placed]:
    by_name = {one.widget.name: one for one in placed}
    if name in by_name and verb in ("hide", "show"):
        by_name[name] = replace(by_name[name], is_hidden=verb == "hide")
    order = [one.widget.name for one in placed]
    shown = [key for key in order if not by_name[key].is_hidden]
    if verb in ("earlier", "later"):
        shown = arrangement.moved(shown, name, -1 if verb == "earlier" else 1)
    hidden = iter(shown)
    return [by_name[key] if by_name[key].is_hidden else by_name[next(hidden)] for key in order]


def role_choice() -> dict[str, Any]:
    """What a form needs that may make its choices the start of a role: the roles, for who may edit them."""
    may = context().actor.can("core.role.edit")
    found = Role.select(Role.name, Role.label).order_by(Role.label) if may else ()
    return {"roles": [(role.name, label_of(role)) for role in found]}


def give_to_role(name: str, value: Any) -> None:
    """Make `value` what the role that the form names begins with."""
    role = flask.request.form.get("role", "")
    if not role:
        flask.flash(_("Choose a role."), "bad")
        return
    preferences.put_for_role(context(), role, name, value)
    flask.flash(_("Who holds this role and has chosen nothing of his own begins with this now."), "ok")


def _greeting() -> str:
    hour, name = local(utcnow()).hour, context().actor.name
    if hour < 12:
        return _("Good morning, %(name)s", name=name)
    return _("Good afternoon, %(name)s", name=name) if hour < 18 else _("Good evening, %(name)s", name=name)


def _quarantined() -> list[str]:
    """Plugins that failed, for who may see plugins."""
    if not context().actor.can("core.plugin.view"):
        return []
    rows = PluginState.select(PluginState.name).where(PluginState.status == "quarantined")
    return [name for (name,) in rows.order_by(PluginState.name).tuples()]
