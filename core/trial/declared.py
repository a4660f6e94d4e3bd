"""The manifest, jobs, schedules, subscriptions, workflows and texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from core import access
from core.plugins.blame import blaming
from core.plugins.manifest import DATA, Plugin
from core.resources import Workflow
from core.trial import sources
from core.trial.case import Case, objects, unknown
from core.web import theme

PERMISSION = "a permission that anybody declares (those besides a resource's own stand in plugin.toml)"
_VERBS = ("created", "updated", "deleted", "tagged", "noted")
_CORE_EVENTS = ("core.plugin_enabled.v1", "core.plugin_disabled.v1", "core.plugin_quarantined.v1")
_EVENT = re.compile(r"[\w.]+\.v\d+")


def check(case: Case) -> None:
    for part in (_manifest, _jobs, _subscriptions, _workflows):
        part(case)
    case.errors += sources.unfilled(case.plugin.path)


def _manifest(case: Case) -> None:
    plugin, where = case.plugin, "plugin.toml: [data]"
    case.errors += unknown("plugin.toml: icon", [plugin.icon], theme.ICONS, "an icon of the theme")
    case.errors += unknown(where, plugin.data, DATA, "a key of it")
    for key, tables in plugin.data.items():
        if not isinstance(tables, list) or not all(isinstance(one, str) for one in tables):
            case.errors.append(f"{where} {key} must be a list of table names.")
            continue
        others = [table for table in tables if not table.startswith(f"{plugin.name}_")]
        case.errors += [f"{where} {key} names {table!r}; the plugin's tables are {plugin.name}_…." for table in others]


def _jobs(case: Case) -> None:
    built, own = case.built, f"{case.plugin.name}."
    for job in built.jobs.values():
        if job.name.startswith(own) and job.permission:
            where = f"JobType {job.name}: permission"
            case.errors += unknown(where, [job.permission], access.permissions(), PERMISSION)
    for schedule in built.schedules:
        if schedule.job.startswith(own):
            case.errors += unknown(f"Schedule {schedule.job}", [schedule.job], built.jobs, "a kind of job")


def _subscriptions(case: Case) -> None:
    subscriptions = case.built.subscriptions.items()
    asked = [event for event, handlers in subscriptions for owner, _ in handlers if owner == case.plugin.name]
    known = set(_events(case)) if asked else set()
    for event in asked:
        where = f"register_subscriptions: {event}"
        case.hints += unknown(where, [event], known, "an event of a plugin that is on")


def _events(case: Case) -> Iterator[str]:
    """Events that follow from declarations, and those whose names stand in the code of a plugin that is on."""
    yield from _CORE_EVENTS
    for resource in case.built.resources.values():
        commands = [action.name for action in resource.actions]
        yield from (f"{resource.name}_{verb}.v1" for verb in (*_VERBS, *commands))
    for each in case.built.running.values():
        yield from (step.event for flow in objects(each.module, Workflow) for step in flow.transitions)
        yield from _written(each, 2 if each is case.plugin else 1)


def _written(plugin: Plugin, least: int) -> list[str]:
    """In the subscriber's own code the name stands once already, where it subscribes."""
    written = Counter(text for _, text in sources.texts(plugin.path) if _EVENT.fullmatch(text))
    return [event for event, times in written.items() if times >= least]


def _workflows(case: Case) -> None:
    for workflow in objects(case.plugin.module, Workflow):
        where = f"Workflow of {workflow.resource}"
        fields, what = workflow.model._meta.fields, f"a field of the model {workflow.model.__name__}"
        case.errors += unknown(where, [workflow.resource], case.built.resources, "a resource")
        case.errors += unknown(where, [workflow.field], fields, what)
        for step in workflow.transitions:
            unnamed = [state for state in (*step.sources, step.target) if state not in workflow.labels]
            case.errors += [f"{where}: {step.command}: the state {one!r} has no name in labels." for one in unnamed]
            with blaming(case.plugin.name, f"{where}: {step.command}: sets"):
                names = list(step.sets()) if step.sets else []
            case.errors += unknown(f"{where}: {step.command}: sets", names, fields, what)
