"""The one road of every change: hook, audit entry, outbox event and search row, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import audit, events, rights, runtime
from core.context import Context
from core.db import search
from core.errors import Rejected
from core.i18n import _

_VERBS = {"created": "create", "updated": "edit", "deleted": "delete"}


@dataclass(frozen=True)
class Change:
    """One record's change: only the fields that differ, with values that `db.canonical_json` takes."""

    id: int
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def record(
    ctx: Context, resource: str, action: str, changes: Sequence[Change], *, event: str = "", reindex: bool = True
) -> None:
    """Note a set of changes of one resource (at most a chunk of 200), in one statement each for audit and outbox.

    `action`: created, updated, deleted or the name of the command. `event`: default `<resource>_<action>.v1`.
    `reindex=False`: nothing changed that search sees; an import indexes by itself, at its end. Must be called inside
    `db.transaction()`, after the guarded write. Raises Rejected when a `before_change` hook refuses, or when a record
    was or is now outside of the actor's rows.
    """
    if not changes:
        return
    if ctx.is_looking:
        raise rights.looking(ctx)
    current = runtime.current()
    ids, declared = [change.id for change in changes], current.resources.get(resource)
    verb = "import" if ctx.source == "import" else _VERBS.get(action, action)
    if declared and (beyond := rights.outside(ctx.actor, declared, verb, changes)):
        raise Rejected(beyond[0], "", _("This lies outside of the rows that your role reaches."))
    current.hooks.call("before_change", ctx=ctx, resource=resource, action=action, changes=changes)
    if declared and action == "deleted":
        search.drop(declared, ids)
    elif declared and reindex and ctx.source != "import":  # a trigram index costs an import more than its rows
        search.index(declared, ids)
    audit.write(ctx, resource, action, changes)
    events.emit(ctx, event or f"{resource}_{action}.v1", {"resource": resource, "ids": ids})
