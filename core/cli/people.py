"""Commands for users, roles and tokens."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from core import access, auth, db
from core.cli.frame import command, context
from core.errors import MaktabError, NotFound


def _find(username: str) -> auth.User:
    user: auth.User | None = auth.User.get_or_none(auth.User.username == username)
    if user is None:
        raise NotFound(f"There is no user {username!r}.")
    return user


def _ask_password() -> str:
    given = os.environ.get("MAKTAB_PASSWORD")
    if not given and not sys.stdin.isatty():
        raise MaktabError("There is no terminal to ask for the password: set MAKTAB_PASSWORD.")
    return given or str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


@command("user add")
def add(username: str, *, role: tuple[str, ...] = (), name: str = "", email: str = "") -> Any:
    """Add a user with any number of roles; the password is asked for, or comes from MAKTAB_PASSWORD."""
    password = _ask_password()
    with db.transaction():  # a role that does not exist must not leave a user without one
        made = auth.create_user(context(), username, password, name=name, email=email)
        for each in role:
            access.assign(context(), made, each)
    return {"id": made.id, "user": username, "roles": ", ".join(role)}


@command("user password")
def password(username: str) -> str:
    """Set a password (asked for, or MAKTAB_PASSWORD); all sessions of the user end."""
    auth.set_password(context(), _find(username), _ask_password())
    return f"The password of {username} is set."


@command("user disable")
def disable(username: str) -> str:
    """Switch a user off; his sessions and tokens end."""
    auth.set_active(context(), [_find(username).id], False)
    return f"{username} is disabled."


@command("role list")
def list_roles() -> Any:
    """Roles with their permissions."""
    given: dict[int, list[str]] = {}
    for row in access.RolePermission.select():
        given.setdefault(row.role_id, []).append(row.permission)
    rows = [(role.name, sorted(given.get(role.id, []))) for role in access.Role.select()]
    return [{"role": name, "permissions": " ".join(permissions)} for name, permissions in rows]


@command("role grant")
def grant(role: str, permission: str) -> str:
    """Give a role a permission."""
    access.grant(context(), role, permission)
    return f"{role} may {permission}."


@command("role revoke")
def revoke(role: str, permission: str) -> str:
    """Take a permission from a role."""
    access.revoke(context(), role, permission)
    return f"{role} may no longer {permission}."


@command("token create")
def create_token(*, user: str, scope: tuple[str, ...], name: str = "", days: int | None = None) -> Any:
    """Make an API token and print it once; use: Authorization: Bearer TOKEN.

    --scope: a permission that the token is limited to, or *; may be repeated.
    """
    return {"token": auth.create_token(context(), _find(user), scope, name=name, days=days)}
