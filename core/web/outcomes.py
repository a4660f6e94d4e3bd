"""What the next page says after a command on a few records: how many were changed, and which were not, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import flask

from core.context import Context
from core.i18n import _
from core.resources import Outcome, Resource, query

_LEFT = ("rejected", "skipped", "unchanged")
_REASONS, _NAMES = 3, 5  # messages travel in a cookie


def tell(ctx: Context, resource: Resource, outcomes: Mapping[int, Outcome], whole: str, undo: str = "") -> None:
    """Flash `whole` when every record was changed, else how many were, and each reason with its records.

    `undo`: address of the command that takes it back.
    """
    left: defaultdict[str, list[int]] = defaultdict(list)
    for record_id, outcome in outcomes.items():
        if outcome.status in _LEFT:
            left[outcome.reason or _("Nothing had to be changed.")].append(record_id)
    done = len(outcomes) - sum(map(len, left.values()))
    text = whole if not left else _("%(n)s of %(total)s records changed.", n=done, total=len(outcomes))
    refused = any(not outcome.ok for outcome in outcomes.values())
    tone = "warn" if done and left else "bad" if refused else "ok" if done else "info"
    message: Any = {"text": text, "left": _named(ctx, resource, left), "undo": undo}
    flask.flash(message, tone)


def _named(ctx: Context, resource: Resource, left: Mapping[str, list[int]]) -> list[tuple[str, str]]:
    """[(titles of some records, why they were left)]"""
    shown = {reason: ids[:_NAMES] for reason, ids in list(left.items())[:_REASONS]}
    titles = query.titles(ctx, resource, [record_id for ids in shown.values() for record_id in ids])
    names = {reason: ", ".join(titles[one] for one in ids if one in titles) for reason, ids in shown.items()}
    return [(names[reason] + " …" * (len(left[reason]) > _NAMES), reason) for reason in shown]
