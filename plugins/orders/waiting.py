"""What waits in the orders: the numbers of the menu, from the sums that are kept with every change."""

from __future__ import annotations

from collections.abc import Sequence

from core.context import Context
from core.i18n import __
from core.resources import Waiting
from plugins.orders.services import tally

EXCEPTIONS = ("disputed", "payment_failed", "on_hold")


def waiting(ctx: Context) -> Sequence[Waiting]:
    """Orders to ship, and those that somebody must look at first; nothing while all orders are counted anew."""
    if tally.percent_counted() is not None:
        return []
    found = tally.states(ctx, ["to_ship", *EXCEPTIONS])
    bad = sum(found.get(name, 0) for name in EXCEPTIONS)
    return [Waiting(found.get("to_ship", 0), __("to ship")), Waiting(bad, __("exceptions"), is_bad=True)]
