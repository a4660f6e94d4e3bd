"""What can be done with one record now, and which of it stands beside its title."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core import access
from core.resources import Action, Resource, query, service_of
from core.web.base import context

_BUTTONS = 2


def offered(resource: Resource, record: Any) -> dict[str, Any]:
    """The actions whose guard lets `record` pass, whether it is edited or deleted; all as far as the actor may.

    `step`: what comes next for it, the main button; `buttons`: those beside it; `actions`: the others, in a menu;
    `blocked`: the step that would come next, and why it is not possible, or None.
    """
    kept = service_of(resource).kept(record.__data__)
    refused = resource.guard([record]) if resource.guard else {}
    open_now = [one for one in resource.actions if record.id not in refused.get(one.name, ())]
    actions = [one for one in open_now if one.name != "delete" and _may(resource, one.name, record)]  # has its own page
    step, buttons = _beside_title(actions, refused)
    return {
        "step": step,
        "blocked": _blocked(resource, record, refused),
        "buttons": buttons,
        "actions": [one for one in actions if one is not step and one not in buttons],
        "may_edit": resource.offers_edit and _may(resource, "edit", record),
        "may_delete": resource.can_delete and not kept and _may(resource, "delete", record),
    }


def refused_by_all(resource: Resource, ids: Sequence[int]) -> list[str]:
    """The actions that would leave every one of these records alone now, as far as the actor sees them."""
    records = query.some(context(), resource, ids) if resource.guard and ids else []
    refused = resource.guard(records) if resource.guard and records else {}
    return sorted(name for name, why in refused.items() if all(record.id in why for record in records))


def _beside_title(actions: Sequence[Action], guarded: Collection[str]) -> tuple[Action | None, list[Action]]:
    """What the guard knows and lets pass is a step of this very record; without any, the first actions stand there."""
    harmless = [one for one in actions if not one.danger]
    steps = [one for one in harmless if one.name in guarded]
    return (steps[0], steps[1 : 1 + _BUTTONS]) if steps else (None, harmless[:_BUTTONS])


def _blocked(resource: Resource, record: Any, refused: Mapping[str, Mapping[int, str]]) -> tuple[Action, str] | None:
    reasons = ((one, refused.get(one.name, {}).get(record.id, "")) for one in resource.actions if not one.danger)
    return next(((one, why) for one, why in reasons if why and _may(resource, one.name, record)), None)


def _may(resource: Resource, verb: str, record: Any) -> bool:
    """Whether the actor's roles reach this very record for `verb`, and no plugin takes it away."""
    actor, permission = context().actor, resource.permission(verb)
    if not actor.can(permission) or not access.admits(actor, permission, resource, record.__data__):
        return False
    return not access.denied(actor, permission, resource.name, [record.id])
