"""Workflows: the field that they move, the columns that they set, the names of their states."""

from __future__ import annotations

from collections.abc import Iterator

from core.plugins.manifest import Plugin, blaming
from core.resources import Workflow
from core.runtime import Runtime
from core.trial.findings import Finding, declared, unknown


def check(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    for workflow in declared(plugin, Workflow):
        where = f"Workflow of {workflow.resource}"
        yield from unknown(where, workflow.resource, built.resources, "a resource")
        yield from _fields(workflow, where, plugin)
        for step in workflow.transitions:
            for state in (*step.sources, step.target):
                if state not in workflow.labels:
                    yield Finding(f"{where}: {step.command}: the state {state!r} has no name in labels.")


def _fields(workflow: Workflow, where: str, plugin: Plugin) -> Iterator[Finding]:
    fields, what = workflow.model._meta.fields, f"a field of the model {workflow.model.__name__}"
    yield from unknown(where, workflow.field, fields, what)
    for step in workflow.transitions:
        with blaming(plugin.name, f"{where}: {step.command}: sets"):
            names = list(step.sets()) if step.sets else []
        for name in names:
            yield from unknown(f"{where}: {step.command}: sets", name, fields, what)
