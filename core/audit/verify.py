"""Proof that nobody edited, removed, moved or added audit entries; names the first broken one and what befell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core import db
from core.audit.chain import BODY, GENESIS, Chain, anchors
from core.audit.log import digest, stream
from core.audit.models import Entry, Head
from core.i18n import __

_ALARM_S = 10
_WIDTH = len(BODY)
_DIGEST = _WIDTH - 1


@dataclass(frozen=True)
class Report:
    """`checked` sealed entries were right; the first wrong one has the seq `at`, and `problem` says what happened.

    Without `at` what is sealed holds, and only the sealer is late.
    """

    ok: bool
    checked: int
    problem: Any = ""  # lazy: said in the language of who reads it
    at: int | None = None


def verify() -> Report:
    """Read the whole chain in constant memory and compare it with head, anchors and diffs."""
    chain, anchored, last, seq = Chain(), anchors(), GENESIS, 0
    fields = (Entry.seq, *BODY, Entry.hash, Entry.salt, Entry.diff.cast("TEXT"))
    for place, *rest in stream(*fields, order=Entry.seq):
        body, (found, salt, diff) = rest[:_WIDTH], rest[_WIDTH:]
        seq += 1
        if place != seq:
            return Report(False, seq - 1, __("%(n)s entries from %(seq)s on were deleted", n=place - seq, seq=seq), seq)
        if chain.entry(seq, last, body) != found:
            return Report(False, seq - 1, _diagnosis(chain, seq, last), seq)
        if (salt is None) != (diff is None) or (salt is not None and digest(salt, diff) != body[_DIGEST]):
            return Report(False, seq - 1, __("its before and after were edited"), seq)
        if anchored.get(seq, found) != found:
            return Report(False, seq - 1, __("it differs from what was anchored: the chain was written anew"), seq)
        last = found
    return _tail(chain, seq, last, max(anchored, default=0))


def _tail(chain: Chain, seq: int, last: str, anchored: int) -> Report:
    """The chain itself is right up to `seq`: is that its end, and does nothing wait too long?"""
    head = Head.get_or_none(Head.id == 1)
    if head is None and (seq or anchored):
        return Report(False, seq, __("the head row is missing: entries behind it may be too"), seq + 1)
    if head and head.mac != chain.head(head.seq, head.hash):
        return Report(False, seq, __("the head row was edited"), seq + 1)
    known = max(head.seq if head else 0, anchored)
    if known > seq:
        return Report(False, seq, __("%(n)s entries from %(seq)s on were cut off", n=known - seq, seq=seq + 1), seq + 1)
    if head and (head.seq, head.hash) != (seq, last):
        return Report(False, seq, __("the head row was put back to an earlier one"), head.seq + 1)
    if waiting := late():
        said = __("%(n)s entries wait unsealed for more than %(s)s s: does a worker run?", n=waiting, s=_ALARM_S)
        return Report(False, seq, said)
    return Report(True, seq)


def late() -> int:
    """How many entries wait unsealed for longer than a sealer at work lets them."""
    waiting = Entry.seq.is_null() & (Entry.at < db.utcnow() - timedelta(seconds=_ALARM_S))
    return int(Entry.select().where(waiting).count())


def _diagnosis(chain: Chain, seq: int, last: str) -> Any:
    """What befell the entry at `seq`, by looking for the one that belongs there."""
    pair = Entry.select(Entry.seq, *BODY, Entry.hash).where(Entry.seq.in_([seq, seq + 1])).tuples()
    rows = {place: (body, mac) for place, *body, mac in pair}
    body, found = rows[seq]
    following, after = rows.get(seq + 1, (None, None))
    if following is not None and chain.entry(seq + 2, found, following) == after:
        return __("an entry before it was deleted and the others moved up")
    for place, *other, mac in stream(Entry.seq, *BODY, Entry.hash, where=Entry.seq > seq, order=Entry.seq):
        if chain.entry(seq, last, other) in (mac, found):
            both = place > seq + 1 or chain.entry(seq + 1, chain.entry(seq, last, other), body) in (found, after)
            return __("it was swapped with %(seq)s", seq=place) if both else __("it was inserted")
    return __("it was edited")
