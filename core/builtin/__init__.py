"""What core itself declares, through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flask

from core.builtin import (
    account,
    audit_log,
    housekeeping,
    job_pages,
    lockouts,
    look_page,
    menu_page,
    notification_pages,
    palette_page,
    people,
    plugin_pages,
    rights_pages,
    saved_views,
    settings_page,
    shortcut_page,
    widgets,
)
from core.dashboard import Widget
from core.jobs import JobType, Schedule
from core.plugins.hookspecs import hookimpl
from core.plugins.lifecycle import tell_enabled
from core.resources import Badge, Resource
from core.web.base import AdminView


@hookimpl
def register_resources() -> Sequence[Resource]:
    return [people.USERS, people.ROLES, audit_log.ENTRIES, saved_views.VIEWS]


@hookimpl
def register_blueprints() -> Sequence[flask.Blueprint]:
    return [account.blueprint(), rights_pages.blueprint()]


@hookimpl
def register_views() -> Sequence[AdminView]:
    return [
        job_pages.JobsView(),
        plugin_pages.PluginsView(),
        menu_page.MenuView(),
        notification_pages.NotificationsView(),
        settings_page.SettingsView(),
        palette_page.PaletteView(),
        shortcut_page.ShortcutsView(),
        look_page.LookView(),
    ]


@hookimpl
def register_jobs() -> Sequence[JobType]:
    return housekeeping.JOBS


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return housekeeping.SCHEDULES


@hookimpl
def register_subscriptions() -> Mapping[str, Any]:
    quarantined = notification_pages.tell_quarantined
    return {"core.plugin_enabled.v1": tell_enabled, "core.plugin_quarantined.v1": quarantined}


@hookimpl
def record_badges(resource: str, ids: Sequence[int]) -> Mapping[int, Sequence[Badge]] | None:
    return lockouts.badges(ids) if resource == people.USERS.name else None


@hookimpl
def dashboard_widgets() -> Sequence[Widget]:
    return widgets.widgets()
