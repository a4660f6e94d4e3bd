"""The password again, within a session: what acts that change rights ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core import audit, db, runtime
from core.auth import throttle
from core.auth.models import Session, User
from core.auth.sessions import new_secret
from core.changes import Change
from core.context import Context
from core.errors import Invalid
from core.i18n import _


def is_fresh(session: Session) -> bool:
    """True when the password was given in this session not long ago (`reauth_s`)."""
    if session.step_up_at is None:
        return False
    age = db.utcnow() - session.step_up_at
    return abs(age) < timedelta(seconds=runtime.current().settings.reauth_s)  # abs: of a clock that was ahead


def demand_password(ctx: Context, user: User, password: str) -> None:
    """Raise Invalid or Throttled unless `password` is that of `user`: counted like sign-ins, noted in the log."""
    right = throttle.is_right(user.username, ctx.ip, user.password_hash, password)
    with db.transaction():
        audit.write(ctx, "core.user", "password_confirmed" if right else "password_refused", [Change(user.id)])
    if not right:
        raise Invalid({"password": [_("This is not your present password.")]})


def step_up(session: Session) -> str:
    """`session`, whose user has given the password, gets another secret, which is given back, and counts as fresh."""
    secret, stored = new_secret()
    fresh: dict[str, Any] = {"token_hash": stored, "step_up_at": db.utcnow()}
    Session.update(fresh).where(Session.id == session.id).execute()
    session.__data__ |= fresh
    return secret
