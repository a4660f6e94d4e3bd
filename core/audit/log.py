"""Writing and reading audit entries."""

from __future__ import annotations

import csv
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TextIO

from core import db
from core.audit.models import Entry
from core.context import Actor, Context
from core.db import bulk

if TYPE_CHECKING:
    from core.changes import Change

_SECRET = re.compile("password|secret|token|api_?key", re.IGNORECASE)
_CHUNK = 2_000
# Everything of an entry that the chain seals, in the order of the sealed text; diff and salt only through `digest`.
SEALED = "id at actor_id on_behalf_of ip session_id source request_id action resource record_id reason digest".split()


def write(ctx: Context, resource: str, action: str, changes: Sequence[Change]) -> None:
    """One entry per changed record, in one statement, inside the caller's transaction."""
    if changes:
        bulk.insert(Entry, [_row(ctx, resource, action, change) for change in changes])


def _row(ctx: Context, resource: str, action: str, change: Change) -> dict[str, Any]:
    diff, salt = {"before": masked(change.before), "after": masked(change.after)}, secrets.token_hex(16)
    return {
        "at": db.utcnow(),
        "actor_id": actor_id(ctx.actor),
        **{name: getattr(ctx, name) for name in ("on_behalf_of", "ip", "session_id", "source", "request_id", "reason")},
        "action": action,
        "resource": resource,
        "record_id": change.id,
        "diff": diff,
        "salt": salt,
        "digest": digest(salt, db.canonical_json(diff)),
    }


def actor_id(actor: Actor) -> int | None:
    """NULL stands for the system, 0 for nobody."""
    return None if actor.is_system else actor.user_id or 0


def digest(salt: str, diff: str) -> str:
    return hashlib.sha256((salt + diff).encode()).hexdigest()


def masked(value: Any) -> Any:
    """`value` with the values of secret-looking keys replaced, at any depth."""
    if isinstance(value, Mapping):
        return {key: "***" if _is_secret(str(key)) else masked(inner) for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list | tuple) else value


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def history(resource: str, record_id: int) -> Any:
    """A select of the entries of one record, newest first, over an index."""
    return Entry.select().where(Entry.resource == resource, Entry.record_id == record_id).order_by(Entry.id.desc())


def stream(*fields: Any, where: Any = True, order: Any = Entry.id) -> Iterator[tuple[Any, ...]]:
    """All entries as tuples of `fields`, whose first is `order`, in constant memory."""
    last = 0
    while rows := list(Entry.select(*fields).where(where, order > last).order_by(order).limit(_CHUNK).tuples()):
        yield from rows
        last = rows[-1][0]


def export(out: TextIO, form: Literal["csv", "jsonl"] = "jsonl") -> int:
    """Write all entries, oldest first, and return how many; cells that a spreadsheet would run are escaped."""
    names = [*SEALED, "diff", "seq", "hash"]
    sheet, count = csv.writer(out), 0
    if form == "csv":
        sheet.writerow(names)
    for count, row in enumerate(stream(*[getattr(Entry, name) for name in names]), 1):  # noqa: B007
        if form == "csv":
            sheet.writerow(map(_cell, row))
        else:
            out.write(db.canonical_json(dict(zip(names, row, strict=True))) + "\n")
    return count


def _cell(value: Any) -> str:
    text = db.canonical_json(value) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text
