"""What an actor may do, and with which rows: every check of a permission or of row scopes is one of these.

Rows: each grant (a role of the user) reaches all rows of a resource, or those that fit all its scopes; several grants
add up. A scope that the resource does not declare reaches nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from core import runtime
from core.context import Actor, Context, Grant
from core.db import search
from core.errors import Forbidden
from core.i18n import _

if TYPE_CHECKING:
    from core.changes import Change

Limits = Mapping[str, Sequence[str]]
"""What narrows one grant on one resource: {scope: allowed values}."""


def demand(actor: Actor, permission: str) -> None:
    """Raise Forbidden unless `actor` holds `permission`."""
    if not actor.can(permission):
        raise Forbidden(permission)


def looking(ctx: Context) -> Forbidden:
    """The refusal of every change while somebody looks with other eyes."""
    text = _("You look at Maktab as %(name)s: nothing can be changed. Leave that view first.", name=ctx.on_behalf_of)
    return Forbidden("*", text)


def rows(actor: Actor, permission: str, resource: Any) -> Any | None:
    """Condition on `resource.model` for the rows that `permission` reaches; None = all. Raises Forbidden."""
    limits = _limits(actor, permission, resource)
    parts = [reduce(operator.or_, (_condition(resource, one) for one in limits))] if limits else []
    own = resource.rows(actor) if resource.rows else None
    parts += [] if own is None else [own]
    return reduce(operator.and_, parts) if parts else None


def admits(actor: Actor, permission: str, resource: Any, values: Mapping[str, Any]) -> bool:
    """Whether a record with these `values` would be among the `rows` of `permission`. Raises Forbidden."""
    limits = _limits(actor, permission, resource)
    return not limits or _fits(resource, limits, values)


def outside(actor: Actor, resource: Any, verb: str, changes: Sequence[Change]) -> list[int]:
    """The ids whose record was, or is now, beyond the rows that `actor` may write by `verb`; asked after the write.

    A change of another name goes by every permission that writes. One statement for an actor who is narrowed to some
    rows, none for others.
    """
    exact = [grant for grant in actor.grants if resource.permission(verb) in grant.permissions]
    limits = _narrowed(resource, exact or [grant for grant in actor.grants if _writes(grant, resource)])
    if not limits:
        return []
    columns = [resource.model.id, *(getattr(resource.model, scope.name) for scope in resource.scopes)]
    here = search.among(resource.model.id, [change.id for change in changes])
    present = {row["id"]: row for row in resource.model.select(*columns).where(here).dicts()}
    found = []
    for change in changes:
        now = present.get(change.id, change.before)
        if not _fits(resource, limits, now) or not _fits(resource, limits, {**now, **change.before}):
            found.append(change.id)
    return found


def denied(actor: Actor, permission: str, resource: str, ids: Sequence[int]) -> frozenset[int]:
    """The `ids` that an `authorize` hook of a plugin takes away from `actor`; a hook that fails takes all."""
    answers = runtime.current().hooks.call("authorize", actor=actor, permission=permission, resource=resource, ids=ids)
    return frozenset(row_id for answer in answers for row_id in answer or ())


def _limits(actor: Actor, permission: str, resource: Any) -> list[Limits]:
    demand(actor, permission)
    return _narrowed(resource, [grant for grant in actor.grants if permission in grant.permissions])


def _narrowed(resource: Any, grants: Iterable[Grant]) -> list[Limits]:
    """What narrows each of `grants`; empty when one of them reaches all rows, and for the system, which needs none."""
    found = [grant.scopes.get(resource.name) for grant in grants]
    return [limits for limits in found if limits] if all(found) else []


def _writes(grant: Grant, resource: Any) -> bool:
    looks = {resource.permission("view"), resource.permission("export")}
    return any(name.startswith(f"{resource.name}.") for name in grant.permissions - looks)


def _condition(resource: Any, limits: Limits) -> Any:
    fields = {scope.name: getattr(resource.model, scope.name) for scope in resource.scopes}
    nothing = resource.model.id.in_([])
    parts = [fields[name].in_(list(values)) if name in fields else nothing for name, values in limits.items()]
    return reduce(operator.and_, parts)


def _fits(resource: Any, limits: Iterable[Limits], values: Mapping[str, Any]) -> bool:
    own: Any = {scope.name: str(values[scope.name]) for scope in resource.scopes if scope.name in values}
    return any(all(own.get(name) in map(str, allowed) for name, allowed in one.items()) for one in limits)
