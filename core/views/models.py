"""Views of lists that people keep."""

from __future__ import annotations

import peewee

from core.auth.models import User
from core.db import JSONField, Record

EVERYBODY = "*"


class SavedView(Record):
    """One tab above the list of `resource`.

    `filters`: {argument: value} as in the address, with relative words for dates; `sort`: "" for the usual one;
    `columns`: names in order. `shared_with`: "" (the owner alone), `EVERYBODY`, or the short name of a role.
    """

    resource = peewee.CharField(80)
    name = peewee.CharField(80)
    filters = JSONField(default=dict)
    search = peewee.CharField(200, default="")
    sort = peewee.CharField(80, default="")
    columns = JSONField(default=list)
    density = peewee.CharField(12, default="")
    position = peewee.IntegerField(default=0)
    owner = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    shared_with = peewee.CharField(100, default="")

    class Meta:
        table_name = "core_saved_view"
        indexes = ((("resource", "owner", "name"), True),)

    def __str__(self) -> str:
        return str(self.name)
