"""The tabs above a list: all records, what the resource declares, and the saved views that an actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from core import runtime
from core.access import Role, UserRole
from core.context import Actor, Context
from core.i18n import _
from core.resources import Resource, View, filtering
from core.views.models import EVERYBODY, SavedView
from core.views.setup import DENSITIES, Setup, usual

ALL = "all"
SHARE = "core.view.share"
"""The permission to share a view, and to change one that others share."""
_MOST = 50


@dataclass(frozen=True)
class Tab:
    """One view of a list. `ref`: its name in addresses. `left_out`: what it asked for that is not there any more.

    `is_fixed`: it says its columns; else everybody sees those that he chose last.
    """

    ref: str
    label: Any
    setup: Setup
    left_out: tuple[str, ...] = ()
    saved: SavedView | None = None
    may_edit: bool = False
    is_fixed: bool = False


def visible(actor: Actor) -> Any | None:
    """Condition for the views that `actor` sees: his own and those shared with him, of lists that he may open."""
    if actor.is_system:
        return None
    names = [one.name for one in runtime.current().resources.values() if actor.can(one.permission("view"))]
    held = Role.select(Role.name).join(UserRole, on=UserRole.role == Role.id).where(UserRole.user == actor.user_id)
    ways = (SavedView.owner == actor.user_id, SavedView.shared_with == EVERYBODY, SavedView.shared_with.in_(held))
    return SavedView.resource.in_(names) & reduce(or_, ways)


def may_edit(actor: Actor, owner_id: int, shared_with: str) -> bool:
    return actor.is_system or owner_id == actor.user_id or bool(shared_with and actor.can(SHARE))


def tabs(ctx: Context, resource: Resource, base: Setup, ref: str = "") -> list[Tab]:
    """The tabs in order; one statement. `base`: how the user wants the list where a view does not say.

    Of more than `_MOST` saved views the one called `ref` is there in any case, then the user's own ones.
    """
    found = [Tab(ALL, _("All"), base)]
    found += [_declared(ctx, resource, view, base) for view in resource.views]
    seen = SavedView.select().where(SavedView.resource == resource.name)
    within = visible(ctx.actor)
    seen = seen if within is None else seen.where(within)
    asked = int(ref) if ref.isdecimal() and len(ref) < 19 else 0
    first = (SavedView.id == asked).desc(), (SavedView.owner == ctx.actor.user_id).desc()
    rows = seen.order_by(*first, SavedView.position, SavedView.id).limit(_MOST)
    return found + [_saved(ctx, resource, row) for row in sorted(rows, key=lambda row: (row.position, row.id))]


def saved(ctx: Context) -> list[SavedView]:
    """Those of all lists that `ctx`'s user sees; one statement."""
    seen, within = SavedView.select(), visible(ctx.actor)
    return list((seen if within is None else seen.where(within)).order_by(SavedView.position, SavedView.id).limit(200))


def _declared(ctx: Context, resource: Resource, view: View, base: Setup) -> Tab:
    setup, left_out = fitting(ctx, resource, replace(base, filters=view.filters, sort=view.sort or base.sort), base)
    columns = tuple(name for name in view.columns if resource.column(name)) or base.columns
    return Tab(view.name, view.label, replace(setup, columns=columns), left_out, is_fixed=bool(view.columns))


def _saved(ctx: Context, resource: Resource, row: SavedView) -> Tab:
    base = usual(resource)
    density = row.density if row.density in DENSITIES else base.density
    kept = Setup(row.filters, row.search, row.sort or base.sort, tuple(row.columns) or base.columns, density)
    setup, left_out = fitting(ctx, resource, kept, base)
    mine = may_edit(ctx.actor, row.owner_id, row.shared_with)
    return Tab(str(row.id), row.name, setup, left_out, row, mine, is_fixed=True)


def fitting(ctx: Context, resource: Resource, setup: Setup, base: Setup) -> tuple[Setup, tuple[str, ...]]:
    """`setup` with what can still be asked for, and the names of what cannot: a plugin may have gone, or a column."""
    filters = {name: filtering.askable(ctx, resource, name, value) for name, value in setup.filters.items()}
    gone = [name for name, value in filters.items() if value != setup.filters[name]]
    columns = tuple(name for name in setup.columns if resource.column(name))
    gone += [name for name in setup.columns if name not in columns]
    sort = setup.sort if _is_sortable(resource, setup.sort) else base.sort
    gone += [setup.sort.removeprefix("-")] * (sort != setup.sort)
    kept = {name: value for name, value in filters.items() if value}
    fits = replace(setup, filters=kept, columns=columns or base.columns, sort=sort)
    return fits, tuple(dict.fromkeys(_named(resource, name) for name in gone))


def _is_sortable(resource: Resource, sort: str) -> bool:
    column = resource.column(sort.removeprefix("-"))
    return sort.removeprefix("-") == "id" or bool(column and column.sortable)


def _named(resource: Resource, argument: str) -> str:
    """What people call a filter or column, also one that is gone."""
    name = argument.partition("__")[0]
    known: dict[str, Any] = {column.name: column.label for column in resource.columns}
    known |= {declared.name: declared.label for declared in resource.filters}
    return str(known.get(name, name.replace("_", " ")))


def opened(found: Sequence[Tab], ref: str) -> Tab | None:
    """The tab that an address names; None when it is not there (deleted, or not shared any more)."""
    return next((tab for tab in found if tab.ref == (ref or ALL)), None)
