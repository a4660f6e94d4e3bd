"""The menu: what the plugins and core offer, cut down to what the actor may open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import flask

from core import links, runtime
from core.context import Actor
from core.i18n import __

T = TypeVar("T")


@dataclass(frozen=True)
class NavItem:
    """A menu entry. `target`: an endpoint (`orders_order.index_view`) or a path beginning with `/`.

    `group`: work, catalog, customers, money, insight or settings; `order`: place in it, low first.
    `icon`: a name in the theme's set. `permission`: empty = everybody who is signed in. `key`: a letter that opens it
    after `g`.
    """

    label: Any
    target: str
    permission: str = ""
    group: str = "work"
    order: int = 50
    icon: str = "box"
    key: str = ""


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
    yield NavItem(__("Home"), "/admin/", order=0, icon="home", key="h")
    for resource in present.resources.values():
        target = f"{links.endpoint(resource.name)}.index_view"
        place = resource.nav_group, resource.nav_order, resource.icon, resource.nav_key
        yield NavItem(resource.label_plural, target, resource.permission("view"), *place)
    for page in flask.current_app.extensions["admin"][0]._views:
        if getattr(page, "nav_group", ""):
            target = f"{page.endpoint}.{page._default_view}"
            place = page.nav_group, page.nav_order, page.icon, page.nav_key
            yield NavItem(page.name, target, page.permission, *place)
    for made in present.hooks.read("nav_items", only(NavItem), actor=actor):
        yield from made


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


def menu(actor: Actor) -> list[dict[str, Any]]:
    """Groups {name, label, entries} with what `actor` may open and what exists now; made once a request.

    An entry is {name, label, url, icon, key, current}.
    """
    if "menu" not in flask.g:
        flask.g.menu = _menu(actor)
    return flask.g.menu  # type: ignore[no-any-return]


def _menu(actor: Actor) -> list[dict[str, Any]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    for item in sorted(items(actor), key=lambda one: one.order):
        url = item.target if item.target.startswith("/") else links.page(item.target)
        if url and (not item.permission or actor.can(item.permission)):
            entry = {"name": f"go.{item.target}", "label": item.label, "url": url, "icon": item.icon, "key": item.key}
            entry["current"] = _is_current(url)
            found[item.group if item.group in found else "work"].append(entry)
    return [{"name": name, "label": GROUPS[name], "entries": entries} for name, entries in found.items() if entries]


def _is_current(url: str) -> bool:
    path = flask.request.path
    return path == url or (url != "/admin/" and path.startswith(url.rstrip("/") + "/"))
