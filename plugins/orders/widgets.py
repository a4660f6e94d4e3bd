"""Cards of the page Home: how sales go, and what waits for somebody. No card sums up the table of orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import accumulate
from typing import Any
from urllib.parse import urlencode

from core import runtime
from core.context import Context
from core.dashboard import Content, Entry, Figure, Period, Trend, Widget
from core.i18n import _, __, money, number
from core.resources import ListState, Tone, page
from plugins.orders import labels
from plugins.orders.services import tally
from plugins.orders.services.tally import STATES, Sum

VIEW = "orders.order.view"
_LIST = "/admin/orders/"
_LEAST, _LONG = 7, 14
Days = Mapping[date, Sum]


def _counting(load: Callable[[Context], Content]) -> Callable[[Context], Content]:
    """While all orders are counted anew, a card says so instead of showing a part as the whole."""

    def loaded(ctx: Context) -> Content:
        percent = tally.percent_counted()
        if percent is None:
            return load(ctx)
        text = _("%(percent)s%% done; the numbers appear when all orders are counted.", percent=percent)
        return [Entry(_("The orders are being counted"), text, icon="loader-2", tone="info")]

    return loaded


def _sums(days: Days, chosen: Sequence[date]) -> Sum:
    found = [days[day] for day in chosen if day in days]
    return Sum(sum(one.orders for one in found), sum(one.amount_minor for one in found))


def _currencies(found: Mapping[str, Days]) -> list[str]:
    """That of the shop first, then by number of orders."""
    own = runtime.current().settings.currency
    return sorted(found, key=lambda code: (code != own, -sum(one.orders for one in found[code].values()), code))


def _all(found: Mapping[str, Days]) -> Days:
    """The orders of all currencies; their money does not add up."""
    total: dict[date, Sum] = {}
    for days in found.values():
        for day, one in days.items():
            total.setdefault(day, Sum()).orders += one.orders
    return total


def _read(ctx: Context, period: Period) -> dict[str, dict[date, Sum]]:
    """The sums of `period`, of that before it and of two weeks, for the small lines."""
    return tally.by_day(ctx, min(period.before.first, _line(period)[0]), period.last)


def _line(period: Period) -> list[date]:
    """The days of a line: one of less than a week would say nothing."""
    return period.days if len(period.days) >= _LEAST else tally.last_days(_LONG, period.last)


def _figure(days: Days, period: Period, field: str, currency: str = "") -> Figure:
    now, before = (getattr(_sums(days, one.days), field) for one in (period, period.before))
    is_open, points = period.name == "today", _points(days, _line(period), field)
    return Figure(now, currency, before=before, note=period.versus, points=points, is_open=is_open)


def _orders(period: Period) -> Callable[[Context], Content]:
    return lambda ctx: [_figure(_all(_read(ctx, period)), period, "orders")]


def _sales(period: Period) -> Callable[[Context], Content]:
    def load(ctx: Context) -> list[Figure]:
        found = _read(ctx, period)
        figures = [_figure(found[code], period, "amount_minor", code) for code in _currencies(found)]
        shown = [one for one in figures if one.value or one.before] or figures[:1]
        return shown[:4] or [Figure(0, runtime.current().settings.currency)]

    return load


def _averages(period: Period) -> Callable[[Context], Content]:
    """Of currencies with orders now; on a day without any, the line stays where it was."""

    def load(ctx: Context) -> list[Figure]:
        found = _read(ctx, period)
        sold = [code for code in _currencies(found) if _sums(found[code], period.days).orders]
        figures = [_figure(found[code], period, "average_minor", code) for code in sold[:4]]
        return [replace(one, points=list(accumulate(one.points, _last_known))) for one in figures]

    return load


def _last_known(last: int, now: int) -> int:
    return now or last


def _points(days: Days, chosen: Sequence[date], field: str) -> list[int]:
    return [getattr(days.get(day, Sum()), field) for day in chosen]


def _trend(period: Period) -> Callable[[Context], Content]:
    """The currency of the shop, or the one with most orders when it has none."""

    def load(ctx: Context) -> Content:
        days = _line(period)
        begin = period.before.first if days == period.days else days[0] - timedelta(days=len(days))
        before = [begin + timedelta(days=n) for n in range(len(days))]
        found = tally.by_day(ctx, begin, days[-1])
        if not found:
            return []
        code = _currencies(found)[0]
        now, was = (_points(found[code], chosen, "amount_minor") for chosen in (days, before))
        return Trend(days, now, was, code)

    return load


def _waiting(measure: str) -> Callable[[Context], Content]:
    def load(ctx: Context) -> list[Figure]:
        return [Figure(tally.states(ctx, [measure]).get(measure, 0), note=_("now"), more_is_bad=True)]

    return load


_DECISIONS: Sequence[tuple[str, Any, Any, str, Tone]] = (
    ("disputed", __("Disputed payments"), __("A customer wants the money back"), "shield-x", "bad"),
    ("payment_failed", __("Failed payments"), __("Open orders that were not paid"), "credit-card", "bad"),
    ("on_hold", __("Orders on hold"), __("Nothing is shipped until they are released"), "player-pause", "warn"),
    ("to_confirm", __("Orders to confirm"), __("They expire when nobody confirms them"), "clock", "warn"),
    ("return_requested", __("Requested returns"), __("A customer waits for an answer"), "arrow-back-up", "info"),
    ("unpaid", __("Unpaid orders"), __("Open, and their money has not come yet"), "cash", "neutral"),
)


def _decisions(ctx: Context) -> list[Entry]:
    found = tally.states(ctx, [measure for measure, *_rest in _DECISIONS])
    return [
        Entry(title, text, url=_url(measure), icon=icon, tone=tone, end=number(found[measure]))
        for measure, title, text, icon, tone in _DECISIONS
        if found.get(measure)
    ]


def _url(measure: str) -> str:
    """The list of the orders that `measure` counts."""
    return f"{_LIST}?{urlencode({name: ','.join(values) for name, values in STATES[measure].items()})}"


def _newest(ctx: Context) -> list[Entry]:
    resource = runtime.current().resource("orders.order")
    orders = page(ctx, resource, ListState(limit=6)).records
    return [
        Entry(
            order.number, order.customer_name or order.customer_number, order.placed_at, f"{_LIST}{order.id}",
            end=money(order.total_minor, order.currency), badge=labels.PAYMENT_BADGES[order.payment_status],
        )
        for order in orders
    ]  # fmt: skip


def widgets(period: Period) -> list[Widget]:
    def one(name: str, title: Any, load: Callable[[Context], Content], order: int, **more: Any) -> Widget:
        return Widget(f"orders.{name}", title, load, VIEW, order=order, **more)

    def counted(name: str, title: Any, load: Callable[[Context], Content], order: int, **more: Any) -> Widget:
        return one(name, title, _counting(load), order, size="quarter", **more)

    here, of_period = f"{_LIST}?placed_at={period.name}", {"has_period": True}
    trend, no_orders, nothing = _counting(_trend(period)), __("No orders in this period."), __("Nothing waits.")
    decisions = _counting(_decisions)
    return [
        counted("sales", __("Sales"), _sales(period), 10, icon="cash", **of_period),
        counted("orders", __("Orders"), _orders(period), 11, icon="shopping-cart", url=here, **of_period),
        counted("average", __("Average order"), _averages(period), 12, icon="receipt", empty=no_orders, **of_period),
        counted("to_ship", __("Waiting to ship"), _waiting("to_ship"), 13, icon="truck", url=_url("to_ship")),
        one(
            "trend", __("Sales by day"), trend, 20, size="two_thirds", icon="chart-line", empty=__("No sales yet."),
            **of_period,
        ),
        one("decisions", __("Needs a decision"), decisions, 21, size="third", icon="bulb", empty=nothing),
        one(
            "newest", __("Newest orders"), _newest, 22, size="third", icon="list", url=_LIST,
            empty=__("No orders yet."),
        ),
    ]  # fmt: skip
