"""One process full of buyers, for the race on stock."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

from core import boot, db
from core.context import SYSTEM, Context
from core.settings import Settings

CTX = Context(actor=SYSTEM, source="api")
_start: Any = None


def begin(settings: Settings, together: Any) -> None:
    """First thing in each process; the buying begins in all of them at once."""
    global _start
    boot.start(settings)
    _start = together


def buy(numbers: range, hot: int, other: int) -> tuple[Counter[str], float]:
    """Each buyer wants one of the hot thing, each fifth another thing with it, each tenth sends his call twice.

    Gives what they were told, and the seconds that it took.
    """
    from ledger.services import SoldOut, sell

    said: Counter[str] = Counter()
    _start.wait(300)
    began = time.monotonic()
    for number in random.sample(numbers, len(numbers)):
        lines = {other: 1, hot: 1} if number % 5 == 0 else {hot: 1}
        for _ in range(2 if number % 10 == 0 else 1):
            try:
                sell(CTX, lines, f"buyer {number}")
                said["sold"] += 1
            except SoldOut:
                said["sold out"] += 1
            except Exception as problem:  # counted and shown: none is expected
                said[f"{type(problem).__name__}: {problem}".splitlines()[0][:120]] += 1
                said["errors"] += 1
    db.database.close_all()
    return said, time.monotonic() - began
