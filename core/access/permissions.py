"""What permissions there are, who holds them, and which rows they reach."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import reduce
from typing import TYPE_CHECKING, Any

from core import runtime
from core.access.models import RolePermission, UserRole
from core.context import Actor, Grant
from core.db import search
from core.errors import Forbidden
from core.i18n import __

if TYPE_CHECKING:
    from core.changes import Change

Scopes = Mapping[str, Mapping[str, Sequence[str]]]
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

WIDE = frozenset(
    {"core.audit_entry.view", "core.audit_entry.export", "core.file.view_all", "core.job.view_all", "core.job.manage"}
)
"""What shows or touches records of any kind; an assignment that is narrowed to some rows does not give it."""


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


def granted(entries: Iterable[str], scopes: Scopes) -> Grant:
    """What the lines of a role give over the rows of `scopes`."""
    return Grant(expand(entries) - WIDE if any(scopes.values()) else expand(entries), scopes)


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
        found[user_id].append(granted(entries, scopes[assignment]))
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
    narrowed = _narrowed(actor, permission, resource)
    known = {scope.name: values.get(scope.name) for scope in resource.scopes}
    return not narrowed or any(_inside(scopes, known) for scopes in narrowed)


def _narrowed(actor: Actor, permission: str, resource: Any) -> list[Mapping[str, Sequence[str]]]:
    """The scopes of each role that gives `permission`; empty when one of them gives all rows. Raises Forbidden."""
    demand(actor, permission)
    found = [grant.scopes.get(resource.name) for grant in actor.grants if permission in grant.permissions]
    return [] if actor.is_system else [scopes for scopes in found if scopes] if all(found) else []


def outside(actor: Actor, resource: Any, verb: str, changes: Sequence[Change]) -> list[int]:
    """The ids whose record was, or is now, beyond the rows that `actor` may write by `verb`; asked after the write.

    One statement for an actor who is narrowed to some rows, none for others.
    """
    own = _scopes_of(actor, resource, verb)
    narrowed = [scopes for scopes in own if scopes]
    if actor.is_system or not narrowed or len(narrowed) < len(own):
        return []
    names = [scope.name for scope in resource.scopes]
    columns = [resource.model.id, *(getattr(resource.model, name) for name in names)]
    here = search.among(resource.model.id, [change.id for change in changes])
    present = {
        row[0]: dict(zip(names, row[1:], strict=True)) for row in resource.model.select(*columns).where(here).tuples()
    }
    found = []
    for change in changes:
        now = present.get(change.id) or dict(change.before)
        before = {name: change.before.get(name, now.get(name)) for name in names}
        if not all(any(_inside(scopes, values) for scopes in narrowed) for values in (before, now)):
            found.append(change.id)
    return found


def _scopes_of(actor: Actor, resource: Any, verb: str) -> list[Any]:
    """What narrows each grant of `verb`; where there is none (a change of another name), each that writes at all."""
    exact = [grant for grant in actor.grants if resource.permission(verb) in grant.permissions]
    looks = {resource.permission("view"), resource.permission("export")}
    writing = [
        grant
        for grant in actor.grants
        if any(name.startswith(f"{resource.name}.") for name in grant.permissions - looks)
    ]
    return [grant.scopes.get(resource.name) for grant in exact or writing]


def _inside(scopes: Mapping[str, Sequence[str]], values: Mapping[str, Any]) -> bool:
    return all(name in values and str(values[name]) in map(str, allowed) for name, allowed in scopes.items())


def _condition(resource: Any, scopes: Mapping[str, Sequence[str]]) -> Any:
    fields = {scope.name: getattr(resource.model, scope.name) for scope in resource.scopes}
    nothing = resource.model.id.in_([])
    parts = [fields[name].in_(list(values)) if name in fields else nothing for name, values in scopes.items()]
    return reduce(operator.and_, parts)


def denied(actor: Actor, permission: str, resource: str, ids: Sequence[int]) -> frozenset[int]:
    """The `ids` that an `authorize` hook of a plugin takes away from `actor`; a hook that fails takes all."""
    answers = runtime.current().hooks.call("authorize", actor=actor, permission=permission, resource=resource, ids=ids)
    return frozenset(row_id for answer in answers for row_id in answer or ())
