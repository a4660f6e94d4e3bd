"""Who may come in: users, their sessions and API tokens, grants for costly acts, and the counter of sign-in tries."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import JSONField, Model, Record, UTCDateTimeField, utcnow

USERNAME = r"[\w.@+-]{1,150}"


class User(Record):
    """A person who signs in. `password_hash` empty: cannot sign in until a password is set."""

    username = peewee.CharField(150, unique=True)  # kept in lower case
    name = peewee.CharField(200, default="")
    email = peewee.CharField(254, default="")
    password_hash = peewee.CharField(200, default="")
    is_active = peewee.BooleanField(default=True)
    locale = peewee.CharField(12, default="en")
    timezone = peewee.CharField(64, default="UTC")
    last_sign_in_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "core_user"

    def __str__(self) -> str:
        return str(self.name or self.username)


class Session(Model):
    """A signed-in browser. Ended = deleted, so that no worker can honour it for another request.

    `step_up_at`: when its user last gave the password. `view_as`: `role:<id>` or `user:<id>` while the admin is looked
    at with other eyes, which ends at `view_as_until`.
    """

    audit_exempt = "signing in and out leave entries of the user"
    token_hash = peewee.CharField(64, unique=True)
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    created_at = UTCDateTimeField(default=utcnow)
    last_seen_at = UTCDateTimeField(default=utcnow)
    ip = peewee.CharField(64, default="")
    browser = peewee.CharField(200, default="")
    auth_level = peewee.SmallIntegerField(default=1)  # 1 = password; the place for second factors
    step_up_at = UTCDateTimeField(null=True)
    view_as = peewee.CharField(160, null=True)
    view_as_until = UTCDateTimeField(null=True)

    class Meta:
        table_name = "core_session"

    @classmethod
    def end(cls, users: Any) -> None:
        """Sign users (a list or select of ids) out everywhere."""
        cls.delete().where(cls.user.in_(users)).execute()


class Confirmation(Model):
    """Leave to do one act once: for one user, in one session, with the arguments that `digest` stands for."""

    audit_exempt = "a key that lives for minutes; the act that it opens leaves its own entry"
    token_hash = peewee.CharField(64, unique=True)
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    session = peewee.ForeignKeyField(Session, backref="+", on_delete="CASCADE")
    act = peewee.CharField(150)
    digest = peewee.CharField(64)
    expires_at = UTCDateTimeField(index=True)

    class Meta:
        table_name = "core_confirmation"


class ApiToken(Model):
    """`mk_<id>_<secret>` for the API; only a hash of the secret is kept. `scopes`: permissions, or ["*"]."""

    audit_exempt = "making and revoking leave entries of the user"
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    name = peewee.CharField(100, default="")
    secret_hash = peewee.CharField(64)
    scopes = JSONField()
    created_at = UTCDateTimeField(default=utcnow)
    expires_at = UTCDateTimeField(null=True)
    last_used_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "core_api_token"


class LoginAttempt(Model):
    """Tries of one account or one address in the running window; see throttle.py."""

    audit_exempt = "a counter; refused sign-ins leave entries of the user"
    key = peewee.CharField(80, unique=True)
    tries = peewee.IntegerField(default=0)
    rounds = peewee.IntegerField(default=0)
    since_at = UTCDateTimeField(index=True)
    blocked_until = UTCDateTimeField(null=True)

    class Meta:
        table_name = "core_login_attempt"
