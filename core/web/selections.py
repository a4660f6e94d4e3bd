"""Which records the form of a list means, and that an answer is for those that were asked about and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from markupsafe import Markup

from core.context import Context
from core.i18n import _, format_number, noun
from core.resources import Action, ListState, Resource, Selection, query
from core.web import cells, lists, pickers
from core.web.listing import capped

SELECTED = ("ids", "excluded", "everything", "query")
"""The inputs that say which records an action is for."""
_MOST_TOLD = 100_000
"""A question tells how many it is about as far as that, ten times as far as a list, which counts for every look."""
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
    """How many match now; more than `_MOST_TOLD` are only counted where the number is to be typed."""
    found = query.select(ctx, resource, chosen, action.name).order_by()
    return int((found if action.asks == "typed" else found.limit(_MOST_TOLD + 1)).count())


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


def subject(ctx: Context, resource: Resource, chosen: Selection) -> dict[str, Any]:
    """The `record` that a selection of one is, and its `facts`."""
    if len(chosen.ids) != 1 or chosen.everything:
        return {}
    record = next(iter(query.some(ctx, resource, chosen.ids)), None)
    return {"record": record, "facts": facts(ctx, resource, record)} if record else {}


def facts(ctx: Context, resource: Resource, record: Any) -> list[Markup]:
    """What tells `record` from others beside its title: who or what it is about, and how much."""
    shown, title = [one for one in resource.columns if one.shown], resource.title(record)
    told = [one for one in shown if one.kind in ("text", "reference") and getattr(record, one.name, "") != title]
    columns = [*told[:1], *[one for one in shown if one.kind == "money"][:1]]
    names = pickers.names(ctx, resource, columns, [record])
    return [text for one in columns if (text := cells.value(one, record, "", names=names))]


def touched(resource: Resource, chosen: Selection, action: Action) -> Mapping[str, Any]:
    """What an action on all that match will touch: their `number`, and what it is `about` as [(filter, text)]."""
    if chosen.number is None:
        return {}
    return {"number": _said(chosen.number, action), "about": lists.asked(resource, chosen)}


def _said(number: int, action: Action) -> str:
    return format_number(number) if action.asks == "typed" else capped(number, _MOST_TOLD)


def _numbers(texts: list[str]) -> tuple[int, ...]:
    return tuple(int(text) for text in texts if text.isdecimal() and len(text) < 19)
