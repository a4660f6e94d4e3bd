"""What is said after a command on a few records: how many were changed, and which were not, and why."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import flask

from core.context import Context
from core.errors import in_one_line
from core.i18n import _, _n
from core.resources import Action, Outcome, Resource, query, schema_fields
from core.web.forms import Form

Outcomes = Mapping[int, Outcome]
Errors = Mapping[str, Sequence[str]]
_LEFT = ("rejected", "skipped", "unchanged")
_PLACE = re.compile(r"\.\d+(?=\.)")
_REASONS, _NAMES = 3, 5  # messages travel in a cookie


def tell(
    ctx: Context, resource: Resource, outcomes: Outcomes, whole: str, undo: str = "", action: Action | None = None
) -> None:
    """Flash `whole` when every record was changed, else how many were, and each reason with its records.

    `undo`: address of the command that takes it back. `action`: what was done, whose fields may be named.
    """
    labels = _labels(resource, action)
    left: defaultdict[str, list[int]] = defaultdict(list)
    for record_id, outcome in outcomes.items():
        if outcome.status in _LEFT:
            left[_in_words(outcome.errors, labels) or _("Nothing had to be changed.")].append(record_id)
    done = len(outcomes) - sum(map(len, left.values()))
    text = whole if not left else _partly(outcomes, done)
    refused = any(not outcome.ok for outcome in outcomes.values())
    tone = "warn" if done and left else "bad" if refused else "ok" if done else "info"
    message: Any = {"text": text, "left": _named(ctx, resource, left), "undo": undo}
    flask.flash(message, tone)


def whole(action: Action, outcomes: Outcomes) -> str:
    """What is said when all of it was done."""
    if _are_deleted(outcomes):
        return _n("%(n)s record deleted.", "%(n)s records deleted.", len(outcomes))
    changed = _n("%(n)s record changed.", "%(n)s records changed.", len(outcomes))
    return f"{action.label}: {changed}"


def _partly(outcomes: Outcomes, done: int) -> str:
    if _are_deleted(outcomes):
        return _("%(n)s of %(total)s records deleted.", n=done, total=len(outcomes))
    return _("%(n)s of %(total)s records changed.", n=done, total=len(outcomes))


def _are_deleted(outcomes: Outcomes) -> bool:
    return any(one.status == "deleted" for one in outcomes.values())


def put_back(form: Form | None, resource: Resource, action: Action, outcomes: Outcomes) -> bool:
    """Put the reason into the form of an action that was refused, for every record by the same; False: it was not."""
    refused = {_said(one.errors) for one in outcomes.values()}
    if form is None or not form.fields or len(refused) != 1 or any(one.ok for one in outcomes.values()):
        return False
    errors, mine = dict(refused.pop()), {info.path for info in form.fields}
    elsewhere = {name: texts for name, texts in errors.items() if name not in mine}
    form.errors = {name: list(texts) for name, texts in errors.items() if name in mine}
    if elsewhere:
        form.errors[""] = [_in_words(elsewhere, _labels(resource, action))]
    return True


def _said(errors: Errors) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, tuple(map(str, texts))) for name, texts in errors.items())


def _labels(resource: Resource, action: Action | None) -> dict[str, str]:
    schemas = [resource.schema, *([action.schema] if action and action.schema else [])]
    return {info.path: str(info.label) for schema in schemas for info in schema_fields(schema)}


def _in_words(errors: Errors, labels: Mapping[str, str]) -> str:
    """As people read them: `Name: This is needed.; City: …`."""
    return in_one_line({labels.get(_PLACE.sub("", name), name): texts for name, texts in errors.items()})


def _named(ctx: Context, resource: Resource, left: Mapping[str, list[int]]) -> list[tuple[str, str]]:
    """[(titles of some records, why they were left)]"""
    shown = {reason: ids[:_NAMES] for reason, ids in list(left.items())[:_REASONS]}
    titles = query.titles(ctx, resource, [record_id for ids in shown.values() for record_id in ids])
    names = {reason: ", ".join(titles[one] for one in ids if one in titles) for reason, ids in shown.items()}
    return [(names[reason] + " …" * (len(left[reason]) > _NAMES), reason) for reason in shown]
