"""The hash chain over the audit log: sealing in small steps, and anchors outside the database."""

from __future__ import annotations

import errno
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peewee

from core import db, runtime
from core.audit.log import SEALED
from core.audit.models import Entry, Head
from core.db import bulk

GENESIS = "0" * 64
BODY = [getattr(Entry, name) for name in SEALED]
_STEP = 500  # rows per transaction: web and worker share one writer on SQLite
_LOCK = 0x6D616B7461756469


class Chain:
    """Signs with the audit key, which is kept outside the database and read once per pass."""

    def __init__(self) -> None:
        self.key = runtime.current().settings.key("audit")

    def entry(self, seq: int, before: str, body: Sequence[Any]) -> str:
        """The hash of the entry `body` (values of `BODY`) at place `seq` after the entry with hash `before`."""
        text = db.canonical_json([body[0], body[1].isoformat(timespec="microseconds"), *body[2:]])
        return hmac.digest(self.key, f"{seq}|{before}|{text}".encode(), "sha256").hex()

    def head(self, seq: int, last: str) -> str:
        return hmac.digest(self.key, f"head|{seq}|{last}".encode(), hashlib.sha256).hex()


def seal(limit: int = 1000) -> int:
    """Chain the committed entries that wait and return how many; of many processes at once, one does it."""
    sealed = 0
    while sealed < limit and (step := _seal_step(min(_STEP, limit - sealed))):
        sealed += step
    return sealed


def _seal_step(limit: int) -> int:
    waiting = Entry.select(*BODY).where(Entry.seq.is_null()).order_by(Entry.id).limit(limit).tuples()
    if not waiting.exists():
        return 0  # asked every second: no write lock for nothing
    with db.transaction():
        if not _locked():
            return 0
        head = Head.get_or_none(Head.id == 1)
        seq, last, chain, sealed = head.seq if head else 0, head.hash if head else GENESIS, Chain(), []
        for body in list(waiting):
            seq, last = seq + 1, chain.entry(seq + 1, last, body)
            sealed.append({"id": body[0], "seq": seq, "hash": last})
        if sealed:
            bulk.update(Entry, ["id"], sealed)
            mark = {"seq": seq, "hash": last, "mac": chain.head(seq, last)}
            Head.insert(id=1, **mark).on_conflict(conflict_target=[Head.id], update=mark).execute()
    return len(sealed)


def _locked() -> bool:
    """SQLite's write transaction is the lock already."""
    lock = peewee.Select(columns=[peewee.fn.pg_try_advisory_xact_lock(_LOCK)])
    return not db.is_postgres() or bool(lock.scalar(db.database))


def anchor_file() -> Path:
    return runtime.current().settings.data_dir / "audit-anchors.log"


def anchor() -> str:
    """Append the head (time, seq, hash) to a file outside the database and return the line; a job does so hourly.

    Who holds the key and the database could rewrite all of the chain; a copy of this file elsewhere still shows it.
    """
    head = Head.get_or_none(Head.id == 1)
    line = f"{db.utcnow().isoformat(timespec='seconds')} {head.seq} {head.hash}" if head else ""
    if line:
        with anchor_file().open("ab", buffering=0) as out:
            whole, text = out.tell(), f"{line}\n".encode()
            if out.write(text) < len(text):  # a half line would look like one that somebody has cut
                out.truncate(whole)
                raise OSError(errno.ENOSPC, "There is no room for the audit anchor.")
    return line


def anchors() -> dict[int, str]:
    """{seq: hash} of what was anchored."""
    path = anchor_file()
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return {int(seq): digest for _, seq, digest in lines}
