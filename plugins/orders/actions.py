"""The commands on orders as actions of lists, detail pages and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.context import Context
from core.i18n import __
from core.resources import Action, Outcome, tag_actions
from plugins.orders.schemas import ReasonSchema
from plugins.orders.services.workflow import ORDER_WORKFLOW

_PLACE = __("A draft needs at least one line to be placed; its lines and amounts are fixed from then on.")
_SUBMIT = __("The order then waits to be confirmed; its lines and amounts are fixed.")


def _command(
    command: str,
    label: Any,
    icon: str,
    confirm: Any = "",
    *,
    back: str = "",
    reason: bool = False,
    danger: bool = False,
) -> Action:
    """An action that runs `command`; `back`: the command that undoes it; `reason`: it must be given."""

    def run(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> Mapping[int, Outcome]:
        return ORDER_WORKFLOW.run(ctx.because(arguments.get("reason", ctx.reason)), command, ids)

    def undo(ctx: Context, done: Mapping[int, Any]) -> Mapping[int, Outcome]:
        return ORDER_WORKFLOW.run(ctx, back, list(done))

    schema = ReasonSchema if reason else None
    return Action(command, label, run, undo if back else None, schema, icon, danger, confirm)


ACTIONS: Sequence[Action] = (
    *tag_actions("orders.order"),
    _command("archive", __("Archive"), "archive", back="unarchive"),
    _command("complete", __("Complete"), "circle-check", __("A completed order can be reopened, with a reason.")),
    _command("place", __("Place"), "check", _PLACE),
    _command("submit", __("Place, to be confirmed"), "clock", _SUBMIT),
    _command("confirm", __("Confirm"), "check", __("A confirmed order is open; it does not wait again.")),
    _command("unarchive", __("Take out of the archive"), "arrow-back-up", back="archive"),
    _command("reopen", __("Reopen"), "refresh", reason=True),
    _command("cancel", __("Cancel order"), "ban", reason=True, danger=True),
    _command("expire", __("Expire"), "circle-x", __("An expired order stays so; this cannot be undone."), danger=True),
)
