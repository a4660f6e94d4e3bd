"""What a list page shows beside its rows: filter chips, links that keep the rest of the state, the selection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from core import nav, runtime
from core.context import Context
from core.db.money import to_major, to_minor
from core.i18n import _, __, format_number, parse_number
from core.resources import Badge, Filter, ListState, Page, Resource, Selection, query, traits
from core.web import cells

SIZES = (25, 50, 100)
PERIODS = {
    "today": __("Today"), "yesterday": __("Yesterday"), "last_7_days": __("Last 7 days"),
    "last_30_days": __("Last 30 days"), "this_month": __("This month"), "this_year": __("This year"),
}  # fmt: skip


def canonical(resource: Resource, args: Any) -> dict[str, str] | None:
    """The arguments as one link writes them, when a filter form sent others: without empty ones, several values of one
    choice joined by commas, money in minor units. None: they are fine."""
    kinds = {one.name: one.kind for one in resource.filters}
    clean: dict[str, str] = {}
    for name in args:
        values = [value for value in args.getlist(name) if value]
        plain = name.removeprefix("major.")
        if plain != name and values and kinds.get(plain.split("__")[0]) == "money":
            values = [_minor(values[0])]
        if values:
            clean[plain] = ",".join(values)
    return None if clean == args.to_dict() and len(args) == sum(1 for _pair in args.items(multi=True)) else clean


def _minor(text: str) -> str:
    try:
        return str(to_minor(parse_number(text), runtime.current().settings.currency))
    except (ValueError, ArithmeticError):
        return text


def _badges(made: Mapping[int, Iterable[Any]]) -> dict[int, list[Badge]]:
    return {record_id: nav.only(Badge)(some) for record_id, some in made.items()}


def marks(ctx: Context, resource: Resource, ids: Sequence[int]) -> dict[int, list[Badge]]:
    """{id: what plugins put beside the record}, for a list or the head of one record's page."""
    found: dict[int, list[Badge]] = {}
    asked = {"resource": resource.name, "ids": ids, "actor": ctx.actor}
    for made in runtime.current().hooks.read("record_badges", _badges, **asked) if ids else ():
        for record_id, some in made.items():
            found.setdefault(record_id, []).extend(some)
    return found


def view(ctx: Context, resource: Resource, state: ListState, found: Page) -> dict[str, Any]:
    """Everything that the templates of a list need."""
    ids = [record.id for record in found.records]
    columns = [column for column in resource.columns if column.shown]
    tagged = resource.has_tags and any(column.kind == "tags" for column in columns) and ids
    tags = traits.tags_of(resource.name, ids) if tagged else {}
    shown = urlencode(_kept(state))
    return {
        "records": found.records, "next": found.next, "previous": found.previous, "columns": columns,
        "rows": partial(cells.rows, resource, found.records, columns, tags=tags, badges=marks(ctx, resource, ids)),
        "sort": state.sort or resource.default_sort, "query": shown, "link": _linker(state),
        "kept": list(_kept(state, with_view=True).items()), "sizes": SIZES, **filters(resource, state),
        "links": nav.buttons("list_links", ctx.actor, resource=resource.name, query=shown),
    }  # fmt: skip


def filters(resource: Resource, state: ListState) -> dict[str, Any]:
    """What the form of a filter needs."""
    return {
        "chips": chips(resource, state), "periods": PERIODS, "currency": runtime.current().settings.currency,
    }  # fmt: skip


def _kept(state: ListState, with_view: bool = False) -> dict[str, str]:
    kept = dict(state.filters) | ({"q": state.search} if state.search else {})
    if with_view:
        kept |= {"sort": state.sort} if state.sort else {}
        kept |= {"limit": str(state.limit)} if state.limit != 50 else {}
    return kept


def _linker(state: ListState) -> Callable[..., str]:
    def link(without: Iterable[str] = (), **changes: str | None) -> str:
        """The list with some arguments changed or left out, back at its first page."""
        gone = set(without) | {name for name, value in changes.items() if not value}
        kept = {name: value for name, value in _kept(state, with_view=True).items() if name not in gone}
        return "?" + urlencode(kept | {name: value for name, value in changes.items() if value})

    return link


def chips(resource: Resource, state: ListState) -> list[dict[str, Any]]:
    """Every filter with what is `given` {argument: text in its input}, what that says (`text`), and the `others`."""
    found = []
    for declared in resource.filters:
        given = {name: value for name, value in state.filters.items() if name.split("__")[0] == declared.name}
        others = [pair for pair in _kept(state, with_view=True).items() if pair[0] not in given]
        shown = {name: _major(value) if declared.kind == "money" else value for name, value in given.items()}
        text = ", ".join(_said(declared, *pair) for pair in shown.items())
        found.append({"filter": declared, "given": shown, "text": text, "others": others})
    return found


def _major(minor: str) -> str:
    if not minor.removeprefix("-").isdecimal():
        return minor
    return format(to_major(int(minor), runtime.current().settings.currency), "f")


def _said(declared: Filter, argument: str, value: str) -> str:
    operator = argument.partition("__")[2]
    if declared.kind == "choice":
        return ", ".join(str(declared.choices.get(one, one)) for one in value.split(","))
    if declared.kind == "bool":
        return _("Yes") if value.lower() in ("true", "1", "yes") else _("No")
    if declared.kind == "date":
        value = str(PERIODS.get(value, value))
    words = {"gte": _("from %(value)s", value=value), "lte": _("up to %(value)s", value=value), "prefix": f"{value}…"}
    return words.get(operator, value)


def capped(number: int) -> str:
    """A count as a list says it."""
    return f"{format_number(query.CAP)}+" if number > query.CAP else format_number(number)


def selection(resource: Resource, posted: Any) -> Selection:
    """What the bulk form means: listed ids, or the query of the list with the exclusions."""
    args = dict(parse_qsl(posted.get("query", "")))
    ids, excluded = (_numbers(posted.getlist(name)) for name in ("ids", "excluded"))
    if "everything" not in posted:
        return Selection(resource.name, ids=ids)
    state = ListState.of(resource, args)
    return Selection(resource.name, everything=True, filters=state.filters, search=state.search, excluded=excluded)


def amount(ctx: Context, resource: Resource, chosen: Selection, verb: str) -> tuple[str, str]:
    """What an action is about, for its button: the record's title, or their number; and what is typed to confirm it."""
    if len(chosen.ids) == 1 and not chosen.everything:
        title = query.titles(ctx, resource, chosen.ids).get(chosen.ids[0], f"#{chosen.ids[0]}")
        return title, title
    number = _matching(ctx, resource, chosen, verb) if chosen.everything else len(chosen.ids)
    label = str(resource.label_plural)
    noun = label[:1].lower() + label[1:] if label[1:].islower() else label
    return _("%(n)s %(list)s", n=capped(number), list=noun), str(min(number, query.CAP))


def _matching(ctx: Context, resource: Resource, chosen: Selection, verb: str) -> int:
    return int(query.select(ctx, resource, chosen, verb).order_by().limit(query.CAP + 1).count())


def touched(ctx: Context, resource: Resource, chosen: Selection, verb: str) -> dict[str, Any]:
    """What an action on all that match will touch: their `number`, and what it is `about` as [(filter, text)]."""
    if not chosen.everything:
        return {}
    found = _matching(ctx, resource, chosen, verb)
    shown = chips(resource, ListState(filters=chosen.filters))
    about = [(chip["filter"].label, chip["text"]) for chip in shown if chip["text"]]
    return {"number": capped(found), "about": [*about, *[(_("Search"), chosen.search)] * bool(chosen.search)]}


def _numbers(texts: list[str]) -> tuple[int, ...]:
    return tuple(int(text) for text in texts if text.isdecimal() and len(text) < 19)
