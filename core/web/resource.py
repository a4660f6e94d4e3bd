"""The pages of one Resource: list, record, form, delete, actions on many."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import flask
from flask_admin import expose
from flask_admin.model import BaseModelView

from core import access, jobs, links, runtime
from core.access import requires
from core.db.money import is_currency
from core.errors import Conflict, Invalid, NotFound, Rejected
from core.i18n import _, _n
from core.resources import Action, ListState, Resource, Section, query, schema_fields, service_of, traits
from core.web import forms, lists
from core.web.base import Guarded, context, is_partial, redirect

FEATURES = {
    "create_view": "can_create", "edit_view": "can_edit", "delete_view": "can_delete", "note_view": "has_notes",
    "run_view": "actions",
}  # fmt: skip
"""Views that only exist where the Resource says so."""


class ResourceView(Guarded, BaseModelView):  # type: ignore[misc]
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
        wanted = lists.canonical(self.resource, flask.request.args)
        if wanted is not None:
            return flask.redirect(
                f"{self._url()}?{urlencode(wanted)}"
            )  # url_for has options of its own (_scheme, _anchor)
        problem = ""
        try:
            state = ListState.of(self.resource, flask.request.args)
            found = query.page(context(), self.resource, state)
        except Invalid as error:  # an old link or a mistyped value: the list without it, and why
            state, problem = ListState(), str(error)
            found = query.page(context(), self.resource, state)
        page = lists.view(context(), self.resource, state, found)
        template = "admin/model/table.html" if is_partial() else "admin/model/list.html"
        return self.render(template, state=state, problem=problem, **page)

    @expose("/count")
    @requires("{resource}.view")
    def count_view(self) -> Any:
        """How many match, for the late request of a list: the text alone."""
        number = query.count(context(), self.resource, ListState.of(self.resource, flask.request.args))
        return lists.capped(number)

    @expose("/<int:record_id>")
    @requires("{resource}.view")
    def details_view(self, record_id: int) -> Any:
        record = query.get(context(), self.resource, record_id)
        sections = [*self.resource.detail, *self._panels(record)]
        shown = [(section, section.load(context(), record) if section.load else {}) for section in sections]
        tags = traits.tags_of(self.resource.name, [record.id])[record.id] if self.resource.has_tags else []
        history = traits.timeline(self.resource.name, record.id)
        page = {"record": record, "sections": shown, "tags": tags, "timeline": history, "cell": lists.cell}
        return self.render("admin/model/details.html", **page)

    def _panels(self, record: Any) -> list[Section]:
        hooks = runtime.current().hooks
        asked = {"resource": self.resource.name, "record": record, "actor": context().actor}
        return [section for made in hooks.call("record_panels", **asked) for section in made]

    @expose("/new", methods=["GET", "POST"])
    @requires("{resource}.create")
    def create_view(self) -> Any:
        form = forms.form_of(self.resource.schema, self.resource.form_fields)
        if flask.request.method == "POST":
            form.values = flask.request.form.to_dict()
            try:
                outcome = service_of(self.resource).create(context(), [form.document(self._currency(form.values))])[0]
                if outcome.ok and outcome.id:
                    return self._done(_("Created."), outcome.id)
                form.errors = {name: [str(text) for text in texts] for name, texts in outcome.errors.items()}
            except (Invalid, Rejected) as error:
                form.errors = error.errors
        else:
            given = {"currency": self._currency({})} | forms.defaults(self.resource.schema)
            forms.fill(form, given, self._currency(given))
        return self.render("admin/model/form.html", form=form, record=None), 422 if form.errors else 200

    @expose("/<int:record_id>/edit", methods=["GET", "POST"])
    @requires("{resource}.edit")
    def edit_view(self, record_id: int) -> Any:
        record = query.get(context(), self.resource, record_id, "edit")
        form = forms.form_of(self.resource.schema, self.resource.form_fields)
        stored = self._stored(record)
        if flask.request.method == "GET":
            form.values = dict(stored)
            return self._edit_page(form, record, stored)
        form.values = flask.request.form.to_dict()
        base = _json_object(form.values.pop("base", ""))
        try:
            document = form.document(self._currency(form.values | stored), base)
            version = {record.id: flask.request.form.get("version", 0, int)}
            if not document:
                return self._done(_("Nothing had to be changed."), record.id)
            outcome = service_of(self.resource).update(context(), {record.id: document}, version)[0]
            if outcome.ok:
                return self._done(_("Saved."), record.id)
            form.errors = {name: [str(text) for text in texts] for name, texts in outcome.errors.items()}
        except (Invalid, Rejected) as error:
            form.errors = error.errors
        except Conflict:
            return self._edit_page(form, record, stored, form.differences(base, stored)), 409
        return self._edit_page(form, record, base), 422

    def _edit_page(self, form: forms.Form, record: Any, base: forms.Values, conflict: Any = None) -> str:
        names = {info.path for info in form.fields if not info.many}
        kept = {name: text for name, text in base.items() if name in names or "." in name}
        version = record.version if conflict is not None or not form.errors else form.values.get("version")
        values = {"record": record, "base": json.dumps(kept), "version": version, "conflict": conflict}
        return self.render("admin/model/form.html", form=form, **values)

    def _stored(self, record: Any) -> forms.Values:
        document = service_of(self.resource).documents([record.id])[0]
        form = forms.form_of(self.resource.schema, self.resource.form_fields)
        return forms.fill(form, document, self._currency({"currency": document.get("currency") or ""})).values

    @expose("/<int:record_id>/delete", methods=["GET", "POST"])
    @requires("{resource}.delete")
    def delete_view(self, record_id: int) -> Any:
        record = query.get(context(), self.resource, record_id, "delete")
        if flask.request.method == "GET":
            return self.render("admin/model/delete.html", record=record)
        outcome = service_of(self.resource).delete(context(), [record.id])[0]
        if not outcome.ok:
            flask.flash(outcome.reason, "bad")
            return flask.redirect(self._url("details", record_id=record.id))
        return self._done(_("%(title)s was deleted.", title=self.resource.title(record)))

    @expose("/<int:record_id>/notes", methods=["POST"])
    @requires("{resource}.note")
    def note_view(self, record_id: int) -> Any:
        record = query.reach(context(), self.resource, record_id, "note")
        text = flask.request.form.get("text", "").strip()
        if text:
            traits.add_note(context(), self.resource.name, record.id, text)
        return flask.redirect(self._url("details", record_id=record.id) + "#timeline")

    @expose("/actions/<name>", methods=["POST"])
    @requires("{resource}.view")
    def run_view(self, name: str) -> Any:
        """An action on the selection of the form: first its small form or question, then the work itself."""
        action, posted = self.resource.action(name), flask.request.form
        if action is None:
            raise NotFound(_("There is no such action."))
        access.demand(context().actor, self.resource.permission(name))
        chosen = lists.selection(self.resource, posted)
        form = forms.form_of(action.schema) if action.schema else None
        if not chosen.ids and not chosen.everything:
            return self._leave(_("Nothing was selected."), "info")
        if (form or action.confirm) and "confirmed" not in posted:
            return self.render("admin/model/action.html", action=action, form=form, chosen=chosen, posted=posted)
        try:
            arguments: dict[str, Any] = {}
            if form:
                form.values = {info.path: posted.get(f"argument.{info.path}", "") for info in form.fields}
                arguments = form.raw(self._currency({}))
            started = jobs.start_action(context(), self.resource.name, name, chosen, arguments)
        except Invalid as error:
            if form is None:
                raise
            form.errors = error.errors
            page = self.render("admin/model/action.html", action=action, form=form, chosen=chosen, posted=posted)
            return page, 422
        return self._report(action, started)

    def _report(self, action: Action, started: Any) -> Any:
        if isinstance(started, jobs.Job):
            return redirect(flask.url_for("core_jobs.details_view", job_id=started.id))
        done = [one for one in started.values() if one.status not in ("rejected", "skipped", "unchanged")]
        failed = {one.reason for one in started.values() if not one.ok}
        if failed:
            flask.flash(f"{action.label}: " + "; ".join(sorted(failed)), "bad")
        if not done:
            return self._leave("" if failed else _("Nothing had to be changed."), "info")
        return self._leave(_n("%(n)s record changed.", "%(n)s records changed.", len(done)), "ok", started.job)

    def _leave(self, text: str, tone: str, job: jobs.Job | None = None) -> Any:
        """Back to where the form came from, which is a page of this resource, with a message (and Undo for `job`)."""
        if text:
            undo = flask.url_for("core_jobs.command", job_id=job.id, verb="undo") if job else ""
            flask.flash({"text": text, "undo": undo}, tone)  # type: ignore[arg-type]
        back = flask.request.form.get("back", "")
        ours = back.startswith(f"/admin/{self.resource.slug}/") and "\\" not in back and back.isprintable()
        return redirect(back if ours else self._url())

    def _done(self, text: str, record_id: int | None = None) -> Any:
        flask.flash(text, "ok")
        return flask.redirect(self._url("details", record_id=record_id) if record_id else self._url())

    @staticmethod
    def _currency(values: Any) -> str:
        code = str(values.get("currency") or "").strip().upper()
        return code if is_currency(code) else runtime.current().settings.currency


def _json_object(text: str) -> forms.Values:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
