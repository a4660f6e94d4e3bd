"""Looking at the admin as a role or another user: read only, for half an hour at most, noted at both ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from core import access, audit, db
from core.auth.models import Session, User
from core.changes import Change
from core.context import Actor, Context, Grant
from core.errors import Forbidden, NotFound
from core.i18n import _

LONGEST = timedelta(minutes=30)
_WHO = {"role": "core.role", "user": "core.user"}
_Eyes = tuple[str, int | None, Sequence[Grant]]


def start(ctx: Context, session: Session, what: str) -> str:
    """From now on `session` sees what `what` (`role:<id>` or `user:<id>`) sees; the name of that.

    Raises NotFound, or Forbidden for a role or user who may do more than the actor.
    """
    name, _user, _grants = _within(ctx.actor, what)
    with db.transaction():
        _put(session, what, db.utcnow() + LONGEST)
        _note(replace(ctx, on_behalf_of=name), what, "view_as_started")
    return name


def leave(ctx: Context, session: Session) -> None:
    """Back to one's own eyes; `ctx`: the user's own."""
    if not session.view_as:
        return
    what = str(session.view_as)
    with db.transaction():
        _put(session, None, None)
        _note(replace(ctx, on_behalf_of=_name(what)), what, "view_as_ended")


def seen(ctx: Context, session: Session) -> Context:
    """What `ctx` becomes while its session looks with other eyes; itself when their time is over, or they see more."""
    until: Any = session.view_as_until
    try:
        name, user_id, grants = _within(ctx.actor, str(session.view_as))
    except (NotFound, Forbidden):
        until = None
    if until is None or until < db.utcnow():
        with db.optional_write():
            leave(ctx, session)
        return ctx
    actor = Actor(user_id or ctx.actor.user_id, name if user_id else ctx.actor.name, tuple(grants))
    return replace(ctx, actor=actor, on_behalf_of=name, is_looking=True)


def _name(what: str) -> str:
    try:
        return _found(what)[0]
    except NotFound:  # deleted or switched off meanwhile
        return what


def _within(actor: Actor, what: str) -> _Eyes:
    """As `_found`; Forbidden when that may do more than `actor`, asked anew each time: roles grow."""
    eyes = _found(what)
    if not all(access.covers(actor, grant) for grant in eyes[2]):
        raise Forbidden("*", _("%(name)s may do more than you.", name=eyes[0]))
    return eyes


def _found(what: str) -> _Eyes:
    """(name, id of a user, grants) of a role or user that is looked as."""
    kind, _mark, key = what.partition(":")
    number = int(key) if key.isdecimal() and len(key) < 19 else 0
    if kind == "role":
        role = access.Role.get_or_none(access.Role.id == number)
        if role is not None:
            return (
                access.label_of(role),
                None,
                [Grant(frozenset({access.SIGNED_IN})), access.granted(access.entries_of(role), {})],
            )
    user = User.get_or_none(User.id == number, User.is_active) if kind == "user" else None
    if user is None:
        raise NotFound(_("There is no such role or active user."))
    return str(user), user.id, access.grants_of([user.id])[user.id]


def _put(session: Session, what: str | None, until: Any) -> None:
    values = {"view_as": what, "view_as_until": until}
    Session.update(values).where(Session.id == session.id).execute()
    session.__data__ |= values


def _note(ctx: Context, what: str, action: str) -> None:
    kind, _mark, key = what.partition(":")
    audit.write(ctx, _WHO[kind], action, [Change(int(key))])
