"""What core itself declares, through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask

from core import jobs
from core.builtin import account, audit_log, job_pages, people, plugin_pages
from core.i18n import __
from core.plugins.hookspecs import hookimpl
from core.plugins.lifecycle import tell_enabled
from core.resources import Resource


@hookimpl
def register_resources() -> Sequence[Resource]:
    return [people.USERS, people.ROLES, audit_log.ENTRIES]


@hookimpl
def register_blueprints() -> Sequence[flask.Blueprint]:
    return [account.blueprint()]


@hookimpl
def register_views() -> Sequence[Any]:
    return [job_pages.JobsView(), plugin_pages.PluginsView()]


@hookimpl
def register_jobs() -> Sequence[jobs.JobType]:
    told = jobs.JobType("core.plugin_enabled", tell_enabled, __("Resync a plugin"))
    return [*jobs.job_types(), told]


@hookimpl
def register_schedules() -> Sequence[jobs.Schedule]:
    return jobs.schedules()
