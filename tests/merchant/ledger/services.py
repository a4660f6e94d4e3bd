"""Stock: how a counter is changed that many people want at once, the pattern for money, points and coupons too."""

from __future__ import annotations

from collections.abc import Mapping

import peewee

from core import changes, db
from core.context import Context
from core.db import search
from core.errors import Conflict
from ledger.models import Movement, Thing


class SoldOut(Conflict):
    """There is not enough of one of the things; nothing was taken."""


def stock(ctx: Context, lines: Mapping[int, int], key: str) -> None:
    """Put `lines` ({thing: quantity}) into stock, once per `key`."""
    _move(ctx, "stocked", lines, key)


def sell(ctx: Context, lines: Mapping[int, int], key: str) -> None:
    """Take `lines` ({thing: quantity}) out of stock, all or none, once per `key`. Raises SoldOut."""
    _move(ctx, "sold", {thing: -quantity for thing, quantity in lines.items()}, key)


def _move(ctx: Context, action: str, lines: Mapping[int, int], key: str) -> None:
    """Ledger rows and counters in one transaction.

    The counter is never read first: of all who want the last piece, one guarded UPDATE decides. It comes late, because
    from there on the others wait for our commit. Of calls with one key the ledger's unique index lets one through.
    """
    rows = [{"thing_id": thing, "quantity": quantity, "key": key} for thing, quantity in lines.items()]
    after = Thing.stock + peewee.Case(Thing.id, list(lines.items()))
    among = search.among(Thing.id, list(lines))
    with db.transaction():
        if not Movement.insert_many(rows).on_conflict_ignore().as_rowcount().execute():
            return  # the same call again
        if len(lines) > 1 and db.is_postgres():  # in one order, or two baskets with the same things wait for each other
            list(Thing.select(Thing.id).where(among).order_by(Thing.id).for_update().tuples())
        moved = Thing.update(stock=after, version=Thing.version + 1).where(among, after >= 0).execute()
        if moved < len(lines):
            raise SoldOut("There is not enough in stock.")  # takes the ledger rows back
        marks = [changes.Change(thing, after={"quantity": quantity}) for thing, quantity in lines.items()]
        changes.record(ctx, "ledger.thing", action, marks, reindex=False)
