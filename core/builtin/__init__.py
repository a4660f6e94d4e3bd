"""What core itself declares, through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask

from core import audit
from core.builtin import account, audit_log, housekeeping, people
from core.i18n import __
from core.jobs import JobType, Schedule, actions, deliveries
from core.jobs import views as job_views
from core.plugins.hookspecs import hookimpl
from core.plugins.lifecycle import tell_enabled
from core.plugins.views import PluginsView
from core.resources import Resource


@hookimpl
def register_resources() -> Sequence[Resource]:
    return [people.USERS, people.ROLES, audit_log.ENTRIES]


@hookimpl
def register_blueprints() -> Sequence[flask.Blueprint]:
    return [account.blueprint()]


@hookimpl
def register_views() -> Sequence[Any]:
    return [*job_views.views(), PluginsView()]


@hookimpl
def register_jobs() -> Sequence[JobType]:
    return [
        JobType("core.action", actions.run_action, __("Bulk action")),
        JobType("core.undo", actions.run_undo, __("Undo")),
        JobType("core.deliver", deliveries.deliver, __("Deliver an event")),
        JobType("core.plugin_enabled", tell_enabled, __("Resync a plugin")),
        JobType("core.cleanup", housekeeping.clean_up, __("Remove what has expired")),
        JobType("core.audit_anchor", lambda run: audit.anchor(), __("Anchor the audit log")),
        JobType("core.reindex", housekeeping.reindex, __("Rebuild the search index"), permission="core.search.rebuild"),
    ]


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return [Schedule("core.cleanup", 3600), Schedule("core.audit_anchor", 3600)]
