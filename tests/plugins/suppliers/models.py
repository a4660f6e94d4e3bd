"""The table of suppliers."""

from __future__ import annotations

import peewee

from core.db import MinorField, Record


class Supplier(Record):
    """Somebody we buy from; `code` names it from outside."""

    code = peewee.CharField(max_length=32, unique=True)
    name = peewee.CharField(max_length=200)
    country = peewee.CharField(max_length=2, default="")
    currency = peewee.CharField(max_length=3, default="GBP")
    credit_minor = MinorField(default=0)
    is_active = peewee.BooleanField(default=True)
    parent = peewee.ForeignKeyField("self", null=True, backref="+")

    class Meta:
        table_name = "suppliers_supplier"
        indexes = ((("name", "id"), False), (("country", "id"), False), (("credit_minor", "id"), False))

    def __str__(self) -> str:
        return str(self.name)
