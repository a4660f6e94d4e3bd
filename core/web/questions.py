"""What the pages of a resource ask before they write: before a delete, an action, a field that wants the password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask

from core.auth import current_context
from core.i18n import _, noun
from core.resources import Action, Resource, Selection
from core.web import confirm, forms, selections
from core.web.confirm import Asked, Question


def before_delete(resource: Resource, record: Any, back: str) -> Any | None:
    """None when it was confirmed, else the page that asks."""
    title, facts = resource.title(record), selections.facts(current_context(), resource, record)
    text = _("It is removed for good; the audit log keeps that it was there. It stays when other records refer to it.")
    question, button = _("Delete %(title)s?", title=title), _("Delete %(title)s", title=title)
    act = resource.permission("delete")
    return confirm.first(Question(act, question, button, text=text, lines=facts, asks_why=True, danger=True, back=back))


def before_writing(
    resource: Resource, verb: str, form: forms.Form, document: Mapping[str, Any], title: str, back: str
) -> Any | None:
    """None when `document` writes no field that wants the password, or that was confirmed; else the page that asks.

    `form`: what `document` was read from; `title`: of the record, "" for a new one.
    """
    wanting = [name for name in resource.reauth if name in document]
    if not wanting:
        return None
    made = _("New %(noun)s", noun=noun(resource.label))
    question = Question(
        resource.permission(verb),
        _("Save %(title)s?", title=title) if title else made,
        _("Save %(title)s", title=title) if title else _("Create"),
        level="reauth",
        text=_("This changes what somebody may do."),
        lines=[f"{one.label}: {forms.shown(one, form.values) or '–'}" for one in form.single if one.path in wanting],
        back=back,
    )
    return confirm.first(question)


def before_action(resource: Resource, action: Action, chosen: Selection, back: str) -> Asked:
    """What stands before an action: its grant is for this selection; the arguments are typed into the question."""
    about, typed = "", ""
    if action.asks != "undo":
        about, typed = selections.amount(current_context(), resource, chosen, action)
    question = Question(
        resource.permission(action.name),
        action.label,
        f"{action.label}: {about}".removesuffix(": "),
        level=action.asks,
        text=action.confirm,
        typed=typed,
        danger=action.danger,
        back=back,
    )
    return Asked(question, selections.inputs(chosen, flask.request.form))
