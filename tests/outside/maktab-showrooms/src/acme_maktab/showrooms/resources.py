"""All that core needs to know."""

from __future__ import annotations

from acme_maktab.showrooms.models import Showroom
from acme_maktab.showrooms.schemas import ShowroomSchema
from core.resources import Column, Filter, Resource

SHOWROOMS = Resource(
    "showrooms.showroom", "showrooms", Showroom, ShowroomSchema, "Showroom", "Showrooms", key=("code",),
    columns=(Column("code", "Code", "code", sortable=True), Column("name", "Name", sortable=True)),
    filters=(Filter("city", "City", "text"), Filter("is_open", "Open", "bool")),
    search_exact=("code",),
    search_text=lambda ids: {one.id: one.name for one in Showroom.select().where(Showroom.id.in_(list(ids)))},
    can_delete=True, icon="building-store",
)  # fmt: skip
