"""The database room: transactions, keyset pages and fields give the same answers on SQLite and PostgreSQL; money."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import peewee
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from core import db
from core.db import keyset, money
from core.errors import Invalid


class Parcel(db.Record):
    rank = peewee.IntegerField(null=True)
    name = peewee.CharField(null=True)
    seen_at = db.UTCDateTimeField(null=True)
    weight = db.ExactDecimalField(null=True)
    extra = db.JSONField(default=dict)

    class Meta:
        table_name = "test_parcel"


@pytest.fixture
def parcels(app_db: Any) -> Iterator[type[Parcel]]:
    db.database.create_tables([Parcel])
    yield Parcel
    db.database.drop_tables([Parcel])


# Transactions


def test_after_commit_runs_once_the_outermost_transaction_is_in(app_db: Any) -> None:
    seen: list[str] = []
    with db.transaction():
        with db.transaction():
            db.after_commit(lambda: seen.append("inner"))
        assert seen == []
    assert seen == ["inner"]


def test_after_commit_without_transaction_runs_at_once(app_db: Any) -> None:
    seen: list[str] = []
    db.after_commit(lambda: seen.append("now"))
    assert seen == ["now"]


def test_after_commit_of_a_rolled_back_savepoint_is_dropped(app_db: Any) -> None:
    seen: list[str] = []
    with db.transaction():
        db.after_commit(lambda: seen.append("kept"))
        with pytest.raises(ZeroDivisionError), db.transaction():
            db.after_commit(lambda: seen.append("dropped"))
            raise ZeroDivisionError
    assert seen == ["kept"]


def test_the_same_callback_runs_once_per_transaction(app_db: Any) -> None:
    seen: list[str] = []

    def ring() -> None:
        seen.append("rung")

    with db.transaction():
        for _ in range(200):
            db.after_commit(ring)
    assert seen == ["rung"]


def test_rollback_leaves_nothing(parcels: type[Parcel]) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction():
        parcels.create(rank=1)
        raise ZeroDivisionError
    assert parcels.select().count() == 0


def test_read_then_write_from_many_threads_loses_nothing(parcels: type[Parcel]) -> None:
    parcel = parcels.create(rank=0)

    def raise_rank() -> None:
        for _ in range(10):
            with db.transaction():
                parcels.update(rank=parcels.rank + 1).where(parcels.id == parcel.id).execute()
        db.database.close()

    threads = [threading.Thread(target=raise_rank) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert parcels.get_by_id(parcel.id).rank == 60


# Fields


def test_times_come_back_aware_and_in_utc(parcels: type[Parcel]) -> None:
    noon_in_riyadh = datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=3)))
    made = parcels.create(seen_at=noon_in_riyadh)
    assert parcels.get_by_id(made.id).seen_at == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def test_a_time_without_zone_is_refused(parcels: type[Parcel]) -> None:
    with pytest.raises(ValueError, match="without zone"):
        parcels.create(seen_at=datetime(2026, 3, 1, 12, 0))


@pytest.mark.parametrize("text", ["0.10", "12345678901234567890.123456789", "-0.000001", "3"])
def test_decimals_keep_every_digit(parcels: type[Parcel], text: str) -> None:
    made = parcels.create(weight=Decimal(text))
    assert str(parcels.get_by_id(made.id).weight) == text


def test_json_keeps_arabic_and_order_does_not_matter(parcels: type[Parcel]) -> None:
    made = parcels.create(extra={"b": "طلب", "a": [1, None]})
    assert parcels.get_by_id(made.id).extra == {"a": [1, None], "b": "طلب"}
    assert db.canonical_json({"b": 1, "a": 2}) == db.canonical_json({"a": 2, "b": 1})


# Keyset pages

values = st.one_of(st.none(), st.integers(-3, 3))
few = examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def expected_order(rows: list[tuple[int, Any]], descending: bool) -> list[int]:
    """NULL last in both orders; ties by id in the direction of the sort."""
    filled = sorted((row for row in rows if row[1] is not None), key=lambda row: (row[1], row[0]), reverse=descending)
    empty = sorted((row for row in rows if row[1] is None), key=lambda row: row[0], reverse=descending)
    return [row_id for row_id, _ in filled + empty]


def walk(query: Any, sort: Any, descending: bool, limit: int) -> tuple[list[int], list[int]]:
    """Ids seen going to the end by `next`, and coming back from there by `previous`."""
    page = keyset.page(query, sort, descending, None, limit)
    assert page.previous is None
    forth = list(page.ids)
    while page.next:
        page = keyset.page(query, sort, descending, page.next, limit)
        forth += page.ids
    back = list(page.ids)
    while page.previous:
        page = keyset.page(query, sort, descending, page.previous, limit)
        back = page.ids + back
    return forth, back


@pytest.mark.parametrize("column", ["rank", "name", "seen_at"])
@few
@given(ranks=st.lists(values, max_size=17), limit=st.integers(1, 6), descending=st.booleans())
def test_pages_show_every_row_once_in_order_both_ways(
    parcels: type[Parcel], column: str, ranks: list[int | None], limit: int, descending: bool
) -> None:
    parcels.delete().execute()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for rank in ranks:
        seen_at = None if rank is None else moment + timedelta(microseconds=rank)
        parcels.create(rank=rank, name=None if rank is None else f"n{rank + 5}", seen_at=seen_at)
    field = getattr(parcels, column)
    rows = list(parcels.select(parcels.id, field).tuples())
    order = expected_order(rows, descending)
    forth, back = walk(parcels.select(), field, descending, limit)
    assert forth == order
    assert back == order


@pytest.mark.parametrize("descending", [False, True])
def test_pages_sorted_by_id(parcels: type[Parcel], descending: bool) -> None:
    ids = [parcels.create(rank=1).id for _ in range(7)]
    order = sorted(ids, reverse=descending)
    assert walk(parcels.select(), parcels.id, descending, 3) == (order, order)


def test_a_row_that_comes_in_meanwhile_moves_no_other_row(parcels: type[Parcel]) -> None:
    ids = [parcels.create(rank=rank).id for rank in (10, 20, 30, 40)]
    first = keyset.page(parcels.select(), parcels.rank, False, None, 2)
    parcels.create(rank=5)
    assert keyset.page(parcels.select(), parcels.rank, False, first.next, 2).ids == ids[2:]


def test_pages_keep_the_filter(parcels: type[Parcel]) -> None:
    ids = [parcels.create(rank=rank, name="x" if rank % 2 else "y").id for rank in range(6)]
    assert walk(parcels.select().where(parcels.name == "x"), parcels.rank, False, 2)[0] == ids[1::2]


# Money

currencies = st.sampled_from(["JPY", "GBP", "SAR", "KWD", "CLF"])


@given(minor=st.integers(-(10**17), 10**17), currency=currencies)
def test_minor_units_survive_major_units(minor: int, currency: str) -> None:
    written = money.writer(currency)(minor)
    assert written == format(Decimal(minor).scaleb(-money.exponent(currency)), "f")
    assert money.to_minor(Decimal(written), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("0.125", "GBP", 12),
        ("0.135", "GBP", 14),
        ("-0.125", "GBP", -12),
        ("1.5", "JPY", 2),
        ("2.5", "JPY", 2),
        ("0.0005", "KWD", 0),
        ("0.0015", "KWD", 2),
        ("9747747.934", "GBP", 974774793),
        ("-0.001", "GBP", 0),
    ],
)
def test_rounding_is_half_even_once(amount: str, currency: str, minor: int) -> None:
    assert money.to_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize(
    ("currency", "digits"), [("JPY", 0), ("SAR", 2), ("kwd", 3), ("IQD", 3), ("CLF", 4), ("XTS", 2)]
)
def test_exponents_of_iso_4217(currency: str, digits: int) -> None:
    assert money.exponent(currency) == digits


@pytest.mark.parametrize("text", ["", "GB", "GBPX", "G1P", "ريا"])
def test_what_is_no_currency_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        money.exponent(text)


def test_a_set_of_rows_is_changed_each_to_its_own_values(app_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.db import bulk
    from core.jobs.models import JobItem

    monkeypatch.setattr(bulk, "_MOST_VALUES", 2_000)  # so that a set takes several statements
    bulk.insert(JobItem, [{"job_id": n % 2, "record_id": n, "state": "waiting"} for n in range(1200)])
    rows = [
        {
            "job_id": n % 2,
            "record_id": n,
            "state": f"s{n % 7}",
            "version": n or None,
            "undo": {"was": n} if n % 3 else None,
        }
        for n in range(1100)
    ]
    bulk.update(JobItem, ["job_id", "record_id"], rows)
    found = {item.record_id: item for item in JobItem.select()}
    assert len(found) == 1200
    for row in rows:
        item = found[row["record_id"]]
        assert (item.job_id, item.state, item.version, item.undo) == (
            row["job_id"], row["state"], row["version"], row["undo"],
        )  # fmt: skip
    assert {found[n].state for n in range(1100, 1200)} == {"waiting"}
