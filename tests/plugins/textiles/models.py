"""The table of fabrics."""

from __future__ import annotations

import peewee

from core.db import JSONField, Record


class Fabric(Record):
    """What is sold by the metre; `variants` as the schema has them, `counted` {SKU: metres} as the store says."""

    code = peewee.CharField(max_length=32, unique=True)
    currency = peewee.CharField(max_length=3, default="GBP")
    variants = JSONField(default=list)
    counted = JSONField(default=dict)

    class Meta:
        table_name = "textiles_fabric"

    def __str__(self) -> str:
        return str(self.code)
