"""The tabs above a list: their counts, and the choice of columns and density."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import flask
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from core import preferences, views
from core.access import requires
from core.errors import Invalid
from core.resources import Resource, query
from core.views import Tab
from core.web.base import context
from core.web.listing import Listing, capped, chosen, listing


def view(shown: Listing) -> dict[str, Any]:
    """What the templates of a list need for its tabs and its columns."""
    columns = shown.resource.columns
    chosen = [one for name in shown.setup.columns for one in columns if one.name == name]
    hidden = [one for one in columns if one.name not in shown.setup.columns]
    tabs = shown.tabs if len(shown.tabs) > 1 else ()
    return {"tabs": tabs, "columns": chosen, "hidden": hidden, "is_usual": shown.setup.columns == usual(shown)}


def usual(shown: Listing) -> tuple[str, ...]:
    """The columns of the view that is open, when it says some; else those that the list was declared with."""
    return shown.tab.setup.columns if shown.tab.is_fixed else views.usual(shown.resource).columns


class Listed:
    """What the parts of `ResourceView` that are about its list stand on."""

    resource: Resource
    labels: Mapping[str, Any]

    if TYPE_CHECKING:

        def render(self, template: str, **values: Any) -> str: ...

        def _url(self, view: str = "index", **values: Any) -> str: ...

    def _shown(self, query_string: str) -> Listing:
        """What the list showed, as a form kept it."""
        return listing(context(), self.resource, MultiDict(parse_qsl(query_string)))

    def _within(self, record: Any) -> dict[str, Any]:
        """The list that led to the page of `record`, as its link says with `in`, and what lies beside it there."""
        try:
            shown = self._shown(flask.request.args.get("in", ""))
            before, after = query.beside(context(), self.resource, shown.state, record)
        except Invalid:  # an old link, or one that somebody wrote
            return {}
        within = {"in": shown.query or "view=all"}
        places = {"previous": before, "next": after}
        urls = {name: self._url("details", record_id=key, **within) for name, key in places.items() if key}
        here = self._url("place", record_id=record.id, **within)
        return {"within": shown, "beside": urls, "back": f"{self._url()}?{shown.query}", "place_url": here}

    def _to(self, **arguments: str) -> Any:
        return flask.redirect(f"{self._url()}?{urlencode(arguments)}", 303)

    def _done(self, text: str, record_id: int | None = None) -> Any:
        flask.flash(text, "ok")
        here = self._url("details", record_id=record_id, **self._place()) if record_id else self._url()
        return flask.redirect(here)

    @staticmethod
    def _place() -> dict[str, str]:
        """The list that led to this record, as an argument of its other pages: whoever saves comes back into it."""
        within = flask.request.args.get("in")
        return {"in": within} if within else {}


class TabPages(Listed):
    """Routes for the parts of a list."""

    @expose("/count")
    @requires("{resource}.view")
    def count_view(self) -> Any:
        """How many match, for the late request of a list: the text alone, or with all tabs when a `view` is named."""
        shown = listing(context(), self.resource, flask.request.args)
        number = capped(query.count(context(), self.resource, shown.state))
        if not shown.ref:
            return number
        counts = {tab.ref: self._count(tab, shown, number) for tab in shown.tabs[: 50 * (len(shown.tabs) > 1)]}
        return self.render("admin/model/counts.html", number=number, counts=counts)

    def _count(self, tab: Tab, shown: Listing, number: str) -> str:
        if (tab.setup.filters, tab.setup.search) == (shown.setup.filters, shown.setup.search):
            return number
        return capped(query.count(context(), self.resource, tab.setup.state()))

    @expose("/setup", methods=["POST"])
    @requires("{resource}.view")
    def setup_view(self) -> Any:
        """Other columns, in another order, or another density: of the open view, else of the list for this user."""
        posted = flask.request.form
        shown = self._shown(posted.get("query", ""))
        names = _moved(posted.getlist("columns"), posted.get("up", ""), posted.get("down", ""))
        names = list(usual(shown)) if "usual" in posted else names
        wanted = {"columns": ",".join(names), "density": posted.get("density", "")}
        setup = views.changed(self.resource, shown.setup, wanted)
        if not shown.tab.is_fixed:
            self._remember(setup)
            setup = replace(setup, columns=shown.tab.setup.columns, density=shown.tab.setup.density)
        return self._to(**shown.arguments(setup))

    def _remember(self, setup: views.Setup) -> None:
        """How the user wants this list, where no view says it."""
        usual = views.usual(self.resource)
        columns = ",".join(setup.columns) if setup.columns != usual.columns else None
        preferences.put(context(), chosen(self.resource, "columns"), columns)
        density = setup.density if setup.density != usual.density else None
        preferences.put(context(), chosen(self.resource, "density"), density)


def _moved(names: list[str], up: str, down: str) -> list[str]:
    """`names` with one of them a place further up or down."""
    for name, step in ((up, -1), (down, 1)):
        if name in names:
            at = names.index(name)
            names.insert(max(at + step, 0), names.pop(at))
    return names
