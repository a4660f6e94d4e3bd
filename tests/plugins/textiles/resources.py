"""What makes a list, a form with its matrix, and an API of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.i18n import __
from core.resources import Column, Resource, Section, Service
from textiles.models import Fabric
from textiles.schemas import FabricSchema


class FabricService(Service):
    """The stock of a variant stands beside it, by its SKU."""

    def documents(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        found = super().documents(ids)
        for doc in found:
            doc["variants"] = [row | _stock(row, doc["counted"].get(row["sku"], 0)) for row in doc["variants"]]
        return found


def _stock(row: dict[str, Any], metres: int) -> dict[str, Any]:
    state = "out" if metres <= 0 else "low" if metres <= (row.get("reorder_at") or 0) else "in"
    return {"stock": metres, "state": state}


FABRIC = Resource(
    "textiles.fabric", "fabrics", Fabric, FabricSchema, __("Fabric"), __("Fabrics"), service=FabricService, icon="tag",
    columns=(
        Column("code", __("Code"), "code"), Column("currency", __("Currency")),
        Column("many", __("Variants"), "number", value=lambda fabric: len(fabric.variants), reads=["variants"]),
    ),
    detail=(Section("fabric", __("Fabric"), ("code",)), Section("variants", __("Variants"), ("variants",)),
        Section("terms", __("Terms"), ("currency",), side=True)),
)  # fmt: skip
