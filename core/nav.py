"""The menu: what the plugins and core offer, cut down to what the actor may open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import flask
from werkzeug.exceptions import HTTPException

from core import arrangement, links, runtime
from core.access.guard import permission_of
from core.context import Actor, Context
from core.i18n import _, __, owner
from core.resources import Waiting

T = TypeVar("T")
HOME, MOST, SHORTCUTS = "/admin/", 7, 3


@dataclass(frozen=True)
class NavItem:
    """A menu entry. `target`: an endpoint (`orders_order.index_view`) or a path beginning with `/`.

    `group`: work, catalog, customers, money, insight or settings; `order`: place in it, low first.
    `icon`: a name in the theme's set. `permission`: empty = everybody who is signed in. `key`: a letter that opens it
    after `g`. `waiting(ctx)`: what waits there, counted late and at most every few seconds; `plugin`: whose it is.
    """

    label: Any
    target: str
    permission: str = ""
    group: str = "work"
    order: int = 50
    icon: str = "box"
    key: str = ""
    waiting: Callable[[Context], Sequence[Waiting]] | None = None
    plugin: str = ""


@dataclass(frozen=True)
class Link:
    """A button that leads to a page. `permission`: without it the button is not there; `icon`: as in NavItem.

    `is_start`: also shown where a list has no records yet, as a way to begin.
    """

    label: Any
    url: str
    permission: str
    icon: str = ""
    is_start: bool = False


GROUPS = {
    "work": "", "catalog": __("Catalog"), "customers": __("Customers"), "money": __("Money"), "insight": __("Insight"),
    "settings": "",
}  # fmt: skip
"""Groups in the order of the menu; the last one stands at its foot."""


def items(actor: Actor) -> Iterator[NavItem]:
    """Everything that wants a place in the menu, permitted or not."""
    present = runtime.current()
    yield NavItem(__("Home"), HOME, order=0, icon="home", key="h")
    for resource in filter(lambda one: one.nav_group, present.resources.values()):
        target = f"{links.endpoint(resource.name)}.index_view"
        place = resource.nav_group, resource.nav_order, resource.icon, resource.nav_key
        counts = resource.waiting, resource.plugin
        yield NavItem(resource.label_plural, target, resource.permission("view"), *place, *counts)
    for page in flask.current_app.extensions["admin"][0]._views:
        if getattr(page, "nav_group", ""):
            target = f"{page.endpoint}.{page._default_view}"
            place = page.nav_group, page.nav_order, page.icon, page.nav_key
            yield NavItem(page.name, target, page.permission, *place, page.waiting, _whose(page.waiting))
    for made in present.hooks.read("nav_items", only(NavItem), actor=actor):
        for one in made:
            yield one if one.plugin else replace(one, plugin=_whose(one.waiting))


def _whose(waiting: Any) -> str:
    """The plugin whose code counts, and which has to answer for it."""
    return (owner(getattr(waiting, "__module__", "")) or "core") if waiting else ""


def buttons(hook: str, actor: Actor, **about: Any) -> list[Link]:
    """What the plugins give with `hook` (list_links, job_links) and `actor` may open."""
    made = runtime.current().hooks.read(hook, only(Link), actor=actor, **about)
    return [link for some in made for link in some if actor.can(link.permission)]


def only(kind: type[T]) -> Callable[[Iterable[Any]], list[T]]:
    """Reads a plugin's answer as a list of `kind`; TypeError for anything else."""

    def read(made: Iterable[Any]) -> list[T]:
        found = list(made)
        for one in found:
            if not isinstance(one, kind):
                raise TypeError(f"It gave {type(one).__name__}, not {kind.__name__}.")
        return found

    return read


@dataclass(frozen=True)
class Choices:
    """How a user wants his menu: places and hidden ones of entries by their `target`, links of his own on top
    ({label, url}), and the entries at the foot of a phone's screen. What is not there now is kept and left out.
    """

    order: Sequence[str] = ()
    hidden: Sequence[str] = ()
    pins: Sequence[Mapping[str, str]] = ()
    shortcuts: Sequence[str] = ()

    @classmethod
    def of(cls, kept: Any) -> Choices:
        """From the preference `menu`, also one that a later version has kept."""
        known = {one.name for one in fields(cls)}
        lists = kept.items() if isinstance(kept, dict) else ()
        return cls(**{name: value for name, value in lists if name in known and isinstance(value, list)})


def entries(actor: Actor, choices: Choices) -> dict[str, list[dict[str, Any]]]:
    """{group: [{target, label, url, icon, current, is_hidden, key}]}: what `actor` may open and what exists now."""
    present = _present(actor)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    for target in arrangement.in_order(present, choices.order):
        item, url = present[target]
        entry = {"target": target, "label": item.label, "url": url, "icon": item.icon, "current": _is_current(url)}
        entry |= {"is_hidden": target in choices.hidden, "key": item.key, "waits": item.waiting is not None}
        found[item.group if item.group in found else "work"].append(entry)
    return found


def _present(actor: Actor) -> dict[str, tuple[NavItem, str]]:
    """{target: (item, address)} of what `actor` may open, made once a request: the keyboard asks for it too."""
    known = flask.g.get("nav_present")
    if known is None or known[0] is not actor:
        found: dict[str, tuple[NavItem, str]] = {}
        for item in sorted(items(actor), key=lambda one: one.order):
            url = item.target if item.target.startswith("/") else links.page(item.target)
            if url and (not item.permission or actor.can(item.permission)):
                found.setdefault(item.target, (item, url))
        known = flask.g.nav_present = (actor, found)
    return known[1]  # type: ignore[no-any-return]


def present(actor: Actor) -> list[NavItem]:
    """The entries that `actor` may open now, in the order of their places."""
    return [item for item, _url in _present(actor).values()]


def pins(actor: Actor, choices: Choices) -> list[dict[str, Any]]:
    """The links that a user put on top, without those whose page is not there or not open to him now."""
    asked = here()
    shown = [pin for pin in choices.pins if may_open(actor, pin["url"])]
    return [{**pin, "icon": "pin", "current": pin["url"] == asked} for pin in shown]


def may_open(actor: Actor, url: str) -> bool:
    """Whether the page at `url` is there now and `actor` holds its permission; its records ask for themselves."""
    try:
        endpoint, _values = flask.current_app.url_map.bind("").match(url.partition("?")[0], "GET")
    except HTTPException:
        return False
    permission = permission_of(flask.current_app.view_functions[endpoint], "GET")
    return not permission or actor.can(permission)


def menu(actor: Actor, choices: Choices) -> list[dict[str, Any]]:
    """Groups {name, label, entries, more}: `more` are those behind the first seven, one of which may be the current."""
    pinned = pins(actor, choices)
    groups = [{"name": "pins", "label": _("Pinned"), "entries": pinned, "more": []}] if pinned else []
    is_pinned = any(pin["current"] for pin in pinned)  # the nearest one says where we are
    for name, found in entries(actor, choices).items():
        shown = [entry | {"current": entry["current"] and not is_pinned} for entry in found if not entry["is_hidden"]]
        cut = len(shown) if len(shown) <= MOST + 1 else MOST
        if shown:
            groups.append({"name": name, "label": GROUPS[name], "entries": shown[:cut], "more": shown[cut:]})
    return groups


def shortcuts(groups: Sequence[Mapping[str, Any]], choices: Choices) -> list[dict[str, Any]]:
    """The entries at the foot of a phone's screen, between Home and the menu: the chosen ones, then the first ones."""
    shown = [one for group in groups if group["name"] != "pins" for one in [*group["entries"], *group["more"]]]
    shown = [one for one in shown if one["url"] != HOME]
    chosen = {one["target"]: one for one in shown if one["target"] in choices.shortcuts}
    found = [chosen[target] for target in choices.shortcuts if target in chosen]
    return [*found, *(one for one in shown if one not in found)][:SHORTCUTS]


def here() -> str:
    """The address of the page that the menu stands on, with its arguments; a part that comes late belongs to it."""
    asked = flask.request.full_path.rstrip("?")
    return str(flask.g.get("nav_here", asked))


def _is_current(url: str) -> bool:
    path = here().partition("?")[0]
    return path == url or (url != HOME and path.startswith(url.rstrip("/") + "/"))
