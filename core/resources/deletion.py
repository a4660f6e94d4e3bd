"""Deleting many records at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import runtime
from core.context import Context
from core.i18n import __
from core.resources.declaration import Action
from core.resources.service import service_of
from core.resources.sets import Outcome


def delete_action(resource: str) -> Action:
    """The action `delete` of a resource that says `can_delete`: by its service, so that what may not go stays."""

    def run(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
        gone = service_of(runtime.current().resource(resource)).delete(ctx, ids)
        return dict(zip(ids, gone, strict=True))

    text = __("They are removed for good; the audit log keeps that they were there. Those that others refer to stay.")
    return Action(
        "delete", __("Delete"), run, icon="trash", danger=True, confirm=text, level="typed", reason="optional"
    )
