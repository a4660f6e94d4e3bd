"""The commands on orders as actions of lists, detail pages and the API."""

from __future__ import annotations

from collections.abc import Sequence

from core.i18n import __
from core.resources import Action, delete_action, tag_actions
from plugins.orders.services.workflow import ORDER_WORKFLOW

_PLACE = __("A draft needs at least one line to be placed; its lines and amounts are fixed from then on.")
_SUBMIT = __("The order then waits to be confirmed; its lines and amounts are fixed.")
_command = ORDER_WORKFLOW.action

ACTIONS: Sequence[Action] = (
    _command(
        "complete", __("Complete"), icon="circle-check", daily=True,
        confirm=__("A completed order can be reopened, with a reason."),
    ),
    _command("archive", __("Archive"), icon="archive", back="unarchive", daily=True),
    *tag_actions("orders.order"),
    _command("place", __("Place"), icon="check", confirm=_PLACE, daily=True),
    _command("submit", __("Place, to be confirmed"), icon="clock", confirm=_SUBMIT, daily=True),
    _command(
        "confirm", __("Confirm"), icon="check", daily=True,
        confirm=__("A confirmed order is open; it does not wait again."),
    ),
    _command("unarchive", __("Take out of the archive"), icon="arrow-back-up", back="archive", daily=True),
    _command("reopen", __("Reopen"), icon="refresh", reason="required", daily=True),
    _command("cancel", __("Cancel order"), icon="ban", reason="required", danger=True, daily=True),
    _command(
        "expire", __("Expire"), icon="circle-x", danger=True, reason="optional",
        confirm=__("An expired order stays so; this cannot be undone."),
    ),
    delete_action("orders.order"),
)  # fmt: skip
