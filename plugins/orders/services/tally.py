"""Sums of orders that pages may show at any size: kept with every change, never counted on a page.

A row of `Tally` adds to the sums of one measure, day, sales channel and currency. A change of orders appends what it
changed, so that no two of them wait for each other; a job folds the rows of one sum into one. `placed` counts the sales
of a day of the shop and their money (credits take away); the others count orders that are in some state now.

Exact also while a recount runs: it takes its lock (`_State`) alone, changes share it, and each change adds only what
the recount has already passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from peewee import fn

from core import access, db, runtime
from core.changes import Change
from core.context import Context
from core.db import bulk, search
from plugins.orders.models import Order, Tally, TallyState
from plugins.orders.services.records import RESOURCE

Values = Mapping[str, Any]
_PLACED = "placed"
_COUNTED_IN = ("open", "completed", "archived")
_FIELDS = (
    "placed_at", "sales_channel", "currency", "kind", "status", "payment_status", "fulfillment_status",
    "return_status", "total_minor",
)  # fmt: skip
_COLUMNS = (Order.id, *(getattr(Order, name) for name in _FIELDS))
_ALL = 2**62
_CHUNK = 1000
STATES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "to_ship": {
        "kind": ["sale"], "status": ["open"],
        "fulfillment_status": ["unfulfilled", "scheduled", "in_progress", "partially_fulfilled"],
    },
    "unpaid": {
        "kind": ["sale"], "status": ["open"],
        "payment_status": ["unpaid", "requires_action", "partially_paid", "partially_authorized"],
    },
    "to_confirm": {"status": ["pending"]},
    "payment_failed": {"status": ["open"], "payment_status": ["failed"]},
    "disputed": {"payment_status": ["disputed"]},
    "on_hold": {"status": ["open"], "fulfillment_status": ["on_hold"]},
    "return_requested": {"return_status": ["requested"]},
}  # fmt: skip
"""Measure -> the filters of the list that shows the same orders."""


class Key(NamedTuple):
    """What one sum is of; `day` is empty for states."""

    measure: str
    day: str
    sales_channel: str
    currency: str


@dataclass
class Sum:
    """Orders and money."""

    orders: int = 0
    amount_minor: int = 0

    @property
    def average_minor(self) -> int:
        """Money for each order, a half rounded up; 0 without orders."""
        return (2 * self.amount_minor + self.orders) // (2 * self.orders) if self.orders else 0


def note(resource: str, action: str, changes: Sequence[Change]) -> None:
    """Add what a set of changes of orders does to the sums, inside its transaction: at most three statements."""
    if resource != RESOURCE or not any(_matters(action, change) for change in changes):
        return
    state = _locked("FOR SHARE")
    ids = [change.id for change in changes if change.id <= state.counted_to]
    now = {row["id"]: row for row in bulk.dicts(Order.select().where(search.among(Order.id, ids)), _COLUMNS)}
    sums: Counter[tuple[Key, str]] = Counter()
    for change in changes:
        if change.id in now:
            after, before = now[change.id], {**now[change.id], **change.before}
            if action != "created":
                _add(sums, before, state.timezone, -1)
            if action != "deleted":
                _add(sums, after, state.timezone, 1)
    _append(sums)


def _matters(action: str, change: Change) -> bool:
    return action in ("created", "deleted") or not {*change.before, *change.after}.isdisjoint(_FIELDS)


def _add(sums: Counter[tuple[Key, str]], order: Values, timezone: str, sign: int) -> None:
    channel, currency, total = order["sales_channel"], order["currency"], order["total_minor"]
    for measure, wanted in STATES.items():
        if all(order[name] in values for name, values in wanted.items()):
            key = Key(measure, "", channel, currency)
            sums[key, "orders"] += sign
            sums[key, "amount_minor"] += sign * total
    if order["status"] in _COUNTED_IN:
        key = Key(_PLACED, order["placed_at"].astimezone(ZoneInfo(timezone)).date().isoformat(), channel, currency)
        sums[key, "orders"] += sign * (order["kind"] == "sale")
        sums[key, "amount_minor"] += sign * total


def _append(sums: Counter[tuple[Key, str]]) -> None:
    rows = [
        {**key._asdict(), "orders": sums[key, "orders"], "amount_minor": sums[key, "amount_minor"]}
        for key in dict.fromkeys(key for key, _field in sums)
        if sums[key, "orders"] or sums[key, "amount_minor"]
    ]
    bulk.insert(Tally, rows)


def _locked(how: str) -> TallyState:
    """The one row of the state; on SQLite the write transaction itself is the lock."""
    query = TallyState.select()
    state: TallyState = (query.for_update(how) if db.is_postgres() else query).get()
    state.timezone = state.timezone or runtime.current().settings.timezone
    return state


# Reading


def by_day(ctx: Context, first: date, last: date) -> dict[str, dict[date, Sum]]:
    """{currency: {day: sales placed on it and their money}} of the rows that `ctx.actor` reaches; one statement."""
    here = Tally.day.between(first.isoformat(), last.isoformat())
    query = _sums(ctx, [_PLACED], Tally.day, Tally.currency).where(here)
    found: dict[str, dict[date, Sum]] = {}
    for day, currency, orders, amount in query.group_by(Tally.day, Tally.currency).tuples():
        found.setdefault(currency, {})[date.fromisoformat(day)] = Sum(int(orders), int(amount))
    return found


def states(ctx: Context, names: Iterable[str]) -> dict[str, int]:
    """{measure: orders that are in that state now}, of the rows that `ctx.actor` reaches; one statement."""
    query = _sums(ctx, list(names), Tally.measure).group_by(Tally.measure)
    return {measure: int(orders) for measure, orders, _amount in query.tuples()}


def _sums(ctx: Context, measures: list[str], *columns: Any) -> Any:
    same_rows = replace(runtime.current().resource(RESOURCE), model=Tally)  # its scope is a column here, too
    reached = access.rows(ctx.actor, f"{RESOURCE}.view", same_rows)
    query = Tally.select(*columns, fn.SUM(Tally.orders), fn.SUM(Tally.amount_minor))
    query = query.where(Tally.measure.in_(measures))
    return query if reached is None else query.where(reached)


def today() -> date:
    """The day of the shop."""
    return db.utcnow().astimezone(ZoneInfo(_timezone())).date()


def _timezone() -> str:
    return runtime.current().settings.timezone


def percent_counted() -> int | None:
    """How far a count of all orders is; None when none is needed, as nearly always. One or two statements."""
    state = TallyState.get()
    if state.counted_to >= _ALL and state.timezone in ("", _timezone()):
        return None
    last = Order.select(fn.MAX(Order.id)).scalar() or 0
    return min(99, 100 * state.counted_to // max(1, last)) if state.counted_to < _ALL else 0


# Upkeep


def recount() -> None:
    """Forget all sums; `keep_up` counts again."""
    with db.transaction():
        _locked("FOR UPDATE")
        Tally.delete().execute()
        TallyState.update(counted_to=0, timezone=_timezone()).execute()


def needs_recount() -> bool:
    """Whether the shop now lives by another clock than its sums."""
    return TallyState.get().timezone not in ("", _timezone())


def count_more() -> bool:
    """Count the next orders in one transaction; False when all are."""
    with db.transaction():
        state = _locked("FOR UPDATE")
        if state.counted_to >= _ALL:
            TallyState.update(timezone=state.timezone).execute()
            return False
        chosen = Order.select().where(Order.id > state.counted_to).order_by(Order.id).limit(_CHUNK)
        orders = bulk.dicts(chosen, _COLUMNS)
        sums: Counter[tuple[Key, str]] = Counter()
        for order in orders:
            _add(sums, order, state.timezone, 1)
        _append(sums)
        TallyState.update(counted_to=orders[-1]["id"] if len(orders) == _CHUNK else _ALL).execute()
    return True


def fold(limit: int = 50) -> int:
    """Make one row of the rows of each sum, for at most `limit` days or states; how many that were."""
    several = Tally.select(Tally.measure, Tally.day).group_by(*_KEY).having(fn.COUNT(Tally.id) > 1)
    with db.transaction():
        _locked("FOR SHARE")
        places = list(several.distinct().limit(limit).tuples())
        for measure, day in places:
            gone = Tally.delete().where(Tally.measure == measure, Tally.day == day).returning(*_KEY, *_SUMS)
            sums: Counter[tuple[Key, str]] = Counter()
            for row in gone.tuples().execute():
                sums[Key(*row[:4]), "orders"] += row[4]
                sums[Key(*row[:4]), "amount_minor"] += row[5]
            _append(sums)
    return len(places)


_KEY = (Tally.measure, Tally.day, Tally.sales_channel, Tally.currency)
_SUMS = (Tally.orders, Tally.amount_minor)


def last_days(count: int, until: date) -> list[date]:
    """`count` days up to `until`, oldest first."""
    return [until - timedelta(days=back) for back in reversed(range(count))]
