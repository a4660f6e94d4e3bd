"""The table of showrooms."""

from __future__ import annotations

import peewee

from core.db import Record


class Showroom(Record):
    """A place with opening hours; `code` names it from outside."""

    code = peewee.CharField(max_length=16, unique=True)
    name = peewee.CharField(max_length=120)
    city = peewee.CharField(max_length=80, default="")
    is_open = peewee.BooleanField(default=True)

    class Meta:
        table_name = "showrooms_showroom"
        indexes = ((("name", "id"), False),)

    def __str__(self) -> str:
        return str(self.name)
