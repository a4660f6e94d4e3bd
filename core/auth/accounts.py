"""Making and changing users. Each change is audited and needs an actor who holds all that the user holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

import marshmallow as ma

from core import access, changes, db
from core.auth import passwords, throttle
from core.auth.models import USERNAME, Session, User
from core.changes import Change
from core.context import Context
from core.errors import Invalid
from core.i18n import N_, _, said

SIGNS = N_("Use letters, digits and . @ + - _ only.")
_ADDRESS = ma.validate.Email(error=N_("Write an e-mail address, such as sam@example.com."))


def check_email(text: str) -> None:
    """Raise marshmallow's ValidationError for what is neither an address nor empty."""
    if text:
        _ADDRESS(text)


def create_user(
    ctx: Context, username: str, password: str, *, name: str = "", email: str = "", locale: str = "en"
) -> User:
    """A new user without a role. Raises Invalid when the name is taken, the password too easy, or the e-mail none."""
    values = {"username": username.strip().casefold(), "name": name, "email": email, "locale": locale}
    passwords.check(password, values["username"])
    if not re.fullmatch(USERNAME, username.strip()):
        raise Invalid({"username": [said(SIGNS)]})
    try:
        check_email(email)
    except ma.ValidationError as wrong:
        raise Invalid({"email": [said(str(wrong.args[0]))]}) from None
    stored = passwords.hashed(password)
    with db.transaction():
        if User.select().where(User.username == values["username"]).exists():
            raise Invalid({"username": [_("This name is taken.")]})
        user: User = User.create(**values, password_hash=stored)
        changes.record(ctx, "core.user", "created", [Change(user.id, after=values)])
    return user


def set_password(ctx: Context, user: User, password: str) -> None:
    """Give `user` another password; ends all sessions of that user and opens a throttled account again."""
    passwords.check(password, user.username)
    access.demand_over(ctx.actor, [user.id])
    stored = passwords.hashed(password)
    with db.transaction():
        User.change(password_hash=stored).where(User.id == user.id).execute()
        Session.end([user.id])
        throttle.forget(throttle.account_key(user.username))
        changes.record(ctx, "core.user", "password_changed", [Change(user.id)])


def unlock(ctx: Context, ids: Sequence[int]) -> list[int]:
    """Open accounts again that too many wrong passwords closed, and return those that were."""
    access.demand_over(ctx.actor, ids)
    with db.transaction():
        names = dict(User.select(User.username, User.id).where(User.id.in_(list(ids))).tuples())
        opened = sorted(throttle.locked(names))
        for name in opened:
            throttle.forget(throttle.account_key(name))
        found = [names[name] for name in opened]
        changes.record(ctx, "core.user", "unlocked", [Change(user_id) for user_id in found])
    return found


def set_active(ctx: Context, ids: Sequence[int], active: bool) -> list[int]:
    """Switch users on or off and return those that changed; who is off is signed out everywhere at once.

    Raises Conflict for the last owner.
    """
    access.demand_over(ctx.actor, ids)
    with db.transaction(), access.owner_kept():
        found = [user.id for user in User.select(User.id).where(User.id.in_(list(ids)), User.is_active != active)]
        User.change(is_active=active).where(User.id.in_(found)).execute()
        if not active:
            Session.end(found)
        marks = [Change(user_id, {"is_active": not active}, {"is_active": active}) for user_id in found]
        changes.record(ctx, "core.user", "enabled" if active else "disabled", marks)
    return found
