"""The pages of one Resource: list, record, form, delete, actions on many."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import flask
from flask_admin import expose
from flask_admin.model import BaseModelView
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from core import access, jobs, links, runtime, views
from core.access import requires
from core.db.money import is_currency
from core.errors import Conflict, Invalid, NotFound, Rejected
from core.i18n import _, _n
from core.resources import (
    Action,
    Outcome,
    Resource,
    Section,
    Selection,
    query,
    schema_fields,
    service_of,
    traits,
)  # fmt: skip
from core.web import confirm, forms, lists, outcomes, questions
from core.web.base import Guarded, came_from, context, is_dialog, is_partial, preference, redirect
from core.web.listing import chosen, is_canonical, listing
from core.web.notes import NotesView, days
from core.web.tabs import TabPages
from core.web.view_pages import ViewPages

FEATURES = {
    "create_view": "can_create", "edit_view": "can_edit", "delete_view": "can_delete", "note_view": "has_notes",
    "attachment_view": "has_notes",
    "run_view": "actions", "filters_view": "filters",
}  # fmt: skip
"""Views that only exist where the Resource says so."""


class ResourceView(ViewPages, TabPages, NotesView, Guarded, BaseModelView):  # type: ignore[misc]
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
        return str(super().render(template, **common, **values))

    def _verbs(self) -> list[str]:
        return [name.rpartition(".")[2] for name in self.resource.permissions()]

    def _url(self, view: str = "index", **values: Any) -> str:
        return flask.url_for(f".{view}_view", **values)

    @expose("/")
    @requires("{resource}.view")
    def index_view(self) -> Any:
        first = "" if flask.request.args else preference(chosen(self.resource, "first"), "")
        if first and views.opened(self._tabs(), first):
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
            shown, problem = listing(context(), self.resource, MultiDict()), str(error)
            found = query.page(context(), self.resource, shown.state)
        page = lists.view(context(), shown, found)
        template = "admin/model/table.html" if is_partial() else "admin/model/list.html"
        above = self.resource.above if not is_partial() else None
        return self.render(template, problem=problem, above=above and (above, _loaded(above, None)), **page)

    @expose("/filters")
    @requires("{resource}.view")
    def filters_view(self) -> Any:
        """The forms of the filters that a list does not use now, for its menu."""
        shown = listing(context(), self.resource, flask.request.args)
        return self.render("admin/model/filters.html", **lists.filters(shown))

    @expose("/<int:record_id>")
    @requires("{resource}.view")
    def details_view(self, record_id: int, note: str = "") -> Any:
        """`note`: what was typed as a note and refused."""
        record = query.get(context(), self.resource, record_id)
        if is_dialog():
            return self._preview(record)
        shown = [(section, _loaded(section, record)) for section in self.resource.detail]
        tags = traits.tags_of(self.resource.name, [record.id])[record.id] if self.resource.has_tags else []
        history = days(traits.timeline(self.resource.name, record.id))
        marks = lists.marks(context(), self.resource, [record.id]).get(record.id, [])
        page = {"record": record, "sections": shown, "panels": self._panels(record), "tags": tags, "marks": marks}
        page |= self._within(record) if "in" in flask.request.args else {}
        return self.render("admin/model/details.html", timeline=history, note=note, **page, **self._offered(record))

    def _preview(self, record: Any) -> Any:
        """The sections of a record's page alone, beside the list that it is opened from."""
        shown = [(section, _loaded(section, record)) for section in self.resource.detail]
        tags = traits.tags_of(self.resource.name, [record.id])[record.id] if self.resource.has_tags else []
        html = self.render("admin/model/preview.html", record=record, sections=shown, tags=tags)
        return flask.make_response(html, {"Maktab-Dialog": "1"})

    def _offered(self, record: Any) -> dict[str, Any]:
        """What can be done with `record` now: the actions whose guard lets it pass, whether it is edited or deleted."""
        resource, kept = self.resource, service_of(self.resource).kept(record.__data__)
        refused = resource.guard([record]) if resource.guard else {}
        open_now = [one for one in resource.actions if record.id not in refused.get(one.name, ())]
        return {
            "actions": [action for action in open_now if self._may(action.name, record)],
            "may_edit": resource.can_edit and self._may("edit", record),
            "may_delete": resource.can_delete and not kept and self._may("delete", record),
        }

    def _may(self, verb: str, record: Any) -> bool:
        """Whether the actor's roles reach this very record for `verb`, and no plugin takes it away."""
        actor, permission = context().actor, self.resource.permission(verb)
        if not actor.can(permission) or not access.admits(actor, permission, self.resource, record.__data__):
            return False
        return not access.denied(actor, permission, self.resource.name, [record.id])

    def _panels(self, record: Any) -> list[tuple[Section, Markup]]:
        """What plugins add, ready: a template of theirs that fails must fail as their hook does, not as the page."""

        def shown(sections: Iterable[Section]) -> list[tuple[Section, Markup]]:
            return [(one, self._panel(one, record)) for one in sections]

        asked = {"resource": self.resource.name, "record": record, "actor": context().actor}
        made = runtime.current().hooks.read("record_panels", shown, **asked)
        return [panel for panels in made for panel in panels]

    def _panel(self, section: Section, record: Any) -> Markup:
        page = {"one": section, "loaded": _loaded(section, record), "record": record}
        return Markup(self.render("admin/model/panel.html", **page))  # noqa: S704 - our own template

    @expose("/new", methods=["GET", "POST"])
    @requires("{resource}.create")
    def create_view(self) -> Any:
        if flask.request.method == "GET":
            return self._form_page(self._blank())
        form = self._form(flask.request.form.to_dict())
        if form.rearrange(flask.request.form):
            return self._form_page(form)
        try:
            document = form.document(_currency(form.values))
            if asked := questions.before_writing(self.resource, "create", document, self.labels, "", self._url()):
                return asked
            outcome = service_of(self.resource).create(context(), [document])[0]
            if outcome.ok and outcome.id:
                return self._done(_("Created."), outcome.id)
            form.errors = _errors(outcome)
        except (Invalid, Rejected) as error:
            form.errors = _errors(error)
        return self._form_page(form), 422

    @expose("/<int:record_id>/edit", methods=["GET", "POST"])
    @requires("{resource}.edit")
    def edit_view(self, record_id: int) -> Any:
        record = query.get(context(), self.resource, record_id, "edit")
        stored = service_of(self.resource).documents([record.id])[0]
        if flask.request.method == "GET":
            return self._edit_page(self._filled(stored), record, stored)
        form = self._form(flask.request.form.to_dict())
        base = _json_object(form.values.pop("base", ""))
        if form.rearrange(flask.request.form):
            return self._edit_page(form, record, stored, base)
        return self._save(form, record, stored, base)

    def _save(self, form: forms.Form, record: Any, stored: dict[str, Any], base: forms.Values) -> Any:
        """Change what differs from `base`, which the form showed when it was opened."""
        try:
            document = form.document(_currency(form.values, stored), base)
            if not document:
                return self._done(_("Nothing had to be changed."), record.id)
            title, here = self.resource.title(record), self._url("details", record_id=record.id)
            if asked := questions.before_writing(self.resource, "edit", document, self.labels, title, here):
                return asked
            version = {record.id: flask.request.form.get("version", 0, int)}
            outcome = service_of(self.resource).update(context(), {record.id: document}, version)[0]
            if outcome.ok:
                return self._done(_("Saved."), record.id)
            form.errors = _errors(outcome)
        except (Invalid, Rejected) as error:
            form.errors = _errors(error)
        except Conflict:
            conflict = form.differences(base, self._filled(stored).values)
            return self._edit_page(form, record, stored, conflict=conflict), 409
        return self._edit_page(form, record, stored, base), 422

    def _form(self, values: forms.Values | None = None) -> forms.Form:
        return forms.form_of(self.resource.schema, self.resource.form_fields, values)

    def _blank(self) -> forms.Form:
        """A form for a new record, with an empty row in each list."""
        given = {"currency": _currency(), **self._ticked(), **forms.defaults(self.resource.schema)}
        form = forms.fill(self._form(), given, _currency(given))
        for path, infos in form.nested.items():
            if infos[0].many:
                form.add_row(path)
        return form

    def _ticked(self) -> dict[str, bool]:
        """What the model takes for its yes-no fields: a box that is left as it is must mean the same."""
        fields = self.resource.model._meta.fields.items()
        return {name: field.default for name, field in fields if isinstance(field.default, bool)}

    def _filled(self, stored: dict[str, Any]) -> forms.Form:
        return forms.fill(self._form(), stored, _currency(stored))

    def _edit_page(
        self, form: forms.Form, record: Any, stored: dict[str, Any], base: Any = None, conflict: Any = None
    ) -> str:
        """`base`: the texts that the input is compared with; None: those that are stored now, at their version."""
        form.fixed = service_of(self.resource).fixed_in(stored)
        version = record.version if base is None else form.values.get("version")
        if base is None:
            texts = self._filled(stored).values.items()
            base = {name: text for name, text in texts if name.partition(".")[0] not in form.fixed}
        values = {"record": record, "stored": stored, "base": json.dumps(base), "version": version}
        return self._form_page(form, conflict=conflict, **values)

    def _form_page(self, form: forms.Form, **values: Any) -> str:
        currency = _currency(form.values, values.get("stored", {}))
        return self.render("admin/model/form.html", form=form, currency=currency, **{"record": None, **values})

    @expose("/<int:record_id>/delete", methods=["GET", "POST"])
    @requires("{resource}.delete")
    def delete_view(self, record_id: int) -> Any:
        record = query.get(context(), self.resource, record_id, "delete")
        service = service_of(self.resource)
        kept, title = service.kept(record.__data__), self.resource.title(record)
        here = self._url("details", record_id=record.id)
        if not kept and (asked := questions.before_delete(self.resource, title, here)):
            return asked
        kept = kept or service.delete(context(), [record.id])[0].reason
        if kept:
            flask.flash(kept, "bad")
            return flask.redirect(here)
        return self._done(_("%(title)s was deleted.", title=title))

    @expose("/actions/<name>", methods=["POST"])
    @requires("{resource}.view")
    def run_view(self, name: str) -> Any:
        """An action on the selection of the form: first its small form or question, then the work itself."""
        action, posted = self.resource.action(name), flask.request.form
        if action is None:
            raise NotFound(_("There is no such action."))
        access.demand(context().actor, self.resource.permission(name))
        chosen = lists.selection(self.resource, posted)
        if not chosen.ids and not chosen.everything:
            flask.flash(_("Nothing was selected."), "info")
            return redirect(came_from(self._url()))
        form = forms.form_of(action.schema) if action.schema else None
        asked = questions.before_action(self.resource, action, chosen, came_from(self._url()))
        if form and posted:
            form.values = {info.path: posted.get(f"argument.{info.path}", "") for info in form.fields}
        is_open = bool(form) and "confirmed" not in posted if action.asks == "undo" else not asked.is_granted
        if is_open:
            return self._asking(action, form, chosen, asked)
        try:
            arguments = form.raw(_currency()) if form else {}
            started = jobs.start_action(context(), self.resource.name, name, chosen, arguments)
        except Invalid as error:
            if form is None:
                raise
            form.errors, asked.status = error.errors, 422
            return self._asking(action, form, chosen, asked)
        return self._report(action, started)

    def _asking(self, action: Action, form: forms.Form | None, chosen: Selection, asked: confirm.Asked) -> Any:
        """The small form of an action, or what it asks first; and what it will touch."""
        touched = lists.touched(context(), self.resource, chosen, action.name)
        values = {"action": action, "form": form, "chosen": chosen, "posted": flask.request.form, "asked": asked}
        page = self.render("admin/model/action.html", currency=_currency(), **values, **touched)
        return confirm.answer(page, asked)

    def _report(self, action: Action, started: Any) -> Any:
        if isinstance(started, jobs.Job):
            return redirect(flask.url_for("core_jobs.details_view", job_id=started.id))
        changed = _n("%(n)s record changed.", "%(n)s records changed.", len(started))
        undo = flask.url_for("core_jobs.command", job_id=started.job.id, verb="undo") if started.job else ""
        outcomes.tell(context(), self.resource, started, f"{action.label}: {changed}", undo)
        return redirect(came_from(self._url()))

    def _done(self, text: str, record_id: int | None = None) -> Any:
        flask.flash(text, "ok")
        return flask.redirect(self._url("details", record_id=record_id) if record_id else self._url())


def _loaded(section: Section, record: Any) -> dict[str, Any]:
    return section.load(context(), record) if section.load else {}


def _currency(*places: Any) -> str:
    """The currency that the first of `places` (texts of a form, a document) names; else the shop's."""
    codes = (str(place.get("currency") or "").strip().upper() for place in places)
    return next(filter(is_currency, codes), runtime.current().settings.currency)


def _errors(refused: Outcome | Invalid | Rejected) -> dict[str, list[str]]:
    return {name: [str(text) for text in texts] for name, texts in refused.errors.items()}


def _json_object(text: str) -> forms.Values:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
