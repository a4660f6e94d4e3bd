"""The form of a resource: a new record, and one that is changed."""

from __future__ import annotations

import json
from typing import Any

import flask
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from core import runtime
from core.access import requires
from core.db.money import is_currency
from core.errors import Conflict, Invalid, NotFound, Rejected
from core.i18n import _
from core.resources import Outcome, query, service_of
from core.web import clashes, forms, questions
from core.web.base import context
from core.web.form_parts import parts
from core.web.tabs import Listed

OWN = frozenset({"base", "before", "version", "take_over", "add_row", "remove_row", "in", "csrf_token"})
"""Inputs of a form, or of a cell, that are no field of its schema; no field may be called so."""


class FormPages(Listed):
    """Routes for the form."""

    @expose("/new", methods=["GET", "POST"])
    @requires("{resource}.create")
    def create_view(self) -> Any:
        if flask.request.method == "GET":
            return self._form_page(self._blank())
        form = self._form(flask.request.form)
        if form.rearrange(flask.request.form):
            return self._form_page(form)
        try:
            document = form.document(currency_of(form.values))
            if asked := questions.before_writing(self.resource, "create", form, document, "", self._url()):
                return asked
            outcome = service_of(self.resource).create(context(), [document])[0]
            if outcome.ok and outcome.id:
                return self._done(_("Created."), outcome.id)
            form.errors = errors_of(outcome)
        except (Invalid, Rejected, Conflict) as error:
            form.errors = errors_of(error)
        return self._form_page(form), 422

    @expose("/<int:record_id>/edit", methods=["GET", "POST"])
    @requires("{resource}.edit")
    def edit_view(self, record_id: int) -> Any:
        try:
            record = query.get(context(), self.resource, record_id, "edit")
        except NotFound:
            if flask.request.method == "GET" or not self._may_create():
                raise
            return self._gone()
        stored = service_of(self.resource).documents([record.id])[0]
        if flask.request.method == "GET":
            return self._edit_page(self._filled(stored), record, stored)
        form = self._form(flask.request.form)
        base, before = (json_object(form.values.pop(name, "")) for name in ("base", "before"))
        if form.rearrange(flask.request.form) or clashes.take(form, flask.request.form.get("take_over", ""), base):
            return self._edit_page(form, record, stored, base, before)
        return self._save(form, record, stored, base, before)

    def _may_create(self) -> bool:
        return self.resource.offers_new and context().actor.can(self.resource.permission("create"))

    def _gone(self) -> Any:
        """What was typed for a record that is gone, in the form of a new one."""
        form = self._form(flask.request.form)
        form.errors = {
            "": [_("This record was deleted meanwhile. What you typed is still here: Save makes a new one.")]
        }
        return self._form_page(form, action=self._url("create")), 404

    def _save(
        self, form: forms.Form, record: Any, stored: dict[str, Any], base: forms.Values, before: forms.Values
    ) -> Any:
        """Change what differs from `base`, which the form showed when it was opened."""
        try:
            document = form.document(currency_of(form.values, stored), base)
            if not document:
                return self._done(_("Nothing had to be changed."), record.id)
            title, here = self.resource.title(record), self._url("details", record_id=record.id)
            if asked := questions.before_writing(self.resource, "edit", form, document, title, here):
                return asked
            version = {record.id: flask.request.form.get("version", 0, int)}
            outcome = service_of(self.resource).update(context(), {record.id: document}, version)[0]
            if outcome.ok:
                return self._done(_("Saved."), record.id)
            form.errors = errors_of(outcome)
        except (Invalid, Rejected) as error:
            form.errors = errors_of(error)
        except Conflict as error:
            return self._refused(form, record, base, before, error)
        return self._edit_page(form, record, stored, base, before), 422

    def _refused(self, form: forms.Form, record: Any, base: forms.Values, before: forms.Values, why: Conflict) -> Any:
        """What somebody else has written meanwhile, in this very moment too; or why the record's state forbids it."""
        fresh = query.get(context(), self.resource, record.id, "edit")
        stored = service_of(self.resource).documents([record.id])[0]
        if fresh.version == flask.request.form.get("version", 0, int):
            form.errors = errors_of(why)
            return self._edit_page(form, fresh, stored, base, before), 409
        clashes.merge(form, base, self._open(stored))
        return self._edit_page(form, fresh, stored, before=base), 409

    def _form(self, sent: MultiDict[str, str] | None = None) -> forms.Form:
        form = forms.form_of(self.resource.schema, self.resource.form_fields)
        if sent is not None:
            form.read(sent)
        return form

    def _blank(self) -> forms.Form:
        """A form for a new record, with an empty row in its first list."""
        given = {"currency": currency_of(), **self._begun(), **forms.defaults(self.resource.schema)}
        form = forms.fill(self._form(), given, currency_of(given))
        if lists := [path for path, infos in form.nested.items() if infos[0].many]:
            form.add_row(lists[0])
        return form

    def _begun(self) -> dict[str, Any]:
        """What the model takes for its yes-no fields and choices: one that is left as it is must mean the same."""
        known = self.resource.model._meta.fields
        chosen = (info.name for info in self._form().single if info.kind == "bool" or info.choices)
        return {name: known[name].default for name in chosen if name in known}

    def _filled(self, stored: dict[str, Any]) -> forms.Form:
        return forms.fill(self._form(), stored, currency_of(stored))

    def _open(self, stored: dict[str, Any]) -> forms.Values:
        """The texts of the inputs that can be changed now."""
        fixed = service_of(self.resource).fixed_in(stored)
        texts = self._filled(stored).values.items()
        return {name: text for name, text in texts if name.partition(".")[0] not in fixed}

    def _edit_page(
        self,
        form: forms.Form,
        record: Any,
        stored: dict[str, Any],
        base: Any = None,
        before: forms.Values | None = None,
    ) -> str:
        """`base`: the texts that the input is compared with; None: those that are stored now, at their version.

        `before`: those that it was compared with until somebody else changed the record.
        """
        form.fixed = service_of(self.resource).fixed_in(stored)
        version = record.version if base is None else form.values.get("version")
        base = self._open(stored) if base is None else base
        values = {"record": record, "stored": stored, "base": json.dumps(base), "version": version}
        if before:
            values |= {"before": json.dumps(before), "conflict": clashes.differences(form, before, base)}
        return self._form_page(form, **values)

    def _form_page(self, form: forms.Form, **values: Any) -> str:
        currency = currency_of(form.values, values.get("stored", {}))
        page = {"record": None, "parts": parts(form, self.resource.detail), **values}
        return self.render("admin/model/form.html", form=form, currency=currency, **page)


def currency_of(*places: Any) -> str:
    """The currency that the first of `places` (texts of a form, a document) names; else the shop's."""
    codes = (str(place.get("currency") or "").strip().upper() for place in places)
    return next(filter(is_currency, codes), runtime.current().settings.currency)


def errors_of(refused: Outcome | Invalid | Rejected | Conflict) -> dict[str, list[str]]:
    """Texts by field; a conflict is about the whole."""
    if isinstance(refused, Conflict):
        return {"": [str(refused)]}
    return {name: [str(text) for text in texts] for name, texts in refused.errors.items()}


def json_object(text: str) -> forms.Values:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
