"""What happens when a plugin's code fails: the hook goes on without it, the failure is counted, five end it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import BoundedSemaphore

import peewee
import structlog

from core import db
from core.db import utcnow
from core.plugins import calls
from core.plugins.models import PluginFailure
from core.plugins.state import quarantine

LIMIT, WINDOW = 5, timedelta(seconds=60)
KEPT = timedelta(hours=1)  # so long the page of plugins shows a failure
FAR_OVER = 10  # a call that takes so many times its budget counts: below, a busy machine may be the cause
SLOW = "Slow: "  # begins what is kept of such a call, which did answer

log = structlog.get_logger()

# Counted by a thread with its own connection: the failing page may hold the write lock, or be about to roll back.
_counting = ThreadPoolExecutor(1, "plugin-failures")
_places = BoundedSemaphore(200)


def failed(plugin: str, hook: str, error: BaseException) -> None:
    """Log and count one failure; never raises and never waits for the database."""
    log.error("plugin hook failed", plugin=plugin, hook=hook, exc_info=error)
    calls.failed(plugin)
    if not db.takes_no_writes(error):  # the database is full, restarts or is gone: that is no plugin's fault
        _keep(plugin, hook, f"{type(error).__name__}: {error}")


def _keep(plugin: str, hook: str, text: str) -> None:
    if _places.acquire(blocking=False):
        counted = _counting.submit(_safely, _count, plugin, hook, text[:500])
        counted.add_done_callback(lambda _: _places.release())
    else:
        log.warning("plugin failure not counted: too many at once", plugin=plugin, hook=hook)


def end(plugin: str, reason: str) -> None:
    """Quarantine `plugin` now; never raises and never waits for the database."""
    _counting.submit(_safely, quarantine, plugin, reason)


def called(plugin: str) -> None:
    """Count a call; now and then that writes, which nobody waits for."""
    if calls.called(plugin):
        _counting.submit(_safely, lambda _plugin: calls.write(), plugin)


def flush() -> None:
    """Wait until every failure so far is counted (tests)."""
    _counting.submit(lambda: None).result()


def slow(plugin: str, hook: str, took_ms: float, budget_ms: int, is_first: bool) -> None:
    """Log a call over its time budget; one that is far over it counts, unless it was the first of its generation."""
    text = f"took {took_ms:.0f} ms, its budget is {budget_ms} ms"
    log.warning(f"plugin hook {text}", plugin=plugin, hook=hook)
    if took_ms > FAR_OVER * budget_ms and not is_first:
        _keep(plugin, hook, SLOW + text)


def _count(plugin: str, hook: str, error: str) -> None:
    since = utcnow() - WINDOW
    with db.transaction():
        PluginFailure.create(plugin=plugin, hook=hook, error=error)
        recent = PluginFailure.select().where(PluginFailure.plugin == plugin, PluginFailure.at > since).count()
        PluginFailure.delete().where(PluginFailure.plugin == plugin, PluginFailure.at < utcnow() - KEPT).execute()
    if recent >= LIMIT:
        quarantine(plugin, f"{recent} failures or slow answers in a minute; the last in {hook}: {error}")


def _safely(work: Callable[..., None], plugin: str, *about: str) -> None:
    """Runs in the counting thread, where nobody would hear an error."""
    try:
        work(plugin, *about)
        db.database.close()
    except (peewee.PeeweeException, OSError):
        log.exception("plugin failure not counted", plugin=plugin, about=about)
        db.drop_connections()
