"""Cells of a list that are edited in place: the form's own input for one field, and its row after it was saved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import flask
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from core.access import requires
from core.errors import Conflict, Invalid, NotFound, Rejected
from core.i18n import _
from core.resources import Column, query, service_of
from core.web import forms, lists
from core.web.base import context, is_partial
from core.web.form_pages import currency_of, errors_of, json_object
from core.web.listing import listing
from core.web.tabs import Listed


@dataclass
class Cell:
    """One field of a stored record. `texts`: what its input would hold of what is stored now; `form`: what it holds."""

    column: Column
    record: Any
    stored: dict[str, Any]
    texts: forms.Values
    form: forms.Form


class CellPages(Listed):
    """The route of one cell."""

    @expose("/<int:record_id>/cells/<name>", methods=["GET", "POST"])
    @requires("{resource}.edit")
    def cell_view(self, record_id: int, name: str) -> Any:
        """A cell as an input; what it sends, saved by the service that saves the form. Without a script: the form."""
        column = self.resource.column(name)
        if column is None or not column.editable:
            raise NotFound(_("This column is not edited in its list."))
        if not is_partial():
            return flask.redirect(self._url("edit", record_id=record_id))
        cell = self._cell(column, record_id)
        if flask.request.method == "GET":
            cell.form.values = cell.texts
            return self._cell_page(cell)
        return self._save_cell(cell, json_object(flask.request.form.get("base", "")))

    def _cell(self, column: Column, record_id: int) -> Cell:
        record, service = query.get(context(), self.resource, record_id, "edit"), service_of(self.resource)
        stored = service.documents([record.id])[0]
        if fixed := service.fixed_in(stored).get(column.name):
            raise Conflict(fixed)
        form = forms.form_of(self.resource.schema, [column.name])
        texts = forms.fill(form, stored, currency_of(stored)).values
        if form.fields[0].in_currency:  # the same digits in another currency are another amount
            texts |= {"currency": currency_of(stored)}
        return Cell(column, record, stored, texts, forms.form_of(self.resource.schema, [column.name]))

    def _save_cell(self, cell: Cell, base: forms.Values) -> Any:
        """Write what differs from `base`, which the input held when it was opened.

        What somebody else has changed in other fields meanwhile is no clash.
        """
        cell.form.values = cell.texts | base | {cell.column.name: flask.request.form.get(cell.column.name, "")}
        if base != cell.texts:
            return self._cell_page(cell, forms.shown(cell.form.fields[0], cell.texts)), 409
        try:
            cell.form.errors = self._written(cell)
        except (Invalid, Rejected) as error:
            cell.form.errors = errors_of(error)
        except Conflict:
            fresh = self._cell(cell.column, cell.record.id)
            if fresh.record.version == cell.record.version:  # it is not that somebody was faster
                raise
            return self._save_cell(fresh, base)
        return (self._cell_page(cell), 422) if cell.form.errors else self._row(cell.record.id)

    def _written(self, cell: Cell) -> dict[str, list[str]]:
        document = cell.form.document(currency_of(cell.form.values, cell.stored), cell.texts)
        if not document:
            return {}
        versions = {cell.record.id: cell.record.version}
        return errors_of(service_of(self.resource).update(context(), {cell.record.id: document}, versions)[0])

    def _cell_page(self, cell: Cell, meanwhile: str | None = None) -> str:
        """`meanwhile`: what somebody else has put there since."""
        values = {"cell": cell, "form": cell.form, "info": cell.form.fields[0], "meanwhile": meanwhile}
        values |= {"base": json.dumps(cell.texts), "within": flask.request.values.get("in", "")}
        return self.render("admin/model/cell.html", currency=currency_of(cell.stored), **values)

    def _row(self, record_id: int) -> Any:
        """The row anew, with the columns that its list has."""
        try:
            shown = self._shown(flask.request.form.get("in", ""))
        except Invalid:
            shown = listing(context(), self.resource, MultiDict())
        found = query.Page([query.get(context(), self.resource, record_id)])
        pick = any(
            one.bulk and context().actor.can(self.resource.permission(one.name)) for one in self.resource.actions
        )
        return lists.rows(context(), shown, found)(self._url("details", record_id=0)[:-1], pick=pick)
