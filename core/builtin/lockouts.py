"""Accounts that too many wrong passwords closed: seen beside their users, and opened again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import auth
from core.auth import throttle
from core.auth.models import User
from core.context import Context
from core.i18n import _, format_clock, local
from core.resources.declaration import Badge
from core.resources.sets import Outcome


def badges(ids: Sequence[int]) -> dict[int, Sequence[Badge]]:
    """Until when users cannot sign in."""
    names = dict(User.select(User.username, User.id).where(User.id.in_(list(ids))).tuples())
    closed = throttle.locked(names).items()
    return {
        names[name]: [Badge(_("Locked until %(time)s", time=format_clock(local(at))), "warn")] for name, at in closed
    }


def open_ones(users: Sequence[User]) -> dict[int, str]:
    """Whom `unlock` would leave alone; nothing has to be said of it."""
    closed = throttle.locked(user.username for user in users)
    return {user.id: "" for user in users if user.username not in closed}


def unlock(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
    opened = auth.unlock(ctx, ids)
    return {user_id: Outcome("done" if user_id in opened else "unchanged", user_id) for user_id in ids}
