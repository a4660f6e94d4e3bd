"""The pages of one Resource: the list and actions on many here, its form and the page of a record beside this."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import flask
from flask_admin import expose
from flask_admin.model import BaseModelView
from werkzeug.datastructures import MultiDict

from core import access, jobs, links, views
from core.access import requires
from core.errors import Invalid, NotFound
from core.i18n import _
from core.resources import Action, Resource, Selection, query, schema_fields
from core.web import confirm, forms, lists, outcomes, questions, selections
from core.web.base import Guarded, came_from, context, is_partial, preference, redirect
from core.web.cell_pages import CellPages
from core.web.form_pages import FormPages, currency_of
from core.web.listing import chosen, is_canonical, listing
from core.web.notes import NotesView
from core.web.offers import refused_by_all
from core.web.pickers import PickerPages
from core.web.record_pages import RecordPages, loaded
from core.web.tabs import TabPages
from core.web.view_pages import ViewPages

FEATURES = {
    "create_view": "offers_new", "edit_view": "offers_edit", "delete_view": "can_delete", "note_view": "has_notes",
    "attachment_view": "has_notes", "cell_view": "is_edited_in_place",
    "run_view": "actions", "refused_view": "guard", "filters_view": "filters",
}  # fmt: skip
"""Views that only exist where the Resource says so."""


_MOST_ASKED = 100  # records that js/bulk.js asks for at once


class ResourceView(
    FormPages,
    CellPages,
    RecordPages,
    ViewPages,
    TabPages,
    PickerPages,
    NotesView,
    Guarded,
    BaseModelView,  # type: ignore[misc]
):
    """One instance per Resource and app. Reads by `core.resources.query`, writes by the resource's service."""

    # Routes of BaseModelView that know nothing of permissions and jobs.
    action_view = export = ajax_lookup = ajax_update = None

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.labels = {info.path: info.label for info in schema_fields(resource.schema)}
        missing = {view for view, feature in FEATURES.items() if not getattr(resource, feature)}
        self._urls: Any = [line for line in vars(type(self))["_urls"] if line[1] not in missing]
        name = links.endpoint(resource.name)
        super().__init__(resource.model, resource.label_plural, endpoint=name, url=f"/admin/{resource.slug}")

    def _refresh_cache(self) -> None:
        """Nothing to scaffold: columns, filters and forms come from the Resource."""

    def init_actions(self) -> None:
        """Actions come from the Resource."""

    def render(self, template: str, **values: Any) -> str:
        allowed = {verb for verb in self._verbs() if context().actor.can(self.resource.permission(verb))}
        common = {"resource": self.resource, "allowed": allowed, "url": self._url, "labels": self.labels}
        common["place"] = self._place()
        return str(super().render(template, **common, **values))

    def _verbs(self) -> list[str]:
        return [name.rpartition(".")[2] for name in self.resource.permissions()]

    def _url(self, view: str = "index", **values: Any) -> str:
        return flask.url_for(f".{view}_view", **values)

    @expose("/")
    @requires("{resource}.view")
    def index_view(self) -> Any:
        first = "" if flask.request.args else preference(chosen(self.resource, "first"), "")
        if first and views.opened(self._tabs(first), first):
            return self._to(view=first)
        problem, args = "", flask.request.args
        try:
            shown = listing(context(), self.resource, args)
            if shown.is_gone:
                problem = _("This view was deleted, or it is not shared with you.")
            elif not is_canonical(shown, args):  # url_for has options of its own (_scheme, _anchor)
                return flask.redirect(f"{self._url()}?{urlencode(shown.canonical)}")
            found = query.page(context(), self.resource, shown.state)
        except Invalid as error:  # an old link or a mistyped value: the list without it, and why
            shown, problem = listing(context(), self.resource, MultiDict()), lists.refusal(self.resource, error)
            found = query.page(context(), self.resource, shown.state)
        page = lists.view(context(), shown, found)
        template = "admin/model/table.html" if is_partial() else "admin/model/list.html"
        above = self.resource.above if not is_partial() else None
        return self.render(template, problem=problem, above=above and (above, loaded(above, None)), **page)

    @expose("/filters")
    @requires("{resource}.view")
    def filters_view(self) -> Any:
        """The forms of the filters that a list does not use now, for its menu."""
        shown = listing(context(), self.resource, flask.request.args)
        return self.render("admin/model/filters.html", **lists.filters(shown))

    @expose("/refused")
    @requires("{resource}.view")
    def refused_view(self) -> dict[str, list[str]]:
        """For the bar of a list: the actions that make no sense for any of the records `ids`."""
        return {"refused": refused_by_all(self.resource, flask.request.args.getlist("ids", int)[:_MOST_ASKED])}

    @expose("/actions/<name>", methods=["POST"])
    @requires("{resource}.view")
    def run_view(self, name: str) -> Any:
        """An action on the selection of the form: first its small form or question, then the work itself."""
        action, posted = self.resource.action(name), flask.request.form
        if action is None:
            raise NotFound(_("There is no such action."))
        access.demand(context().actor, self.resource.permission(name))
        chosen = selections.selection(context(), self.resource, posted, action)
        if not chosen.ids and not chosen.everything:
            flask.flash(_("Nothing was selected."), "info")
            return redirect(came_from(self._url()))
        form = forms.form_of(action.schema) if action.schema else None
        asked = questions.before_action(self.resource, action, chosen, came_from(self._url()))
        if form and posted:
            form.read(posted, "argument.")
        is_open = bool(form) and "confirmed" not in posted if action.asks == "undo" else not asked.is_granted
        if is_open:
            return self._asking(action, form, chosen, asked)
        try:
            arguments = form.raw(currency_of()) if form else {}
            started = jobs.start_action(context(), self.resource.name, name, chosen, arguments)
        except Invalid as error:
            if form is None:
                raise
            form.errors, asked.status = error.errors, 422
            return self._asking(action, form, chosen, asked)
        if not isinstance(started, jobs.Job) and outcomes.put_back(form, self.resource, action, started):
            asked.status = 422
            return self._asking(action, form, chosen, asked)
        return self._report(action, started)

    def _asking(self, action: Action, form: forms.Form | None, chosen: Selection, asked: confirm.Asked) -> Any:
        """The small form of an action, or what it asks first; and what it will touch."""
        touched = selections.touched(self.resource, chosen, action)
        touched = {**touched, **selections.subject(context(), self.resource, chosen)}
        kept = selections.inputs(chosen, flask.request.form)
        values = {"action": action, "form": form, "chosen": chosen, "kept": kept, "asked": asked}
        page = self.render("admin/model/action.html", currency=currency_of(), **values, **touched)
        return confirm.answer(page, asked)

    def _report(self, action: Action, started: Any) -> Any:
        if isinstance(started, jobs.Job):
            return redirect(flask.url_for("core_jobs.details_view", job_id=started.id))
        undo = flask.url_for("core_jobs.command", job_id=started.job.id, verb="undo") if started.job else ""
        outcomes.tell(context(), self.resource, started, outcomes.whole(action, started), undo, action)
        return redirect(came_from(self._url()))
