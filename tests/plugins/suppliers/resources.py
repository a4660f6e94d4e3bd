"""What makes a list, a form, an API, import and export of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.context import Context
from core.i18n import __
from core.resources import (
    Column,
    Filter,
    ListState,
    Resource,
    Scope,
    Section,
    View,
    Waiting,
    count,
    delete_action,
    tag_actions,
)
from suppliers.models import Supplier
from suppliers.schemas import SupplierSchema


def search_text(ids: Sequence[int]) -> Mapping[int, str]:
    rows = Supplier.select(Supplier.id, Supplier.code, Supplier.name).where(Supplier.id.in_(list(ids)))
    return {row.id: f"{row.code} {row.name}" for row in rows}


def waiting(ctx: Context) -> list[Waiting]:
    """Those that are switched off, as the menu says them; more than 99 are not counted."""
    return [Waiting(count(ctx, SUPPLIER, ListState({"is_active": "false"}), cap=99), __("not active"))]


SUPPLIER = Resource(
    "suppliers.supplier", "suppliers", Supplier, SupplierSchema, __("Supplier"), __("Suppliers"),
    key=("code",), icon="truck", subtitle=("code", "country"),
    columns=(
        Column("code", __("Code"), "code", sortable=True), Column("name", __("Name"), sortable=True, editable=True),
        Column("country", __("Country"), sortable=True, editable=True),
        Column("credit_minor", __("Credit"), "money", sortable=True, editable=True),
        Column("parent", __("Part of"), "reference", shown=False, editable=True),
    ),
    filters=(
        Filter("country", __("Country"), "text"), Filter("is_active", __("Active"), "bool"),
        Filter("tag", __("Tag"), "tag"),
    ),
    views=(View("active", __("Active"), {"is_active": "true"}),), search_exact=("code",), search_text=search_text,
    detail=(
        Section("supplier", __("Supplier"), ("code", "name", "parent")),
        Section("terms", __("Terms"), ("country", "currency", "credit_minor"), side=True),
    ),
    scopes=(Scope("country", __("Country")),),
    actions=[*tag_actions("suppliers.supplier"), delete_action("suppliers.supplier")], has_tags=True, can_delete=True,
    nav_key="s", waiting=waiting,
)  # fmt: skip
