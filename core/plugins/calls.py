"""How often each plugin is called and fails. A call costs an addition; now and then the sums are written."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from time import monotonic

import peewee
import structlog

from core import db
from core.db import utcnow
from core.plugins.models import PluginCalls

EVERY_S = 30.0

log = structlog.get_logger()
_lock = Lock()
_calls: Counter[str] = Counter()
_failures: Counter[str] = Counter()
_written = monotonic()


def called(plugin: str) -> bool:
    """Count a call of `plugin`; True when it is time to write what was counted."""
    with _lock:
        _calls[plugin] += 1
    return _is_due()


def failed(plugin: str) -> None:
    with _lock:
        _failures[plugin] += 1


def _is_due() -> bool:
    """At most one caller is told so, until the next time."""
    global _written
    if monotonic() - _written < EVERY_S:
        return False
    with _lock:
        is_first = monotonic() - _written >= EVERY_S
        _written = monotonic()
    return is_first


def write() -> None:
    """Add what was counted to the sums of the day; what the database does not take now is added the next time."""
    with _lock:
        calls, failures = Counter(_calls), Counter(_failures)
        _calls.clear()
        _failures.clear()
    try:
        with db.transaction():
            for plugin in {*calls, *failures} - {"core"}:
                _add(plugin, calls[plugin], failures[plugin])
    except (peewee.PeeweeException, OSError) as error:
        log.warning("calls of plugins not written", error=str(error))
        with _lock:
            _calls.update(calls)
            _failures.update(failures)


def _add(plugin: str, calls: int, failures: int) -> None:
    row = {"plugin": plugin, "day": utcnow().date(), "calls": calls, "failures": failures}
    more = {PluginCalls.calls: PluginCalls.calls + calls, PluginCalls.failures: PluginCalls.failures + failures}
    unique = [PluginCalls.plugin, PluginCalls.day]
    PluginCalls.insert(row).on_conflict(conflict_target=unique, update=more).execute()
