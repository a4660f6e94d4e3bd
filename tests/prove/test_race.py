"""R3: 10,000 buyers in 16 processes, 6,000 in stock: exactly 6,000 sold, the ledger equals the counter."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import peewee
import pytest

from core import db
from core.audit import Entry
from core.settings import Settings
from tests.chaos_kit import CTX, check_audit
from tests.ledger_kit import things
from tests.prove import buyers
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow]

PROCESSES = 16
BUYERS, STOCK = scaled(10_000, 320), scaled(6_000, 192)


def test_many_buyers_of_one_thing_get_what_is_there_and_no_piece_more(
    house: Settings, figures: Callable[..., None]
) -> None:
    from ledger.models import Movement, Thing
    from ledger.services import stock

    hot, other = things(2)
    stock(CTX, {hot: STOCK, other: BUYERS}, "first delivery")
    said, took_s = race(house, hot, other)

    sums = dict(
        Movement.select(Movement.thing_id, peewee.fn.SUM(Movement.quantity)).group_by(Movement.thing_id).tuples()
    )
    left = dict(Thing.select(Thing.id, Thing.stock).tuples())
    sold = Movement.select().where(Movement.thing_id == hot, Movement.quantity < 0).count()
    locked = sum(count for text, count in said.items() if "locked" in text)
    assert said["errors"] == 0, said
    assert (sold, left[hot]) == (STOCK, 0)
    assert sums == left
    together = Movement.select().where(Movement.thing_id == other, Movement.quantity < 0).count()
    assert Entry.select().where(Entry.resource == "ledger.thing", Entry.action == "sold").count() == STOCK + together
    check_audit()
    figures(
        "R3", buyers=BUYERS, processes=PROCESSES, stock=STOCK, sold=sold, left=left[hot],
        ledger_equals_counter=sums == left, locked=locked, calls_per_s=round(said.total() / took_s),
    )  # fmt: skip


def race(house: Settings, hot: int, other: int) -> tuple[Counter[str], float]:
    """What the buyers were told, over all processes, and the seconds of the slowest one."""
    fresh = multiprocessing.get_context("spawn")  # a forked process would share our connections
    together = fresh.Barrier(PROCESSES)
    db.database.close()
    with ProcessPoolExecutor(PROCESSES, fresh, buyers.begin, (house, together)) as pool:
        shares = [pool.submit(buyers.buy, range(n, BUYERS, PROCESSES), hot, other) for n in range(PROCESSES)]
        told, seconds = zip(*(share.result() for share in shares), strict=True)
    return sum(told, Counter()), max(seconds)
