"""The cards of orders on Home: a period beside the one before it, and what waits in the menu."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.dashboard import Period
from plugins.orders.services import tally
from plugins.orders.tests.conftest import doc, statements
from plugins.orders.waiting import waiting
from plugins.orders.widgets import widgets

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ides_of_march(monkeypatch):
    for module in ("core.resources.filtering.utcnow", "core.db.utcnow"):
        monkeypatch.setattr(module, lambda: NOON)


@pytest.fixture
def sold(service, ctx):
    """One order on each of the last 60 days, of 25.00."""
    service.create(ctx, [doc(f"{n}", placed_at=NOON - timedelta(days=n)) for n in range(60)])


def load(ctx, name, period):
    return next(one for one in widgets(Period.of(period)) if one.name == f"orders.{name}").load(ctx)


@pytest.mark.parametrize(
    ("period", "now", "before", "points"),
    [("today", 1, 1, 14), ("last_7_days", 7, 7, 7), ("last_30_days", 30, 30, 30), ("this_month", 15, 15, 15)],
)
def test_a_period_is_compared_with_the_one_before(sold, ctx, period, now, before, points):
    (orders,) = load(ctx, "orders", period)
    assert (orders.value, orders.before, len(orders.points)) == (now, before, points)
    (sales,) = load(ctx, "sales", period)
    assert (sales.value, sales.before, sales.currency) == (now * 2500, before * 2500, "GBP")
    assert orders.change == (None if period == "today" else 0)
    trend = load(ctx, "trend", period)
    assert len(trend.days) == len(trend.points) == len(trend.before) == points
    assert set(trend.points) == set(trend.before) == {2500}


def test_an_average_order_is_what_is_sold_by_the_number_of_orders_in_its_currency(service, ctx):
    kept = [(0, "10.00", "GBP"), (1, "10.01", "GBP"), (9, "4.00", "GBP"), (3, "5000", "JPY"), (8, "1.00", "USD")]
    mug = {"sku": "MUG", "title": "Mug", "quantity": Decimal(1)}
    service.create(
        ctx,
        [
            doc(
                f"{n}", placed_at=NOON - timedelta(days=n), currency=code, lines=[{**mug, "unit_price": Decimal(price)}]
            )
            for n, price, code in kept
        ],
    )
    figures = load(ctx, "average", "last_7_days")
    assert [(one.value, one.before, one.currency) for one in figures] == [(1001, 400, "GBP"), (5000, 0, "JPY")]
    assert figures[1].points == [0, 0, 0, 5000, 5000, 5000, 5000], "a day without orders has no average of its own"
    assert load(ctx, "average", "today")[0].value == 1000
    assert list(load(ctx, "average", "last_30_days"))[-1].change is None


def test_without_orders_there_is_no_average(service, ctx):
    assert load(ctx, "average", "last_7_days") == []


def test_a_month_is_compared_with_the_same_days_of_a_shorter_one(monkeypatch):
    monkeypatch.setattr("core.resources.filtering.utcnow", lambda: datetime(2026, 3, 31, 12, tzinfo=UTC))
    before = Period.of("this_month").before
    assert (before.first, before.last) == (date(2026, 2, 1), date(2026, 2, 28))


def test_a_card_of_a_period_takes_two_statements(sold, ctx):
    for name in ("sales", "orders", "average", "trend"):
        with statements() as seen:
            load(ctx, name, "last_30_days")
        assert len([sql for sql in seen if sql.startswith("SELECT")]) == 2, seen


def test_the_menu_says_orders_to_ship_and_exceptions(service, ctx):
    service.create(ctx, [doc("1"), doc("2"), doc("3", status="draft")])
    assert [(one.number, one.is_bad) for one in waiting(ctx)] == [(2, False), (0, True)]
    with statements() as seen:
        waiting(ctx)
    assert len(seen) == 2, seen
    tally.recount()
    assert list(waiting(ctx)) == []
