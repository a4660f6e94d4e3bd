"""What permissions there are, and who holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from peewee import fn

from core import db, runtime
from core.access.models import RolePermission, UserRole
from core.context import Grant
from core.db import search
from core.i18n import __

Scopes = Mapping[str, Mapping[str, Sequence[str]]]
SIGNED_IN = "core.signed_in"
"""Held by every user who is signed in."""
HELD_BY_ALL = frozenset({SIGNED_IN, "core.view.view", "core.view.create", "core.view.edit", "core.view.delete"})
"""What every user holds, whatever the roles: the others touch only views of lists, his own or shared with him."""

DAILY = ".daily"
"""How a pattern ends that gives the actions which plugins declare as everyday work."""

CORE_PERMISSIONS: Mapping[str, Any] = {
    SIGNED_IN: __("Be signed in"),
    "core.role.view_as": __("Look at Maktab as a role or another user"),
    "core.settings.view": __("See the settings of the install"),
    "core.plugin.view": __("See plugins"),
    "core.plugin.manage": __("Enable and disable plugins"),
    "core.job.view_all": __("See the jobs of others"),
    "core.file.view_all": __("Download the files of others"),
    "core.search.rebuild": __("Rebuild the search index"),
    "core.view.share": __("Share views of lists"),
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
    An action that is declared `daily` answers to that verb, too: `*.daily` gives it, `orders.*.daily` one of orders.
    """
    if "*" not in entry:
        return entry == name
    is_meant = fnmatchcase(name, entry) or (entry.endswith(DAILY) and _is_daily(name, entry))
    return is_meant and (entry == "*" or entry.startswith("core.") or not name.startswith("core."))


def _is_daily(name: str, entry: str) -> bool:
    return name in runtime.current().daily and fnmatchcase(name.rpartition(".")[0] + DAILY, entry)


def expand(entries: Iterable[str]) -> frozenset[str]:
    """The permissions that lines of a role (or scopes of a token) mean now; the lines themselves stay in the set."""
    given = set(entries)
    patterns = [entry for entry in given if "*" in entry]
    return frozenset(given | {name for name in permissions() if any(reaches(entry, name) for entry in patterns)})


def granted(entries: Iterable[str], scopes: Scopes) -> Grant:
    """What the lines of a role give over the rows of `scopes`."""
    return Grant(expand(entries) - WIDE if any(scopes.values()) else expand(entries), scopes)


def grants_of(user_ids: Sequence[int]) -> dict[int, tuple[Grant, ...]]:
    """The grants of each user, in one statement; a user without a role holds `HELD_BY_ALL` alone."""
    lines: dict[int, list[Sequence[Any]]] = {user_id: [] for user_id in user_ids}
    for user_id, *line in _GRANTS.run(ids=search.bound(user_ids)).fetchall():
        lines[user_id].append(line)
    return {user_id: _held(found) for user_id, found in lines.items()}


def grants_beside(user: Any) -> Any:
    """What `grants_read` takes: the lines of `user` (a column), as a value within a statement about other things."""
    group, row = (fn.json_agg, fn.json_build_array) if db.is_postgres() else (fn.json_group_array, fn.json_array)
    line = row(UserRole.id, UserRole.scopes, RolePermission.permission)
    query = UserRole.select(group(line).cast("text"))
    return query.join(RolePermission, on=RolePermission.role == UserRole.role).where(UserRole.user == user)


def grants_read(lines: str | None) -> tuple[Grant, ...]:
    """The grants in a value that `grants_beside` made."""
    return _held(json.loads(lines or "[]"))


def _held(lines: Iterable[Sequence[Any]]) -> tuple[Grant, ...]:
    """The grants in lines of (assignment, scopes, permission)."""
    entries: dict[tuple[int, str], list[str]] = {}
    for assignment, scopes, permission in lines:
        entries.setdefault((assignment, scopes), []).append(permission)
    given = (granted(some, UserRole.scopes.python_value(scopes)) for (_id, scopes), some in entries.items())
    return (Grant(HELD_BY_ALL), *given)


_GRANTS = db.Kept(
    lambda: (
        UserRole.select(UserRole.user, UserRole.id, UserRole.scopes, RolePermission.permission)
        .join(RolePermission, on=RolePermission.role == UserRole.role)
        .where(search.among(UserRole.user, db.slot("ids")))
    )
)


def limited(grants: Iterable[Grant], scopes: Iterable[str]) -> tuple[Grant, ...]:
    """`grants` cut down to the scopes of an API token; "*" leaves them whole."""
    if "*" in scopes:
        return tuple(grants)
    allowed = expand(scopes) | {SIGNED_IN}
    return tuple(Grant(grant.permissions & allowed, grant.scopes) for grant in grants)
