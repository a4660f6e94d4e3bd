"""Permissions, roles and row scopes; deny by default."""

# fmt: off

from core.access.guard import UndeclaredRoute, check_routes, init_app, requires, route_permissions
from core.access.models import Role, RolePermission, UserRole
from core.access.permissions import (
    HELD_BY_ALL,
    SIGNED_IN,
    granted,
    grants_beside,
    grants_of,
    grants_read,
    limited,
    permissions,
)
from core.access.roles import (
    assign,
    covers,
    demand_over,
    ensure_default_roles,
    entries_of,
    grant,
    label_of,
    owner_kept,
    revoke,
    unassign,
)
from core.rights import admits, demand, denied, rows

__all__ = [
    "HELD_BY_ALL", "SIGNED_IN", "Role", "RolePermission", "UndeclaredRoute", "UserRole", "admits", "assign",
    "check_routes", "covers", "demand", "demand_over", "denied", "ensure_default_roles", "entries_of", "grant",
    "granted", "grants_beside", "grants_of", "grants_read", "init_app", "label_of", "limited", "owner_kept",
    "permissions", "requires", "revoke", "route_permissions", "rows", "unassign",
]
