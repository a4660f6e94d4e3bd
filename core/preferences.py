"""What a user has chosen for the look and order of his admin, and what a role begins with.

A choice is a JSON value under a dotted name (`theme`, `columns.orders.order`). A user's own wins over those of his
roles, the role that was made first over later ones. A name that nobody reads any more (its plugin is gone) stays, and
is read again when the plugin comes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import peewee

from core import changes, db
from core.access import Role, UserRole, demand
from core.access.roles import role_named
from core.auth import User
from core.changes import Change
from core.context import Context
from core.db import JSONField, Model
from core.db.fields import is_storable
from core.errors import Invalid
from core.i18n import _

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_LONGEST_NAME, _LARGEST = 150, 16_000


class Preference(Model):
    """One choice of a user, or one that a role begins with."""

    audit_exempt = "audited as a change of its user or role"
    user = peewee.ForeignKeyField(User, null=True, backref="+", on_delete="CASCADE")
    role = peewee.ForeignKeyField(Role, null=True, backref="+", on_delete="CASCADE")
    name = peewee.CharField(_LONGEST_NAME)
    value = JSONField()

    class Meta:
        table_name = "core_preference"
        indexes = ((("user", "name"), True), (("role", "name"), True))


def of(ctx: Context) -> dict[str, Any]:
    """{name: value} that holds for `ctx`'s user, by one statement; pages ask `core.web.preference`, which keeps it."""
    if ctx.actor.user_id is None:
        return {}
    return {name: json.loads(value) for name, value in _OF_USER.run(user=ctx.actor.user_id).fetchall()}


def get(ctx: Context, name: str, default: Any = None) -> Any:
    """What `ctx`'s user has chosen as `name`, else what one of his roles begins with, else `default`."""
    return of(ctx).get(name, default)


def put(ctx: Context, name: str, value: Any) -> None:
    """Keep a choice of `ctx`'s user; None forgets it. Raises Invalid for a name or value that cannot be kept."""
    if ctx.actor.user_id is None:
        raise Invalid(_("Only a user has preferences."))
    _put(ctx, "core.user", {"user": ctx.actor.user_id}, name, value)


def put_for_role(ctx: Context, role: str, name: str, value: Any) -> None:
    """Keep what the holders of `role` begin with; None forgets it. Raises Forbidden, Invalid, NotFound."""
    demand(ctx.actor, "core.role.edit")
    _put(ctx, "core.role", {"role": role_named(role).id}, name, value)


def of_role(role: str) -> dict[str, Any]:
    """{name: value} that the holders of `role` begin with."""
    rows = Preference.select(Preference.name, Preference.value).where(Preference.role == role_named(role))
    return dict(rows.tuples())


def of_roles(name: str) -> dict[str, Any]:
    """{short name of a role: what its holders begin with as `name`}."""
    rows = Preference.select(Role.name, Preference.value).join(Role).where(Preference.name == name)
    return dict(rows.tuples())


def _put(ctx: Context, resource: str, owner: Mapping[str, int], name: str, value: Any) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise Invalid({"name": [_("A preference has a name of small letters, digits and dots.")]})
    if len(text := db.canonical_json(value)) > _LARGEST or not is_storable(text):
        raise Invalid({"value": [_("This is too much to keep as a preference.")]})
    ((column, owner_id),) = owner.items()
    field = getattr(Preference, column)
    here = (field == owner_id) & (Preference.name == name)
    with db.transaction():
        before = Preference.select(Preference.value).where(here).scalar()
        if before == value:
            return
        if value is None:
            Preference.delete().where(here).execute()
        else:
            row = {**owner, "name": name, "value": value}
            unique = [field, Preference.name]
            Preference.insert(row).on_conflict(conflict_target=unique, preserve=[Preference.value]).execute()
        noted = Change(owner_id, {name: before}, {name: value})
        changes.record(ctx, resource, "preference_set", [noted], reindex=False)


def _of_user() -> Any:
    """Those of roles first, the earliest role last of them, so that reading them in order keeps the right one."""
    held = UserRole.select(UserRole.role).where(UserRole.user == db.slot("user"))
    mine = (Preference.user == db.slot("user")) | Preference.role.in_(held)
    query = Preference.select(Preference.name, Preference.value)
    return query.where(mine).order_by(Preference.role.is_null(), Preference.role.desc())


_OF_USER = db.Kept(_of_user)
