"""What users are told while they are elsewhere: the bell of the admin. Kept for 90 days."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import peewee

from core.access import grants_of
from core.auth import User
from core.context import Actor, Context
from core.db import JSONField, Model, UTCDateTimeField, bulk, utcnow
from core.db.fields import is_storable
from core.errors import Invalid
from core.i18n import _, caller, isolated, owner, packed, told, unpacked

KEEP_DAYS, CAP = 90, 99
TONES = ("info", "ok", "warn", "bad")
_LONGEST = 2000
_BY = ""
"""Among the arguments: the plugin in whose catalogue the text stands."""


class Notification(Model):
    """One thing that one user was told."""

    audit_exempt = "tells of what is audited where it happened"
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE", index=False)
    at = UTCDateTimeField(default=utcnow, index=True)
    text = peewee.TextField()
    arguments = JSONField()
    url = peewee.TextField(default="")
    tone = peewee.CharField(max_length=8, default="info")
    read_at = UTCDateTimeField(null=True)

    class Meta:
        table_name = "core_notification"
        indexes = ((("user", "id"), False), (("user", "read_at"), False))

    @property
    def said(self) -> str:
        """The text in the language of whoever reads it."""
        values = {name: isolated(_read(one)) for name, one in self.arguments.items() if name != _BY}
        return told(f"{self.arguments.get(_BY, '')}/", self.text, **values)


def _read(kept: Any) -> Any:
    return str(unpacked(kept)) if isinstance(kept, str | dict) else kept


def tell(
    ctx: Context,
    to: str | Sequence[int],
    text: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    url: str = "",
    tone: str = "info",
) -> int:
    """Tell users by their ids, or all who hold the permission `to`, in one INSERT; how many were told.

    `text`: a text of the catalogue of the plugin that calls (mark it with `N_`) with %(name)s for the texts and numbers
    of `arguments`, where a text may be a lazy translation; each reads it in his own language. `url`: a page of the
    admin. `tone`: info, ok, warn or bad. Commits with the caller's transaction. Raises Invalid for what could
    not be shown.
    """
    by, values = owner(caller()), dict(arguments or {})
    if tone not in TONES or (url and not re.fullmatch(r"/(?!/)[^\\\s]*", url)) or not _can_be_said(text, values):
        raise Invalid({"text": [_("This cannot be told to anybody.")]})
    ids = holders(to) if isinstance(to, str) else sorted(set(to))
    kept = {name: packed(value) for name, value in values.items()} | ({_BY: by} if by else {})
    row = {"at": utcnow(), "text": text, "arguments": kept, "url": url, "tone": tone}
    bulk.insert(Notification, [row | {"user": user_id} for user_id in ids])
    return len(ids)


def _can_be_said(text: str, values: Mapping[str, Any]) -> bool:
    try:
        whole = text % values if values else text
    except (KeyError, TypeError, ValueError):
        return False
    return is_storable(whole) and 0 < len(whole) <= _LONGEST


def holders(permission: str) -> list[int]:
    """The active users who hold `permission` now."""
    ids = [user_id for (user_id,) in User.select(User.id).where(User.is_active).order_by(User.id).tuples()]
    grants = grants_of(ids) if ids else {}
    return [user_id for user_id in ids if Actor(user_id, "", grants[user_id]).can(permission)]


def unread(user_id: int | None) -> int:
    """How many `user_id` has not read; `CAP` + 1 means more than `CAP`. One statement over an index."""
    mine = Notification.select(Notification.id).where(Notification.user == user_id, Notification.read_at.is_null())
    return int(mine.limit(CAP + 1).count())


def of(user_id: int | None, before: int = 0, limit: int = 50) -> list[Notification]:
    """The newest of `user_id`, or those before the id `before`."""
    mine = Notification.select().where(Notification.user == user_id)
    older = mine.where(Notification.id < before) if before else mine
    return list(older.order_by(Notification.id.desc()).limit(limit))


def mark_read(user_id: int | None, ids: Sequence[int] | None = None, *, url: str = "") -> int:
    """Mark those of `ids`, those that lead to `url`, or all of `user_id` as read; how many were not yet."""
    fresh = (Notification.user == user_id) & Notification.read_at.is_null()
    if ids is not None:
        fresh &= Notification.id.in_(list(ids))
    if url:
        fresh &= Notification.url == url
    if url and not Notification.select(Notification.id).where(fresh).limit(1).exists():
        return 0  # a page that is looked at should not write each time
    return int(Notification.update(read_at=utcnow()).where(fresh).execute())
