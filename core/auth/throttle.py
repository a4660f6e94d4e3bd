"""Sign-in tries on one counter in the database, so that the limit holds over all processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from core import db
from core.auth import passwords
from core.auth.models import LoginAttempt
from core.errors import MaktabError
from core.i18n import _

ACCOUNT_TRIES, ADDRESS_TRIES = 5, 20
_WINDOW = timedelta(minutes=15)
_LONGEST = timedelta(hours=1)  # no lock-out for ever: who locks others out must come back each hour


class Throttled(MaktabError):
    """Too many tries; how many seconds to wait stands in the header Retry-After."""

    status, code = 429, "throttled"

    def __init__(self, wait_s: int) -> None:
        super().__init__(_("Too many attempts. Try again in %(n)s minutes.", n=-(-wait_s // 60)))
        self.headers = {"Retry-After": str(wait_s)}


def account_key(username: str) -> str:
    # Hashed: people type their password into the field of the name.
    return "account:" + hashlib.sha256(username.casefold().encode()).hexdigest()


def is_right(username: str, ip: str, stored: str, password: str) -> bool:
    """Whether `stored` is the hash of `password`. A wrong one counts as a try of this name and of this address, a
    right one does not. Raises Throttled; hashes once in any other case."""
    account, address = account_key(username), f"address:{ip}"
    take(address, ADDRESS_TRIES)
    take(account, ACCOUNT_TRIES)
    is_it = passwords.matches(stored, password)
    if is_it:
        give_back(address)
        forget(account)
    return is_it


def take(key: str, tries: int) -> None:
    """Take one try of `key` or raise Throttled; refused tries do not count. Later rounds wait 15, 30, 60 minutes."""
    now, more = db.utcnow(), {LoginAttempt.tries: LoginAttempt.tries + 1}
    with db.transaction():
        # One upsert locks the row, so that of many tries at once each sees its own number.
        counted: Any = LoginAttempt.insert(key=key, tries=1, since_at=now)
        counted = counted.on_conflict(conflict_target=[LoginAttempt.key], update=more)
        (row,) = counted.returning(LoginAttempt).execute()
        if row.blocked_until and row.blocked_until > now:
            raise Throttled(int((row.blocked_until - now).total_seconds()) + 1)
        if row.blocked_until or now - row.since_at > _WINDOW:
            row.rounds = row.rounds if now - row.since_at < 2 * _LONGEST else 0
            row.tries, row.since_at, row.blocked_until = 1, now, None
        if row.tries >= tries:
            row.blocked_until, row.rounds = now + min(_WINDOW * 2**row.rounds, _LONGEST), min(row.rounds + 1, 5)
        row.save()


def locked(usernames: Iterable[str]) -> dict[str, datetime]:
    """{user name: until when} of accounts that too many wrong passwords closed, in one statement."""
    keys = {account_key(name): name for name in usernames}
    closed = LoginAttempt.key.in_(list(keys)) & (LoginAttempt.blocked_until > db.utcnow())
    return {keys[row.key]: row.blocked_until for row in LoginAttempt.select().where(closed)}


def give_back(key: str) -> None:
    """The try was a right one: it does not count."""
    counted = (LoginAttempt.key == key) & (LoginAttempt.tries > 0)
    LoginAttempt.update(tries=LoginAttempt.tries - 1, blocked_until=None).where(counted).execute()


def forget(key: str) -> None:
    """Start `key` anew, and drop counters that no longer matter."""
    stale = LoginAttempt.since_at < db.utcnow() - timedelta(days=1)
    LoginAttempt.delete().where((LoginAttempt.key == key) | stale).execute()
