"""One-time grants: whoever wants to do a costly act was asked first, in this session, for exactly these arguments."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from core import db
from core.auth.models import Confirmation
from core.context import Context

LIFE = timedelta(minutes=15)


def issue(ctx: Context, act: str, arguments: Any) -> str:
    """A key for doing `act` once with `arguments` (JSON values); "" while the database takes no writes."""
    secret = secrets.token_urlsafe(32)
    with db.optional_write():
        Confirmation.create(
            token_hash=_hash(secret), user=ctx.actor.user_id, session=ctx.session_id, act=act,
            digest=_digest(arguments), expires_at=db.utcnow() + LIFE,
        )  # fmt: skip
        return secret
    return ""


def use(ctx: Context, secret: str, act: str, arguments: Any) -> bool:
    """Take the key: True once, for who got it, in his session, for the same act and arguments."""
    same = (Confirmation.user == ctx.actor.user_id) & (Confirmation.session == ctx.session_id)
    same &= (Confirmation.act == act) & (Confirmation.digest == _digest(arguments))
    fits = (Confirmation.token_hash == _hash(secret)) & same & (Confirmation.expires_at > db.utcnow())
    return bool(Confirmation.delete().where(fits).execute())  # one statement: of two at once, one deletes


def _digest(arguments: Any) -> str:
    return _hash(db.canonical_json(arguments))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
