"""Giving and taking rights. Nobody gives what he lacks; who loses a right is signed out; one owner always stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from core import changes, db, runtime
from core.access.models import Role, RolePermission, UserRole
from core.access.permissions import Scopes, expand, granted, grants_of, permissions, reaches
from core.audit import Entry
from core.auth.models import Session, User
from core.changes import Change
from core.context import Actor, Context, Grant
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.i18n import N_, _

OWNER = "owner"
_PATTERN = r"[a-z0-9_.]*\*[a-z0-9_.*]*"
_OPERATOR_ONCE = "view create edit note export add_tags remove_tags archive unarchive".split()
_OPERATOR = [*_OPERATOR_ONCE, "daily"]
DEFAULT_ROLES: Mapping[str, tuple[str, Sequence[str]]] = {
    OWNER: (N_("Owner"), ["*"]),
    "manager": (
        N_("Manager"),
        [
            "*.*",
            "core.job.*",
            "core.file.*",
            "core.user.view",
            "core.role.view",
            "core.audit_entry.view",
            "core.view.share",
        ],
    ),
    "operator": (N_("Operator"), [f"*.{verb}" for verb in _OPERATOR]),
    "viewer": (N_("Viewer"), ["*.view"]),
}
_FORMER = {"operator": sorted(f"*.{verb}" for verb in _OPERATOR_ONCE)}  # what an earlier version made


def ensure_default_roles(ctx: Context) -> None:
    """Make the default roles that do not exist, and bring those up to date that nobody changed."""
    have = {role.name: role for role in Role.select()}
    with db.transaction():
        for name, (label, entries) in DEFAULT_ROLES.items():
            if name not in have:
                role = Role.create(name=name, label=label)
                changes.record(ctx, "core.role", "created", [Change(role.id, after={"name": name, "label": label})])
                set_permissions(ctx, role, entries)
            elif _is_as_made(have[name]):
                set_permissions(ctx, have[name], entries)


def _is_as_made(role: Role) -> bool:
    """True for a role with the lines of an earlier version that was never touched since it was made."""
    if entries_of(role) != _FORMER.get(str(role.name)):
        return False
    of_role = Entry.resource == "core.role", Entry.record_id == role.id, Entry.action == "permissions_changed"
    return int(Entry.select().where(*of_role).count()) == 1


def covers(actor: Actor, wanted: Grant) -> bool:
    """True when `actor` holds all of `wanted`, over at least the same rows."""
    held = {name for grant in actor.grants if _as_wide(grant.scopes, wanted.scopes) for name in grant.permissions}
    return actor.is_system or all(any(reaches(entry, name) for entry in held) for name in wanted.permissions - held)


def _as_wide(scopes: Scopes, wanted: Scopes) -> bool:
    return all(
        name in wanted.get(resource, {}) and set(wanted[resource][name]) <= set(values)
        for resource, narrowed in scopes.items()
        for name, values in narrowed.items()
    )


def demand_over(actor: Actor, user_ids: Sequence[int]) -> None:
    """Raise Forbidden when one of these users may do more than `actor`: else his password would be a way up."""
    others = [] if actor.is_system else [user_id for user_id in user_ids if user_id != actor.user_id]
    for grants in grants_of(others).values() if others else ():
        if not all(covers(actor, grant) for grant in grants):
            raise Forbidden("*", _("This user may do more than you."))


def role_named(name: str) -> Role:
    role: Role | None = Role.get_or_none(Role.name == name)
    if role is None:
        raise NotFound(_("There is no role %(name)s.", name=name))
    return role


def label_of(role: Role) -> str:
    """What a role is called; those that Maktab makes, in the reader's language."""
    return _(str(role.label)) if role.label else str(role.name)


def entries_of(role: Role) -> list[str]:
    lines = RolePermission.select(RolePermission.permission).where(RolePermission.role == role)
    return sorted(permission for (permission,) in lines.tuples())


def set_permissions(ctx: Context, role: Role, wanted: Sequence[str]) -> None:
    """Make `wanted` the lines of `role`. The actor must hold what is given and what is taken."""
    have, known = entries_of(role), permissions()
    given, taken = sorted(set(wanted) - set(have)), sorted(set(have) - set(wanted))
    if unknown := [name for name in given if name not in known and not re.fullmatch(_PATTERN, name)]:
        raise Invalid({"permissions": [_("There is no permission %(name)s.", name=name) for name in unknown]})
    if role.name == OWNER and have and (given or taken):
        raise Conflict(_("The owner holds every permission; this role is not changed."))
    if not covers(ctx.actor, Grant(expand(given + taken))):
        raise Forbidden(next(name for name in given + taken if not covers(ctx.actor, Grant(expand([name])))))
    if not given and not taken:
        return
    with db.transaction():
        if given:
            RolePermission.insert_many([{"role": role, "permission": name} for name in given]).execute()
        if taken:
            RolePermission.delete().where(RolePermission.role == role, RolePermission.permission.in_(taken)).execute()
            Session.end(UserRole.select(UserRole.user).where(UserRole.role == role))
        Role.change().where(Role.id == role.id).execute()
        changes.record(ctx, "core.role", "permissions_changed", [Change(role.id, {"taken": taken}, {"given": given})])


def grant(ctx: Context, role_name: str, permission: str) -> None:
    """Add one line to a role: a permission, or a pattern such as `orders.*`."""
    role = role_named(role_name)
    set_permissions(ctx, role, [*entries_of(role), permission])


def revoke(ctx: Context, role_name: str, permission: str) -> None:
    """Take one line from a role; who holds the role must sign in again."""
    role = role_named(role_name)
    set_permissions(ctx, role, [name for name in entries_of(role) if name != permission])


def assign(ctx: Context, user: User, role: str, scopes: Scopes | None = None) -> None:
    """Give `user` a role, narrowed to `scopes`; given again, the scopes are replaced."""
    chosen, narrowed = role_named(role), dict(scopes or {})
    _demand(ctx.actor, user, chosen, narrowed)
    for resource, scope in [(resource, scope) for resource, limits in narrowed.items() for scope in limits]:
        if scope not in {known.name for known in runtime.current().resource(resource).scopes}:
            raise Invalid({"scope": [_("%(resource)s has no rows by %(scope)s.", resource=resource, scope=scope)]})
    held = UserRole.get_or_none(UserRole.user == user, UserRole.role == chosen)
    if held is not None and held.scopes == narrowed:
        return
    with db.transaction(), owner_kept():
        row = {"user": user, "role": chosen, "scopes": narrowed}
        UserRole.insert(row).on_conflict(
            conflict_target=[UserRole.user, UserRole.role], update={"scopes": narrowed}
        ).execute()
        if held is not None:
            Session.end([user.id])
        before = {"role": chosen.name, "scopes": held.scopes} if held is not None else {}
        after = {"role": chosen.name, "scopes": narrowed}
        changes.record(ctx, "core.user", "role_assigned", [Change(user.id, before, after)])


def unassign(ctx: Context, user: User, role: str) -> None:
    """Take a role from `user`, who must sign in again. Raises Conflict for the last owner."""
    chosen = role_named(role)
    _demand(ctx.actor, user, chosen, {})
    with db.transaction(), owner_kept():
        if UserRole.delete().where(UserRole.user == user, UserRole.role == chosen).execute():
            Session.end([user.id])
            changes.record(ctx, "core.user", "role_taken", [Change(user.id, {"role": chosen.name})])


def set_roles(ctx: Context, user: User, names: Sequence[str]) -> None:
    """Make `names` the roles of `user`; a role that stays keeps its scopes."""
    query = Role.select(Role.name).join(UserRole, on=UserRole.role == Role.id).where(UserRole.user == user)
    have = {name for (name,) in query.tuples()}
    with db.transaction():
        for name in sorted(have - set(names)):
            unassign(ctx, user, name)
        for name in sorted(set(names) - have):
            assign(ctx, user, name)


@contextmanager
def owner_kept() -> Iterator[None]:
    """Refuse (Conflict) what would leave the shop without an active owner. Inside a transaction."""
    if db.is_postgres():  # of two changes that each remove one of the last two owners, the second sees the first
        list(Role.select(Role.id).where(Role.name == OWNER).for_update().tuples())
    had = _owners()
    yield
    if had and not _owners():
        raise Conflict(_last())


def demand_owner(user: User, names: Sequence[str]) -> None:
    """Refuse (Conflict) `names` as the roles of `user` when he is the last owner and would be none then."""
    if OWNER not in names and _owners() == [user.id]:
        raise Conflict(_last())


def _last() -> str:
    return _("The last owner must stay: make another user owner first.")


def _owners() -> list[int]:
    """Ids of the active users who are owners of all rows."""
    query = UserRole.select().join(Role).switch(UserRole).join(User).where(Role.name == OWNER, User.is_active)
    return [row.user_id for row in query if not row.scopes]


def _demand(actor: Actor, user: User, role: Role, scopes: Scopes) -> None:
    """Raise Forbidden unless `actor` holds all of `role`, and all that `user` holds: it signs him out."""
    demand_over(actor, [user.id])
    if not covers(actor, granted(entries_of(role), scopes)):
        raise Forbidden("*", _("The role %(name)s holds more than you do.", name=role.label))
