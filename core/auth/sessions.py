"""Signing in and out, sessions on the server, API tokens: from a credential to a Context."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from core import access, audit, changes, db, runtime
from core.auth import passwords, throttle
from core.auth.models import ApiToken, Session, User
from core.changes import Change
from core.context import NOBODY, Actor, Context, Grant, Source
from core.db import bulk
from core.errors import Forbidden, Invalid, MaktabError, NotFound
from core.i18n import _

_TOKEN = re.compile(r"mk_([1-9]\d{0,17})_([\w-]{43})")  # one way to write each: calls are counted by it
_TOUCH, _LONGEST_DAYS = timedelta(minutes=1), 3650


class SignInRefused(MaktabError):
    """Wrong name or password, or a user who is switched off; on purpose it does not say which."""

    status, code = 401, "sign_in_refused"


def context_for(user: User, source: Source, scopes: Sequence[str] = ("*",), **more: Any) -> Context:
    """A context in which `user` acts, with the grants that the database holds now (one statement)."""
    return acting(user, source, access.limited(access.grants_of([user.id])[user.id], scopes), **more)


def acting(user: User, source: Source, grants: tuple[Grant, ...], **more: Any) -> Context:
    """A context in which `user` acts with `grants`."""
    return Context(Actor(user.id, str(user), grants), source, locale=user.locale, timezone=user.timezone, **more)


def sign_in(username: str, password: str, *, ip: str, browser: str) -> tuple[User, str]:
    """The user and the secret of a new session. Raises SignInRefused or Throttled; always hashes once."""
    name = username.strip()
    user = User.get_or_none(User.username == name.casefold())
    stored = user.password_hash if user and user.is_active else ""
    if not throttle.is_right(name, ip, stored, password) or user is None:
        refused = Context(NOBODY, "ui", ip=ip)
        audit.write(refused, "core.user", "sign_in_refused", [Change(user.id if user else 0)])
        raise SignInRefused(_("The name or the password is wrong."))
    if passwords.is_old(user.password_hash):
        stored = passwords.hashed(password)
        with db.transaction():
            User.update(password_hash=stored).where(User.id == user.id).execute()
            audit.write(context_for(user, "ui"), "core.user", "password_hashed_anew", [Change(user.id)])
    return user, open_session(user, ip=ip, browser=browser)


def open_session(user: User, *, ip: str, browser: str) -> str:
    """A new session of `user`, who has just given the password; its secret is given here once and kept as a hash."""
    secret, stored = new_secret()
    oldest = db.utcnow() - timedelta(hours=runtime.current().settings.session_hours)
    with db.transaction():
        Session.delete().where(Session.created_at < oldest).execute()  # those that nobody came back to
        row = Session.create(
            user=user, token_hash=stored, ip=ip, browser=browser[:200], step_up_at=db.utcnow()
        )  # fmt: skip
        User.update(last_sign_in_at=row.created_at).where(User.id == user.id).execute()
        ctx = Context(Actor(user.id, str(user)), "ui", ip=ip, session_id=row.id)
        audit.write(ctx, "core.user", "signed_in", [Change(user.id)])
    return secret


def new_secret() -> tuple[str, str]:
    """A secret for a session, and the hash that is kept of it."""
    secret = secrets.token_urlsafe(32)
    return secret, _hash(secret)


def end_session(ctx: Context, session_id: int, user_id: int | None = None) -> None:
    """End a session of the actor, or of `user_id`, who may not hold more; NotFound for one of somebody else."""
    whose = user_id or ctx.actor.user_id or 0
    access.demand_over(ctx.actor, [whose])
    with db.transaction():
        if not Session.delete().where(Session.id == session_id, Session.user == whose).execute():
            raise NotFound(_("This session has ended already."))
        action = "signed_out" if whose == ctx.actor.user_id else "session_ended"
        audit.write(ctx, "core.user", action, [Change(whose, {"session": session_id})])


def by_session(secret: str) -> tuple[User, Session, tuple[Grant, ...]] | None:
    """Whom a session cookie stands for and what he holds, in one statement, read anew for each request: an ended
    session is dead at once on all workers, and so is a role that was taken away."""
    found = _BY_SECRET.run(hash=_hash(secret)).fetchall()
    if not found:
        return None
    (row,), (user,) = bulk.records_in(found, Session, User)
    settings, now = runtime.current().settings, db.utcnow()
    idle, age = now - row.last_seen_at, now - row.created_at
    # abs: a session of a clock that was far ahead would else live until that time has come.
    if abs(idle) > timedelta(minutes=settings.session_idle_minutes) or age > timedelta(hours=settings.session_hours):
        with db.optional_write():
            row.delete_instance()
        return None
    if idle > _TOUCH or db.is_read_only():  # each page of a read-only time tries anew, and so sees its end
        with db.optional_write():
            Session.update(last_seen_at=now).where(Session.id == row.id).execute()
    return (user, row, access.grants_read(found[0][-1])) if user.is_active else None


def _by_secret() -> Any:
    query = Session.select(Session, User, access.grants_beside(User.id)).join(User)
    return query.where(Session.token_hash == db.slot("hash"))


_BY_SECRET = db.Kept(_by_secret)


def create_token(ctx: Context, user: User, scopes: Sequence[str], *, name: str = "", days: int | None = None) -> str:
    """A new API token of `user`, shown this once. `scopes`: the permissions it is limited to, or ["*"].

    `days`: until it ends; None: never.
    """
    if not ctx.actor.is_system and ctx.actor.user_id != user.id:
        raise Forbidden("core.user.edit", _("API tokens are made by their own user."))
    if unknown := [name for name in scopes if "*" not in name and name not in access.permissions()]:
        raise Invalid({"scopes": [_("There is no permission %(name)s.", name=name) for name in unknown]})
    if days is not None and not 1 <= days <= _LONGEST_DAYS:
        raise Invalid({"days": [_("Choose 1 to %(most)s days.", most=_LONGEST_DAYS)]})
    secret = secrets.token_urlsafe(32)
    until = db.utcnow() + timedelta(days=days) if days is not None else None
    with db.transaction():
        row = ApiToken.create(user=user, name=name, secret_hash=_hash(secret), scopes=list(scopes), expires_at=until)
        made = {"api": row.id, "name": name, "scopes": list(scopes), "expires_at": until}
        changes.record(ctx, "core.user", "token_created", [Change(user.id, after=made)])
    return f"mk_{row.id}_{secret}"


def revoke_token(ctx: Context, token_id: int) -> None:
    """End one of the actor's own tokens; NotFound for those of others."""
    with db.transaction():
        token = ApiToken.get_or_none(ApiToken.id == token_id, ApiToken.user == ctx.actor.user_id)
        if token is None or not token.delete_instance():
            raise NotFound(_("There is no such API token."))
        gone = {"api": token_id, "name": token.name}
        changes.record(ctx, "core.user", "token_revoked", [Change(ctx.actor.user_id or 0, gone)])


def by_token(text: str) -> tuple[User, ApiToken] | None:
    """Whom an API token stands for; None when it is unknown, past its end, or its user is switched off."""
    match, now = _TOKEN.fullmatch(text), db.utcnow()
    if match is None:
        return None
    row = ApiToken.select(ApiToken, User).join(User).where(ApiToken.id == int(match[1])).get_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(match[2])):
        return None
    if not row.user.is_active or (row.expires_at and row.expires_at < now):
        return None
    if row.last_used_at is None or now - row.last_used_at > _TOUCH:
        with db.optional_write():
            ApiToken.update(last_used_at=now).where(ApiToken.id == row.id).execute()
    return row.user, row


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
