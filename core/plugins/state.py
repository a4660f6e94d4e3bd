"""The plugin rows and the generation counter in the database."""

from __future__ import annotations

from typing import Any

import peewee
import structlog

from core import audit, db, events
from core.changes import Change
from core.context import Context, system_context
from core.db import utcnow
from core.plugins.models import CoreState, PluginState

log = structlog.get_logger()


def generation() -> int:
    """The number that every process compares with its own; it moves when a plugin goes on, off or into quarantine."""
    number: int = _GENERATION.run().fetchone()[0]
    return number


_GENERATION = db.Kept(lambda: CoreState.select(CoreState.generation).limit(1))


def load() -> tuple[int, dict[str, PluginState]]:
    """The generation and the rows by name; (0, {}) in a database that is not migrated yet."""
    if not db.database.table_exists("core_state"):
        return 0, {}
    number = generation()  # read first: a change in between makes us build once more, never once too few
    return number, {row.name: row for row in PluginState.select()}


def change(ctx: Context, name: str, action: str, **values: Any) -> None:
    """Write `values` to the row of plugin `name`, raise the generation, leave audit entry and event."""
    with db.transaction():
        row = PluginState.get_or_none(PluginState.name == name) or PluginState(name=name, enabled=False, status="off")
        before = {key: getattr(row, key) for key, value in values.items() if getattr(row, key) != value}
        for key, value in values.items():
            setattr(row, key, value)
        row.changed_at = utcnow()
        row.save()
        CoreState.update(generation=CoreState.generation + 1).execute()
        audit.write(ctx, "core.plugin", action, [Change(row.id, before, {key: values[key] for key in before})])
        events.emit(ctx, f"core.plugin_{action}.v1", {"resource": "core.plugin", "ids": [row.id], "name": name})


def quarantine(name: str, reason: str) -> None:
    """Take plugin `name` out from the next generation on, until somebody enables it again. Never raises."""
    try:
        if PluginState.get_or_none(PluginState.name == name, PluginState.status == "healthy"):
            log.error("plugin quarantined", plugin=name, reason=reason)
            change(system_context(), name, "quarantined", status="quarantined", error=reason)
    except (peewee.PeeweeException, OSError):  # without writes, too, the healthy plugins must start
        log.exception("quarantine not written", plugin=name, reason=reason)
