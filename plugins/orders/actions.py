"""The commands on orders as actions of lists, detail pages and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.context import Context
from core.i18n import __
from core.resources import Action, Outcome, tag_actions
from plugins.orders.schemas import ReasonSchema
from plugins.orders.services.workflow import ORDER_WORKFLOW


def _command(command: str, label: Any, icon: str, *, back: str = "", reason: bool = False, **more: Any) -> Action:
    """An action that runs `command`; `back`: the command that undoes it; `reason`: it must be given."""

    def run(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> Mapping[int, Outcome]:
        return ORDER_WORKFLOW.run(ctx.because(arguments.get("reason", ctx.reason)), command, ids)

    def undo(ctx: Context, done: Mapping[int, Any]) -> Mapping[int, Outcome]:
        return ORDER_WORKFLOW.run(ctx, back, list(done))

    schema = ReasonSchema if reason else None
    return Action(command, label, run, undo=undo if back else None, schema=schema, icon=icon, **more)


ACTIONS: Sequence[Action] = (
    *tag_actions("orders.order"),
    _command("archive", __("Archive"), "archive", back="unarchive"),
    _command("complete", __("Complete"), "circle-check"),
    _command(
        "place", __("Place"), "check", confirm=__("Place these drafts? Lines and amounts are fixed from then on.")
    ),
    _command("submit", __("Place, to be confirmed"), "clock", confirm=__("Place these drafts to be confirmed?")),
    _command("confirm", __("Confirm"), "check"),
    _command("unarchive", __("Take out of the archive"), "arrow-back-up", back="archive"),
    _command("reopen", __("Reopen"), "refresh", reason=True),
    _command("cancel", __("Cancel"), "ban", reason=True, danger=True),
    _command(
        "expire", __("Expire"), "circle-x", danger=True, confirm=__("Expire these orders? This cannot be undone.")
    ),
)
