"""The page of one record, what of it is shown beside a list, and its end."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import flask
from flask_admin import expose
from markupsafe import Markup

from core import runtime
from core.access import requires
from core.errors import Invalid
from core.i18n import _, format_number
from core.resources import Section, query, service_of, traits
from core.web import changed, confirm, forms, lists, pickers, questions
from core.web.base import context, is_dialog
from core.web.form_pages import currency_of
from core.web.listing import capped
from core.web.notes import days
from core.web.offers import offered
from core.web.tabs import Listed


def loaded(section: Section, record: Any) -> dict[str, Any]:
    """What the template of `section` finds in `loaded`."""
    return section.load(context(), record) if section.load else {}


class RecordPages(Listed):
    """Routes for one record."""

    @expose("/<int:record_id>")
    @requires("{resource}.view")
    def details_view(self, record_id: int, note: str = "", refused: str = "") -> Any:
        """`note`: what was typed as a note, and why it was `refused`."""
        record = query.get(context(), self.resource, record_id)
        if is_dialog():
            return self._preview(record)
        shown = [(section, loaded(section, record)) for section in self.resource.detail]
        tags = traits.tags_of(self.resource.name, [record.id])[record.id] if self.resource.has_tags else []
        history = traits.timeline(self.resource.name, record.id)
        also = changed.named(self.resource, [entry.changes for entry in history if entry.action != "created"])
        marks = lists.marks(context(), self.resource, [record.id]).get(record.id, [])
        page = {"record": record, "sections": shown, "panels": self._panels(record), "tags": tags, "marks": marks}
        page |= {"names": pickers.names(context(), self.resource, self.resource.columns, [record], also)}
        page |= self._within(record) if "in" in flask.request.args else {}
        page |= offered(self.resource, record) | self._nested(record)
        return self.render("admin/model/details.html", timeline=days(history), note=note, refused=refused, **page)

    @expose("/<int:record_id>/place")
    @requires("{resource}.view")
    def place_view(self, record_id: int) -> str:
        """Where the record stands in the list that led to it, for the late request of its page; "" far down in it."""
        record = query.reach(context(), self.resource, record_id)
        try:
            state = self._shown(flask.request.args.get("in", "")).state
            found = query.place(context(), self.resource, state, record)
        except Invalid:  # an old link, or one that somebody wrote
            return ""
        if found is None or found[0] > query.CAP:
            return ""
        return str(_("%(count)s of %(total)s", count=format_number(found[0]), total=capped(found[1])))

    def _preview(self, record: Any) -> Any:
        """The sections of a record's page alone, beside the list that it is opened from."""
        shown = [(section, loaded(section, record)) for section in self.resource.detail]
        tags = traits.tags_of(self.resource.name, [record.id])[record.id] if self.resource.has_tags else []
        names = pickers.names(context(), self.resource, self.resource.columns, [record])
        page = {"record": record, "sections": shown, "tags": tags, "names": names, "is_preview": True}
        html = self.render("admin/model/preview.html", **page, **self._nested(record))
        return flask.make_response(html, {"Maktab-Dialog": "1"})

    def _nested(self, record: Any) -> dict[str, Any]:
        """What the sections name of lists and objects within the record; where they name none, nothing is read."""
        form = forms.form_of(self.resource.schema)
        plain = [one for one in self.resource.detail if not one.template]
        named = [name for one in plain for name in one.fields if name in form.nested]
        stored = service_of(self.resource).documents([record.id])[0] if named else {}
        found = {name: {"infos": form.nested[name], "title": form.title(name)} for name in named}
        return {"nested": found, "stored": stored, "currency": currency_of(stored)}

    def _panels(self, record: Any) -> list[tuple[Section, Markup]]:
        """What plugins add, ready: a template of theirs that fails must fail as their hook does, not as the page."""

        def shown(sections: Iterable[Section]) -> list[tuple[Section, Markup]]:
            return [(one, self._panel(one, record)) for one in sections]

        asked = {"resource": self.resource.name, "record": record, "actor": context().actor}
        made = runtime.current().hooks.read("record_panels", shown, **asked)
        return [panel for panels in made for panel in panels]

    def _panel(self, section: Section, record: Any) -> Markup:
        page = {"one": section, "loaded": loaded(section, record), "record": record}
        return Markup(self.render("admin/model/panel.html", **page))  # noqa: S704 - our own template

    @expose("/<int:record_id>/delete", methods=["GET", "POST"])
    @requires("{resource}.delete")
    def delete_view(self, record_id: int) -> Any:
        record = query.get(context(), self.resource, record_id, "delete")
        service = service_of(self.resource)
        kept, title = service.kept(record.__data__), self.resource.title(record)
        here = self._url("details", record_id=record.id)
        if not kept and (asked := questions.before_delete(self.resource, record, here)):
            return asked
        kept = kept or service.delete(context().because(confirm.why()), [record.id])[0].reason
        if kept:
            flask.flash(kept, "bad")
            return flask.redirect(here)
        return self._done(_("%(title)s was deleted.", title=title))
