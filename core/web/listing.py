"""One request for a list: which tab is open, what differs from it, and the address of what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from core import runtime, views
from core.context import Context
from core.db.money import to_minor
from core.i18n import format_number, parse_number
from core.resources import ListState, Resource, query
from core.views import Setup, Tab
from core.web.base import preference


@dataclass(frozen=True)
class Listing:
    """`ref`: the tab as the address names it, "" for none. `is_gone`: it names one that is not there.

    `page`: cursor and limit. `others`: arguments that a list does not know.
    """

    resource: Resource
    tabs: Sequence[Tab]
    tab: Tab
    ref: str
    setup: Setup
    page: ListState
    others: Mapping[str, str] = field(default_factory=dict)
    is_gone: bool = False

    @cached_property
    def state(self) -> ListState:
        return self.setup.state(self.page.cursor, self.page.limit)

    @property
    def is_changed(self) -> bool:
        return self.setup != self.tab.setup

    @property
    def selected(self) -> str:
        """Filters and search alone, in full, as an export or a selection takes them."""
        return urlencode(dict(self.setup.filters) | ({"q": self.setup.search} if self.setup.search else {}))

    def arguments(self, setup: Setup | None = None, limit: int = 0) -> dict[str, str]:
        """The address of the first page of `setup`: the tab and what differs from it."""
        size = limit or self.page.limit
        found = {"view": self.ref} if self.ref else {}
        found |= views.differences(self.tab.setup, setup or self.setup)
        return found | ({"limit": str(size)} if size != 50 else {})

    @property
    def query(self) -> str:
        """The address that `link()` leads to."""
        return urlencode(self.arguments())

    def link(self, without: Iterable[str] = (), limit: int = 0, cursor: str = "", **changes: str) -> str:
        """The list with other `sort` or `q`, `without` some filters, or another page of it."""
        setup = replace(self.setup.without(without), search=changes.get("q", self.setup.search))
        setup = replace(setup, sort=changes.get("sort", setup.sort))
        return "?" + urlencode(self.arguments(setup, limit) | ({"cursor": cursor} if cursor else {}))

    @property
    def canonical(self) -> dict[str, str]:
        """All arguments as one link writes them."""
        return {**self.others, **self.arguments(), **({"cursor": self.page.cursor} if self.page.cursor else {})}


def chosen(resource: Resource, what: str) -> str:
    """The name of a preference about a list: its `columns`, its `density`, the tab that it begins with (`first`)."""
    return f"list.{resource.name}.{what}"


def listing(ctx: Context, resource: Resource, args: MultiDict[str, str]) -> Listing:
    """What `args` ask for. Raises Invalid for a page that cannot be."""
    given = _cleaned(resource, args)
    page = ListState.of(resource, given)
    own = {what: preference(chosen(resource, what), "") for what in ("columns", "density")}
    ref = given.get("view", "")
    tabs = views.tabs(ctx, resource, views.changed(resource, views.usual(resource), own), ref)
    tab = views.opened(tabs, ref)
    setup = views.changed(resource, (tab or tabs[0]).setup, given)
    others = {name: value for name, value in given.items() if name not in views.RESERVED and name not in page.filters}
    return Listing(resource, tabs, tab or tabs[0], ref if tab else "", setup, page, others, tab is None)


def _cleaned(resource: Resource, args: MultiDict[str, str]) -> dict[str, str]:
    """The arguments as one text each, when a form sent others: without empty ones, several values of one choice joined
    by commas, money in minor units. An emptied search stays: it may differ from that of the view."""
    kinds = {one.name: one.kind for one in resource.filters}
    clean: dict[str, str] = {}
    for name in args:
        values = [value for value in args.getlist(name) if value]
        plain = name.removeprefix("major.")
        if plain != name and values and kinds.get(plain.split("__")[0]) == "money":
            values = [_minor(values[0])]
        if values or name == "q":
            clean[plain] = ",".join(values)
    return clean


def _minor(text: str) -> str:
    try:
        return str(to_minor(parse_number(text), runtime.current().settings.currency))
    except (ValueError, ArithmeticError):
        return text


def is_canonical(shown: Listing, args: MultiDict[str, Any]) -> bool:
    """Whether the address is as a link would write it; else a form sent it."""
    return args.to_dict() == shown.canonical and len(args) == sum(1 for _pair in args.items(multi=True))


def capped(number: int, most: int = 0) -> str:
    """A count as a list says it, or what else counts no further than `most`."""
    most = most or query.CAP
    return f"{format_number(most)}+" if number > most else format_number(number)
