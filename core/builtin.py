"""Core's own contributions, through the same hooks as any plugin's (imported late: the rooms stand on this one)."""

from __future__ import annotations

from typing import Any

from core.plugins.hookspecs import hookimpl


@hookimpl
def register_resources() -> list[Any]:
    from core import access, audit, auth

    return [*auth.resources(), *access.resources(), *audit.resources()]


@hookimpl
def register_views() -> list[Any]:
    from core.jobs import views as job_views
    from core.plugins.views import PluginsView

    return [*job_views.views(), PluginsView()]


@hookimpl
def register_jobs() -> list[Any]:
    from core import jobs
    from core.i18n import __
    from core.plugins.lifecycle import tell_enabled

    told = jobs.JobType("core.plugin_enabled", tell_enabled, __("Resync a plugin"))
    return [*jobs.job_types(), told]


@hookimpl
def register_schedules() -> list[Any]:
    from core import jobs

    return list(jobs.schedules())
