"""Core's own contributions, through the same hooks as any plugin's."""

from __future__ import annotations

import importlib
from typing import Any

from core.plugins.hookspecs import hookimpl


def _tolerant(names, what):  # development only
    found = []
    for name in names:
        try:
            found += getattr(importlib.import_module(name), what)()
        except (ImportError, AttributeError) as error:
            print("builtin:", name, what, error)
    return found


@hookimpl
def register_resources() -> list[Any]:
    return _tolerant(["core.auth", "core.access", "core.audit"], "resources")


@hookimpl
def register_jobs() -> list[Any]:
    from core.jobs import JobType
    from core.i18n import __
    from core.plugins import lifecycle
    return [*_tolerant(["core.jobs", "core.transfer"], "job_types"), JobType("core.plugin_enabled", lifecycle.tell_enabled, __("Resync a plugin"))]


@hookimpl
def register_schedules() -> list[Any]:
    return _tolerant(["core.jobs"], "schedules")

@hookimpl
def register_views() -> list[Any]:
    from core.plugins.views import PluginsView

    return [PluginsView(), *_tolerant(["core.jobs.views", "core.transfer.views"], "views")]
