"""Permissions, roles and row scopes; deny by default."""
# ruff: noqa: I001 -- names in lines, not one a line
# fmt: off

from core.access.guard import UndeclaredRoute, check_routes, init_app, requires, route_permissions
from core.access.models import Role, RolePermission, UserRole
from core.access.permissions import (
    SIGNED_IN, admits, demand, denied, grants_of, limited, outside, permissions, rows,
)
from core.access.roles import assign, demand_over, ensure_default_roles, grant, owner_kept, revoke, unassign

__all__ = [
    "SIGNED_IN", "Role", "RolePermission", "UndeclaredRoute", "UserRole", "admits", "assign", "check_routes", "demand",
    "demand_over", "denied", "ensure_default_roles", "grant", "grants_of", "init_app", "limited", "outside",
    "owner_kept", "permissions", "requires", "revoke", "route_permissions", "rows", "unassign",
]
