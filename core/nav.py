"""The menu: what the plugins and core offer, cut down to what the actor may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.context import Actor


@dataclass(frozen=True)
class NavItem:
    """A menu entry. `target`: an endpoint (`orders_order.index_view`) or a path beginning with `/`.

    `group`: work, catalog, customers, money, insight or settings; `order`: place in it, low first.
    `icon`: a name in the theme's sprite. `permission`: empty = everybody who is signed in.
    """

    label: Any
    target: str
    permission: str = ""
    group: str = "work"
    order: int = 50
    icon: str = "box"


def menu(actor: Actor) -> list[tuple[str, list[dict[str, Any]]]]:
    return []
