"""Which records the form of a list means, and that an answer is for those that were asked about and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from core.context import Context
from core.i18n import _, format_number, noun
from core.resources import Action, ListState, Resource, Selection, query
from core.web import lists
from core.web.listing import capped

SELECTED = ("ids", "excluded", "everything", "query")
"""The inputs that say which records an action is for."""
MARK, NUMBER = "mark", "number"
"""Of all that match: the newest record when it was asked, and how many they were."""


def selection(ctx: Context, resource: Resource, posted: Any, action: Action) -> Selection:
    """Listed ids; or all that match, but for the exclusions and what came after the question about them."""
    args = dict(parse_qsl(posted.get("query", "")))
    ids, excluded = (_numbers(posted.getlist(name)) for name in ("ids", "excluded"))
    if "everything" not in posted:
        return Selection(resource.name, ids=ids)
    state, mark = ListState.of(resource, args), _numbers(posted.getlist(MARK))
    newest = mark[0] if mark else query.newest(resource)
    chosen = Selection(resource.name, (), True, state.filters, state.search, excluded, max_id=newest)
    if action.asks == "undo" and not action.schema:  # done at once: nobody is told a number before
        return chosen
    told = _numbers(posted.getlist(NUMBER))[:1]  # fewer than that may go on; of more, another question is asked
    return replace(chosen, number=max(*told, matching(ctx, resource, chosen, action), 0))


def matching(ctx: Context, resource: Resource, chosen: Selection, action: Action) -> int:
    """How many match now; more than `query.CAP` are only counted where the number is to be typed."""
    found = query.select(ctx, resource, chosen, action.name).order_by()
    return int((found if action.asks == "typed" else found.limit(query.CAP + 1)).count())


def inputs(chosen: Selection, posted: Any) -> list[tuple[str, str]]:
    """The selection as inputs of the form that asks; a grant is bound to them."""
    found = [(name, text) for name in SELECTED for text in posted.getlist(name)]
    about = {MARK: chosen.max_id, NUMBER: chosen.number}
    return found + [(name, str(value)) for name, value in about.items() if chosen.everything and value is not None]


def amount(ctx: Context, resource: Resource, chosen: Selection, action: Action) -> tuple[str, str]:
    """What an action is about, for its button: the record's title, or their number; and what is typed to confirm it."""
    if len(chosen.ids) == 1 and not chosen.everything:
        title = query.titles(ctx, resource, chosen.ids).get(chosen.ids[0], "").strip() or f"#{chosen.ids[0]}"
        return title, title
    number = len(chosen.ids) if chosen.number is None else chosen.number
    return _("%(n)s %(list)s", n=_said(number, action), list=noun(resource.label_plural)), str(number)


def touched(resource: Resource, chosen: Selection, action: Action) -> Mapping[str, Any]:
    """What an action on all that match will touch: their `number`, and what it is `about` as [(filter, text)]."""
    if chosen.number is None:
        return {}
    return {"number": _said(chosen.number, action), "about": lists.asked(resource, chosen)}


def _said(number: int, action: Action) -> str:
    return format_number(number) if action.asks == "typed" else capped(number)


def _numbers(texts: list[str]) -> tuple[int, ...]:
    return tuple(int(text) for text in texts if text.isdecimal() and len(text) < 19)
