"""What permissions there are, who holds them, and which rows they reach."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

from core import runtime
from core.access.models import RolePermission, UserRole
from core.context import Actor, Grant
from core.errors import Forbidden
from core.i18n import _, __

SIGNED_IN = "core.signed_in"
"""Held by every user who is signed in, whatever the roles."""

CORE_PERMISSIONS: Mapping[str, Any] = {
    SIGNED_IN: __("Be signed in"),
    "core.plugin.view": __("See plugins"),
    "core.plugin.manage": __("Enable and disable plugins"),
    "core.job.view_all": __("See the jobs of others"),
    "core.file.view_all": __("Download the files of others"),
    "core.search.rebuild": __("Rebuild the search index"),
    "core.job.manage": __("Cancel, retry and undo the jobs of others"),
}


def permissions() -> dict[str, Any]:
    """Every permission of the present generation with its label: core's, the resources' and the manifests'."""
    return dict(runtime.current().permissions) | dict(CORE_PERMISSIONS)


def reaches(entry: str, name: str) -> bool:
    """True when the line `entry` of a role gives `name`, a permission or a narrower pattern.

    A pattern reaches core's permissions only when it says `core.` itself: `*.view` must not open the audit log.
    """
    if "*" not in entry:
        return entry == name
    return fnmatchcase(name, entry) and (entry == "*" or entry.startswith("core.") or not name.startswith("core."))


def expand(entries: Iterable[str]) -> frozenset[str]:
    """The permissions that lines of a role (or scopes of a token) mean now; the lines themselves stay in the set."""
    given = set(entries)
    patterns = [entry for entry in given if "*" in entry]
    return frozenset(given | {name for name in permissions() if any(reaches(entry, name) for entry in patterns)})


def grants_of(user_ids: Sequence[int]) -> dict[int, tuple[Grant, ...]]:
    """The grants of each user, in one statement; a user without a role holds `SIGNED_IN` alone."""
    rows = (
        UserRole.select(UserRole.user_id, UserRole.id, UserRole.scopes, RolePermission.permission)
        .join(RolePermission, on=RolePermission.role == UserRole.role)
        .where(UserRole.user.in_(list(user_ids)))
        .tuples()
    )
    lines: dict[tuple[int, int], list[str]] = {}
    scopes: dict[int, Any] = {}
    for user_id, assignment, narrowed, permission in rows:
        lines.setdefault((user_id, assignment), []).append(permission)
        scopes[assignment] = narrowed
    found = {user_id: [Grant(frozenset({SIGNED_IN}))] for user_id in user_ids}
    for (user_id, assignment), entries in lines.items():
        found[user_id].append(Grant(expand(entries), scopes[assignment]))
    return {user_id: tuple(grants) for user_id, grants in found.items()}


def limited(grants: Iterable[Grant], scopes: Iterable[str]) -> tuple[Grant, ...]:
    """`grants` cut down to the scopes of an API token; "*" leaves them whole."""
    if "*" in scopes:
        return tuple(grants)
    allowed = expand(scopes) | {SIGNED_IN}
    return tuple(Grant(grant.permissions & allowed, grant.scopes) for grant in grants)


def demand(actor: Actor, permission: str) -> None:
    """Raise Forbidden unless `actor` holds `permission`."""
    if not actor.can(permission):
        raise Forbidden(permission)


def rows(actor: Actor, permission: str, resource: Any) -> Any | None:
    """Condition on `resource.model` for the rows that `permission` reaches; None = all. Raises Forbidden.

    Several roles add up; inside one role every named scope must hold. An unknown scope reaches nothing.
    """
    narrowed = _narrowed(actor, permission, resource)
    return reduce(operator.or_, (_condition(resource, scopes) for scopes in narrowed)) if narrowed else None


def admits(actor: Actor, permission: str, resource: Any, values: Mapping[str, Any]) -> bool:
    """Whether a record with these `values` would be among the `rows` of `permission`."""
    known = {scope.name for scope in resource.scopes}
    narrowed = _narrowed(actor, permission, resource)
    return not narrowed or any(
        all(name in known and str(values.get(name)) in map(str, allowed) for name, allowed in scopes.items())
        for scopes in narrowed
    )


def _narrowed(actor: Actor, permission: str, resource: Any) -> list[Mapping[str, Sequence[str]]]:
    """The scopes of each role that gives `permission`; empty when one of them gives all rows. Raises Forbidden."""
    demand(actor, permission)
    found = [grant.scopes.get(resource.name) for grant in actor.grants if permission in grant.permissions]
    return [] if actor.is_system else [scopes for scopes in found if scopes] if all(found) else []


def demand_rows(actor: Actor, permission: str, resource: Any, ids: Sequence[int]) -> None:
    """Raise Forbidden when one of `ids` lies outside the rows that `permission` reaches.

    Asked after a write, so that nobody puts a record where his role does not reach. One who lacks the permission
    altogether was let in for another reason (his own profile), and is not narrowed.
    """
    within = rows(actor, permission, resource) if actor.can(permission) else None
    if within is not None and resource.model.select().where(resource.model.id.in_(ids), within).count() < len(set(ids)):
        raise Forbidden(permission, _("This lies outside of the rows that your role reaches."))


def _condition(resource: Any, scopes: Mapping[str, Sequence[str]]) -> Any:
    fields = {scope.name: getattr(resource.model, scope.name) for scope in resource.scopes}
    nothing = resource.model.id.in_([])
    parts = [fields[name].in_(list(values)) if name in fields else nothing for name, values in scopes.items()]
    return reduce(operator.and_, parts)


def denied(actor: Actor, permission: str, resource: str, ids: Sequence[int]) -> frozenset[int]:
    """The `ids` that an `authorize` hook of a plugin takes away from `actor`; a hook that fails takes all."""
    answers = runtime.current().hooks.call("authorize", actor=actor, permission=permission, resource=resource, ids=ids)
    return frozenset(row_id for answer in answers for row_id in answer or ())
