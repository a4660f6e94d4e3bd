"""Records by what somebody types: the search of the command bar, and of an input that names a record."""

from __future__ import annotations

from typing import Any

from core.context import Context
from core.db import search
from core.resources import query
from core.resources.declaration import Resource
from core.resources.query import ListState


def find(ctx: Context, resource: Resource, asked: str, most: int) -> tuple[list[Any], bool]:
    """The first records that the resource's own search finds for `asked`, and whether there are more.

    Only such as the actor may open; of nothing asked, those on top of the list. Raises Forbidden.
    """
    more = None
    if 0 < len(search.normalize(asked)) < search.SHORTEST:
        # All that begin so: nobody means that, and PostgreSQL reads on.
        ids = query.named(ctx, resource, asked, most)
    else:
        ids, more, _before = query.page_ids(ctx, resource, ListState(search=asked, limit=most))
    return query.load(ctx, resource, ids), more is not None
