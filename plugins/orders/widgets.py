"""Cards of the page Home: how sales go, and what waits for somebody. No card sums up the table of orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from core import runtime
from core.context import Context
from core.dashboard import Content, Entry, Figure, Trend, Widget
from core.i18n import _, __, money, number
from core.resources import ListState, Tone, page
from plugins.orders import labels
from plugins.orders.services import tally
from plugins.orders.services.tally import STATES, Sum

VIEW = "orders.order.view"
_LIST = "/admin/orders/"
_DAYS = 30
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


def _two_periods(ctx: Context) -> tuple[dict[str, dict[date, Sum]], list[date], list[date]]:
    """The sums of the last 30 days and of the 30 before."""
    days = tally.last_days(2 * _DAYS, tally.today())
    return tally.by_day(ctx, days[0], days[-1]), days[_DAYS:], days[:_DAYS]


def _today(ctx: Context) -> list[Figure]:
    found, days, _before = _two_periods(ctx)
    total = _all(found)
    yesterday = _sums(total, days[-2:-1]).orders
    points = _points(total, days[-14:], "orders")
    return [Figure(_sums(total, days[-1:]).orders, before=yesterday, note=_("Yesterday"), points=points, is_open=True)]


def _sales_today(ctx: Context) -> list[Figure]:
    found, days, _before = _two_periods(ctx)
    figures: list[Figure] = []
    for code in _currencies(found):
        now, yesterday = (_sums(found[code], [day]).amount_minor for day in (days[-1], days[-2]))
        if now or yesterday or not figures:
            points = _points(found[code], days[-14:], "amount_minor")
            figures.append(Figure(now, code, before=yesterday, note=_("Yesterday"), points=points, is_open=True))
    return figures[:4] or [Figure(0, runtime.current().settings.currency)]


def _month(ctx: Context) -> list[Figure]:
    found, days, before = _two_periods(ctx)
    total = _all(found)
    was, points = _sums(total, before).orders, _points(total, days, "orders")
    return [Figure(_sums(total, days).orders, before=was, note=_("vs the 30 days before"), points=points)]


def _sales_month(ctx: Context) -> list[Figure]:
    found, days, before = _two_periods(ctx)
    figures = []
    for code in _currencies(found):
        now, was = (_sums(found[code], period).amount_minor for period in (days, before))
        points = _points(found[code], days, "amount_minor")
        figures.append(Figure(now, code, before=was, note=_("vs the 30 days before"), points=points))
    return figures[:4] or [Figure(0, runtime.current().settings.currency)]


def _points(days: Days, chosen: Sequence[date], field: str) -> list[int]:
    return [getattr(days.get(day, Sum()), field) for day in chosen]


def _trend(ctx: Context) -> Content:
    """The currency of the shop, or the one with most orders when it has none."""
    found, days, before = _two_periods(ctx)
    if not found:
        return []
    code = _currencies(found)[0]
    now, was = (_points(found[code], period, "amount_minor") for period in (days, before))
    return Trend(days, now, was, code)


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


def widgets() -> list[Widget]:
    def one(name: str, title: Any, load: Callable[[Context], Content], order: int, **more: Any) -> Widget:
        return Widget(f"orders.{name}", title, load, VIEW, order=order, **more)

    def counted(name: str, title: Any, load: Callable[[Context], Content], order: int, **more: Any) -> Widget:
        return one(name, title, _counting(load), order, size="quarter", **more)

    since = tally.today() - timedelta(days=_DAYS - 1)
    month = f"{_LIST}?placed_at__gte={since.isoformat()}"
    return [
        counted("today", __("Orders today"), _today, 10, icon="shopping-cart", url=f"{_LIST}?placed_at=today"),
        counted("sales_today", __("Sales today"), _sales_today, 11, icon="cash"),
        counted("to_ship", __("Waiting to ship"), _waiting("to_ship"), 12, icon="truck", url=_url("to_ship")),
        counted("unpaid", __("Unpaid"), _waiting("unpaid"), 13, icon="credit-card", url=_url("unpaid")),
        counted("month", __("Orders in 30 days"), _month, 20, icon="shopping-cart", url=month),
        counted("sales_month", __("Sales in 30 days"), _sales_month, 21, icon="cash"),
        one("decisions", __("Needs a decision"), _counting(_decisions), 22, icon="bulb", empty=__("Nothing waits.")),
        one("trend", __("Sales by day"), _counting(_trend), 30, icon="chart-line", empty=__("No sales yet.")),
        one("newest", __("Newest orders"), _newest, 31, icon="list", url=_LIST, empty=__("No orders yet.")),
    ]
