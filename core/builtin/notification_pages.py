"""The page of the bell: what its user was told, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask
from flask_admin import expose

from core import db, notifications
from core.access import SIGNED_IN
from core.context import Context
from core.errors import NotFound
from core.i18n import N_, _, __, format_number
from core.web.base import AdminView, context

_PAGE = 50


class NotificationsView(AdminView):
    """`/admin/notifications/`. Everybody sees his own."""

    permission = SIGNED_IN
    places = {"": __("Notifications")}

    def __init__(self) -> None:
        super().__init__(__("Notifications"), endpoint="core_notifications", url="/admin/notifications")

    @expose("/")
    def index(self) -> str:
        before = max(flask.request.args.get("before", 0, type=int), 0)
        rows = notifications.of(context().actor.user_id, before, _PAGE + 1)
        more = rows[_PAGE - 1].id if len(rows) > _PAGE else None
        return str(self.render("admin/notifications.html", rows=rows[:_PAGE], more=more, before=before))

    @expose("/<int:number>")
    def open(self, number: int) -> Any:
        """To what it is about; it is read then."""
        rows = notifications.of(context().actor.user_id, before=number + 1, limit=1)
        if not rows or rows[0].id != number:
            raise NotFound(_("You were told no such thing."))
        if not context().is_looking:
            with db.optional_write():
                notifications.mark_read(context().actor.user_id, [number])
        return flask.redirect(rows[0].url or flask.url_for(".index"))

    @expose("/read", methods=["POST"])
    def read(self) -> Any:
        notifications.mark_read(context().actor.user_id)
        return flask.redirect(flask.url_for(".index"))


def bell() -> str:
    """How many are unread, as the bell says it; empty for none."""
    count = 0 if context().is_looking else notifications.unread(context().actor.user_id)
    if count > notifications.CAP:
        return f"{format_number(notifications.CAP)}+"
    return format_number(count) if count else ""


def tell_quarantined(ctx: Context, payload: Mapping[str, Any]) -> None:
    """To all who may enable it again. A second delivery tells a second time, which is no harm."""
    text = N_("The plugin %(name)s was switched off after failures. Everything else goes on.")
    notifications.tell(
        ctx, "core.plugin.manage", text, {"name": payload["name"]}, url="/admin/plugins/", tone="bad"
    )  # fmt: skip
