"""Keeping a view of a list, and the settings of one tab: pages that a list shows as dialogs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import flask
from flask_admin import expose

from core import preferences, runtime, views
from core.access import Role, demand, label_of, requires
from core.errors import Conflict, Forbidden, Invalid, NotFound, Rejected
from core.i18n import _
from core.resources import Outcome, Resource, service_of
from core.resources.fields import loaded, part_of
from core.views import Tab
from core.web import confirm
from core.web.base import context, is_partial, preference
from core.web.listing import chosen
from core.web.tabs import Listed

_FIELDS = ("name", "shared_with", "position")
Errors = Mapping[str, Sequence[str]]


class ViewPages(Listed):
    """Routes for the tabs of a list."""

    @expose("/views/new", methods=["GET", "POST"])
    @requires("{resource}.view")
    def view_new_view(self) -> Any:
        """Keep what the list shows as a new view."""
        if flask.request.method == "GET":
            return self._view_page(None)
        demand(context().actor, "core.view.create")
        setup = self._shown(flask.request.form.get("query", "")).setup
        places = [tab.saved.position for tab in self._tabs() if tab.saved]
        errors, made = self._tried(lambda: self._create({"position": max(places, default=0) + 1, **_posted()}, setup))
        return self._view_page(None, errors) if errors else self._kept(str(made))

    def _create(self, given: dict[str, Any], setup: views.Setup) -> Outcome:
        document = loaded(_views().schema(), views.document(self.resource, setup, **given))
        return service_of(_views()).create(context(), [document])[0]

    @expose("/views/<ref>", methods=["GET", "POST"])
    @requires("{resource}.view")
    def view_view(self, ref: str) -> Any:
        """Settings of one tab. `what`: edit, update (to what the list shows) or delete."""
        tab = views.opened(self._tabs(ref), ref)
        if tab is None:
            raise NotFound(_("This view was deleted, or it is not shared with you."))
        if flask.request.method == "GET":
            return self._view_page(tab)
        errors: Errors = {}
        what = flask.request.form.get("what")
        if what == "delete" and tab.may_edit and (asked := confirm.first(self._really(tab))) is not None:
            return asked
        if tab.saved is not None and tab.may_edit:
            errors, _id = self._tried(lambda: self._write(tab, what))
        elif what != "edit" or _posted():
            raise Forbidden(views.SHARE)
        if errors:
            return self._view_page(tab, errors)
        if what == "delete":
            return self._kept(views.ALL, _("The view was deleted."))
        if what == "edit":
            self._begin(tab)
        return self._kept(ref)

    def _really(self, tab: Tab) -> confirm.Question:
        title, text = _("Delete the view %(name)s?", name=tab.label), _("It goes for everybody who sees it.")
        back = f"{self._url()}?view={tab.ref}"
        return confirm.Question("core.view.delete", title, _("Delete view"), text=text, danger=True, back=back)

    def _write(self, tab: Tab, what: str | None) -> Outcome:
        service, posted, view_id = service_of(_views()), flask.request.form, int(tab.ref)
        demand(context().actor, "core.view.delete" if what == "delete" else "core.view.edit")
        if what == "delete":
            return service.delete(context(), [view_id])[0]
        version = {view_id: posted.get("version", 0, int)} if "version" in posted else {}
        if what == "update":
            given = views.document(self.resource, self._shown(posted.get("query", "")).setup)
        else:
            given = _posted()
        document = loaded(part_of(_views().schema), given)
        return service.update(context(), {view_id: document}, version)[0]

    def _begin(self, tab: Tab) -> None:
        """Let the list begin with this tab, for the user himself ("") and for roles; one that is not named: not."""
        name, before = chosen(self.resource, "first"), self._begins(tab)
        wanted = set(flask.request.form.getlist("first"))
        for role in sorted(before ^ wanted):
            value = tab.ref if role in wanted else None
            if role:
                preferences.put_for_role(context(), role, name, value)
            else:
                preferences.put(context(), name, value)

    def _begins(self, tab: Tab) -> set[str]:
        """Who begins the list with `tab`: the short names of roles, and "" for the user."""
        own = {"": preference(chosen(self.resource, "first"))}
        held = preferences.of_roles(chosen(self.resource, "first")) if _may_set_roles() else {}
        return {name for name, ref in (own | held).items() if ref == tab.ref}

    def _tabs(self, ref: str = "") -> list[Tab]:
        return list(self._shown(urlencode({"view": ref})).tabs)

    @staticmethod
    def _tried(write: Any) -> tuple[Errors, int | None]:
        """What is wrong, by field, and the id of the record that was written."""
        try:
            outcome: Outcome = write()
        except (Invalid, Rejected) as error:
            return error.errors, None
        except Conflict as error:
            return {"": [str(error)]}, None
        return outcome.errors, outcome.id

    def _kept(self, ref: str, text: str = "") -> Any:
        flask.flash(text or _("The view was saved."), "ok")
        return self._to(view=ref)

    def _view_page(self, tab: Tab | None, errors: Errors | None = None) -> Any:
        can_share = context().actor.can(views.SHARE)
        page: dict[str, Any] = {"tab": tab, "errors": errors or {}, "asked": flask.request.values.get("query", "")}
        page |= {"can_share": can_share, "can_begin": _may_set_roles(), "everybody": views.EVERYBODY}
        page |= {"roles": _roles() if can_share or page["can_begin"] else [], "label_of": label_of}
        page |= {"first": self._begins(tab) if tab else ()}
        html = self.render("admin/model/view.html", posted=flask.request.form, **page)
        return flask.make_response(html, 422 if errors else 200, {"Maktab-Dialog": "1"} if is_partial() else {})


def _views() -> Resource:
    return runtime.current().resource("core.view")


def _may_set_roles() -> bool:
    return context().actor.can("core.role.edit")


def _posted() -> dict[str, str]:
    form = flask.request.form
    return {name: form[name].strip() for name in _FIELDS if name in form}


def _roles() -> list[Role]:
    return list(Role.select(Role.name, Role.label).order_by(Role.id))
