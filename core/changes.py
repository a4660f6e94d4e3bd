"""The one road of every change: hook, audit entry, outbox event and search row, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import runtime
from core.context import Context
from core.db import search
from core.errors import Rejected
from core.i18n import _


@dataclass(frozen=True)
class Change:
    """One record's change: only the fields that differ, as JSON values."""

    id: int
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def record(
    ctx: Context, resource: str, action: str, changes: Sequence[Change], *, event: str = "", reindex: bool = True
) -> None:
    """Note a set of changes of one resource (at most a chunk of 200), in one statement each for audit and outbox.

    `action`: created, updated, deleted or the name of the command. `event`: default `<resource>_<action>.v1`.
    `reindex=False`: the caller indexes for search later (imports). Must be called inside `db.transaction()`, after
    the guarded write. Raises Rejected when a `before_change` hook refuses, or when a record was or is outside of the
    actor's rows.
    """
    from core import access, audit, events  # events start jobs, and nearly every room that they reach names `Change`

    if not changes:
        return
    current = runtime.current()
    if resource in current.resources and (beyond := access.outside(ctx.actor, current.resources[resource], changes)):
        raise Rejected(beyond[0], "", _("This lies outside of the rows that your role reaches."))
    current.hooks.call("before_change", ctx=ctx, resource=resource, action=action, changes=changes)
    if reindex and action != "deleted" and resource in current.resources:
        search.index(current.resources[resource], [change.id for change in changes])
    elif action == "deleted" and resource in current.resources:
        search.drop(current.resources[resource], [change.id for change in changes])
    audit.write(ctx, resource, action, changes)
    payload = {"resource": resource, "ids": [change.id for change in changes]}
    events.emit(ctx, event or f"{resource}_{action}.v1", payload)
