"""Roles, what they permit, and who holds them over which rows."""

from __future__ import annotations

import peewee

from core.auth.models import User
from core.db import JSONField, Model, Record


class Role(Record):
    """A named set of permissions."""

    name = peewee.CharField(100, unique=True)
    label = peewee.CharField(200, default="")

    class Meta:
        table_name = "core_role"

    def __str__(self) -> str:
        return str(self.label or self.name)


class RolePermission(Model):
    """One line of a role: a permission, `*` (all, also later ones), or a pattern such as `*.view` (never of core)."""

    role = peewee.ForeignKeyField(Role, backref="+", on_delete="CASCADE")
    permission = peewee.CharField(150)

    class Meta:
        table_name = "core_role_permission"
        indexes = ((("role", "permission"), True),)


class UserRole(Model):
    """`scopes`: {resource: {scope: [values]}} narrows the rows that this role reaches for this user."""

    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    role = peewee.ForeignKeyField(Role, backref="+", on_delete="RESTRICT")
    scopes = JSONField(default=dict)

    class Meta:
        table_name = "core_user_role"
        indexes = ((("user", "role"), True),)
