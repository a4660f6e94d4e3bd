"""Jobs, schedules, subscriptions, pages, menu entries and buttons: names, permissions and icons."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import flask

from core import access
from core.context import system_context
from core.nav import GROUPS, Link, NavItem
from core.plugins.manifest import Plugin
from core.resources import Resource, Workflow
from core.runtime import Runtime
from core.trial.findings import Finding, declared, unknown
from core.trial.sources import texts
from core.web import AdminView, theme

_PERMISSION = "a permission that anybody declares (those besides a resource's own stand in plugin.toml)"
_VERBS = ("created", "updated", "deleted", "tagged", "noted")
_CORE_EVENTS = ("core.plugin_enabled.v1", "core.plugin_disabled.v1", "core.plugin_quarantined.v1")
_EVENT = re.compile(r"[\w.]+\.v\d+")


def check(built: Runtime, app: flask.Flask, plugin: Plugin) -> Iterator[Finding]:
    yield from _jobs(built, plugin)
    yield from _subscriptions(built, plugin)
    for resource in built.resources.values():
        if resource.plugin == plugin.name:
            groups = ["", *GROUPS]
            yield from unknown(f"{resource.name}: nav_group", resource.nav_group, groups, "a part of the menu")
    for view in app.extensions["admin"][0]._views:
        if isinstance(view, AdminView) and f"{type(view).__module__}.".startswith(f"{plugin.module}."):
            where = f"AdminView {type(view).__name__}"
            yield from _shown(where, view.icon, view.nav_group)
            if view.permission:
                yield from unknown(f"{where}: permission", view.permission, access.permissions(), _PERMISSION)
    yield from _buttons(built, plugin)


def _jobs(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    known = access.permissions()
    for job in built.jobs.values():
        if job.name.startswith(f"{plugin.name}.") and job.permission:
            yield from unknown(f"JobType {job.name}: permission", job.permission, known, _PERMISSION)
    for schedule in built.schedules:
        if schedule.job.startswith(f"{plugin.name}."):
            yield from unknown(f"Schedule {schedule.job}", schedule.job, built.jobs, "a kind of job")


def _shown(where: str, icon: str, group: str = "") -> Iterator[Finding]:
    if icon:
        yield from unknown(f"{where}: icon", icon, theme.ICONS, "an icon of the theme")
    if group:
        yield from unknown(f"{where}: group", group, GROUPS, "a part of the menu")


def _buttons(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    """What the hooks give that are asked without a record; those may also answer only some."""
    actor, known = system_context().actor, access.permissions()
    asked: list[tuple[str, dict[str, Any]]] = [("nav_items", {})]
    asked += [("list_links", {"resource": name, "query": ""}) for name in built.resources]
    for hook, about in asked:
        for one in _answers(built, plugin, hook, {"actor": actor, **about}):
            if isinstance(one, Finding):
                yield one
                continue
            where = f"{hook}: {one.label}"
            yield from _shown(where, one.icon, getattr(one, "group", ""))
            if one.permission:
                yield from unknown(f"{where}: permission", one.permission, known, _PERMISSION)


def _answers(built: Runtime, plugin: Plugin, hook: str, given: Mapping[str, Any]) -> Iterator[Any]:
    for answering in built.hooks.answering(hook):
        if answering.plugin != plugin.name:
            continue
        try:
            made = list(answering(dict(given)) or ())
        except Exception as error:  # it may need a user or a table that is not there yet
            yield Finding(f"{hook}: {type(error).__name__}: {error}", is_hint=True)
            continue
        yield from (one for one in made if isinstance(one, Link | NavItem))


def _subscriptions(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    asked = [event for event, handlers in built.subscriptions.items() for owner, _ in handlers if owner == plugin.name]
    known = set(_events(built, plugin)) if asked else set()
    for event in asked:
        for one in unknown(f"register_subscriptions: {event}", event, known, "an event of a plugin that is on"):
            yield one._replace(is_hint=True)


def _events(built: Runtime, plugin: Plugin) -> Iterator[str]:
    """Events that follow from declarations, and those whose names stand in the code of a plugin that is on."""
    yield from _CORE_EVENTS
    for resource in built.resources.values():
        yield from (f"{resource.name}_{verb}.v1" for verb in (*_VERBS, *_commands(resource)))
    for each in built.plugins.values():
        if each.status == "healthy":
            yield from (step.event for flow in declared(each, Workflow) for step in flow.transitions)
            written = Counter(text for _, text in texts(each) if _EVENT.fullmatch(text))
            # In the subscriber's own code the name stands once already, where it subscribes.
            yield from (event for event, times in written.items() if each.name != plugin.name or times > 1)


def _commands(resource: Resource) -> list[str]:
    return [action.name for action in resource.actions]
