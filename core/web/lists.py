"""What a list page shows beside its rows: filter chips, links that keep the rest of the state, the selection."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from core import access, nav, runtime, views
from core.context import Context
from core.db import money
from core.errors import Invalid
from core.i18n import _, __, format_number
from core.resources import Badge, Column, Filter, Page, Resource, Selection, query, traits
from core.views import Setup
from core.web import cells, pickers, tabs
from core.web.listing import Listing

SIZES = (25, 50, 100)
PERIODS = {
    "today": __("Today"), "yesterday": __("Yesterday"), "last_7_days": __("Last 7 days"),
    "last_30_days": __("Last 30 days"), "this_month": __("This month"), "this_year": __("This year"),
}  # fmt: skip


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


def view(ctx: Context, shown: Listing, found: Page) -> dict[str, Any]:
    """Everything that the templates of a list need."""
    return {
        "records": found.records, "next": found.next, "previous": found.previous, **tabs.view(shown),
        "rows": rows(ctx, shown, found),
        "sizes": SIZES, **filters(shown),
        "links": _links(ctx, shown),
    }  # fmt: skip


def _links(ctx: Context, shown: Listing) -> list[nav.Link]:
    about = {"resource": shown.resource.name, "query": shown.selected, "columns": shown.setup.columns}
    return nav.buttons("list_links", ctx.actor, **about)


def rows(ctx: Context, shown: Listing, found: Page) -> partial[Markup]:
    """`cells.rows` of what was found, with all that they show but the address of a record and whether it is picked."""
    resource, records, columns = shown.resource, found.records, tabs.view(shown)["columns"]
    ids = [record.id for record in records]
    tagged = resource.has_tags and any(column.kind == "tags" for column in columns) and ids
    return partial(
        cells.rows, resource, records, columns,
        tags=traits.tags_of(resource.name, ids) if tagged else {}, badges=marks(ctx, resource, ids),
        names=pickers.names(ctx, resource, columns, records), editable=editable(ctx, resource, columns, ids),
        within="?" + urlencode({"in": shown.query or "view=all"}),
    )  # fmt: skip


def editable(ctx: Context, resource: Resource, columns: Sequence[Column], ids: Sequence[int]) -> frozenset[int]:
    """Those of `ids` whose cells the actor may edit in place, if one of `columns` is; at most a statement."""
    permission = resource.permission("edit")
    if not ids or not ctx.actor.can(permission) or not any(column.editable for column in columns):
        return frozenset()
    reached = frozenset(ids)
    if access.rows(ctx.actor, permission, resource) is not None:
        chosen = query.select(ctx, resource, Selection(resource.name, ids=ids), "edit")
        reached = frozenset(row[0] for row in chosen.tuples())
    return reached - access.denied(ctx.actor, permission, resource.name, ids)


def filters(shown: Listing) -> dict[str, Any]:
    """What the form of a filter needs."""
    currency = runtime.current().settings.currency
    return {"shown": shown, "link": shown.link, "chips": chips(shown), "periods": PERIODS, "currency": currency}


def refusal(resource: Resource, error: Invalid) -> str:
    """What was wrong with the address of a list, by the labels of its filters."""
    labels = {one.name: str(one.label) for one in resource.filters}
    named = [(labels.get(argument.partition("__")[0], ""), texts) for argument, texts in error.errors.items()]
    return " ".join(f"{label}: {' '.join(texts)}".removeprefix(": ") for label, texts in named)


def chips(shown: Listing) -> list[dict[str, Any]]:
    """Every filter with what is `given` {argument: text in its input}, what that says (`text`), and the `others`."""
    found = []
    for declared in shown.resource.filters:
        given = _given(declared, shown.setup.filters)
        others = list(shown.arguments(shown.setup.without(given)).items())
        found.append({"filter": declared, "given": given, "text": _text(declared, given), "others": others})
    return found


def _given(declared: Filter, filters: Mapping[str, str]) -> dict[str, str]:
    mine = {name: value for name, value in filters.items() if name.partition("__")[0] == declared.name}
    return {name: _major(value) if declared.kind == "money" else value for name, value in mine.items()}


def _text(declared: Filter, given: Mapping[str, str]) -> str:
    return ", ".join(_said(declared, *pair) for pair in given.items())


def asked(resource: Resource, chosen: Selection) -> list[tuple[Any, str]]:
    """[(label, text)] of the filters and the search of a selection."""
    texts = [(one.label, _text(one, _given(one, chosen.filters))) for one in resource.filters]
    return [*((label, text) for label, text in texts if text), *[(_("Search"), chosen.search)] * bool(chosen.search)]


def name_of(shown: Listing) -> str:
    """What a list is called as it is shown: its view, and what is asked for besides."""
    given, tab = shown.setup, shown.tab
    filters = {name: text for name, text in given.filters.items() if tab.setup.filters.get(name) != text}
    more = Selection(shown.resource.name, filters=filters, search=given.search * (given.search != tab.setup.search))
    parts = [str(tab.label)] * (tab.ref != views.ALL)
    parts += [f"{label}: {text}" for label, text in asked(shown.resource, more)]
    parts += _looks(shown.resource, given, tab.setup)
    return " · ".join(filter(None, [", ".join(parts), str(shown.resource.label_plural)]))


def _looks(resource: Resource, given: Setup, base: Setup) -> list[str]:
    """In what the order and the columns of `given` differ from `base`, in words."""
    labels = {one.name: str(one.label) for one in resource.columns}
    column, words = given.sort.removeprefix("-"), []
    if given.sort != base.sort and column in labels:
        by = _("by %(column)s, descending") if given.sort.startswith("-") else _("by %(column)s")
        words.append(by % {"column": labels[column]})
    for text, some, others in (
        (_("with %(columns)s"), given.columns, base.columns),
        (_("without %(columns)s"), base.columns, given.columns),
    ):
        differing = [labels[name] for name in some if name not in others and name in labels]
        words += [text % {"columns": ", ".join(differing)}] * bool(differing)
    return words


def _major(minor: str) -> str:
    if not minor.removeprefix("-").isdecimal():
        return minor
    return money.writer(runtime.current().settings.currency)(int(minor))


def _apart(amount: str) -> str:
    """An amount with its thousands apart; what is none, as it was typed."""
    return format_number(Decimal(amount)) if re.fullmatch(r"-?\d+(\.\d+)?", amount, re.ASCII) else amount


def _said(declared: Filter, argument: str, value: str) -> str:
    operator = argument.partition("__")[2]
    if declared.kind == "choice":
        choices = declared.offered()
        return ", ".join(str(choices.get(one, one)) for one in value.split(","))
    if declared.kind == "bool":
        return _("Yes") if value.lower() in ("true", "1", "yes") else _("No")
    if declared.kind == "date":
        value = str(PERIODS.get(value, value))
    if declared.kind == "money":
        value = _apart(value)
    words = {"gte": _("from %(value)s", value=value), "lte": _("up to %(value)s", value=value), "prefix": f"{value}…"}
    return words.get(operator, value)
