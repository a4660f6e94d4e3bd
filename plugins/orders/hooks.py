"""What the orders plugin gives to the host; the only module that the loader imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import jobs as job_room
from core.changes import Change
from core.context import Context
from core.dashboard import Period, Widget
from core.jobs import JobType, Schedule
from core.plugins.hookspecs import hookimpl
from core.resources import Resource
from plugins.orders import formats, jobs, resources, widgets
from plugins.orders.services import facts, tally
from plugins.transfer.api import DemoFile, ImportFormat


@hookimpl
def register_resources() -> Sequence[Resource]:
    return [resources.ORDERS]


@hookimpl
def register_jobs() -> Sequence[JobType]:
    return [jobs.EXPIRE, jobs.TALLY]


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return [jobs.EXPIRE_HOURLY, jobs.TALLY_HOURLY]


@hookimpl
def register_services() -> Mapping[str, Any]:
    return {"orders.facts": facts.record_facts}


@hookimpl
def register_import_formats() -> Sequence[ImportFormat]:
    return formats.FORMATS


@hookimpl
def register_demo() -> Sequence[DemoFile]:
    return [formats.DEMO]


@hookimpl
def register_commands() -> Mapping[str, Any]:
    return {"orders recount": jobs.recount}


@hookimpl
def dashboard_widgets(period: Period) -> Sequence[Widget]:
    return widgets.widgets(period)


@hookimpl
def before_change(resource: str, action: str, changes: Sequence[Change]) -> None:
    tally.note(resource, action, changes)


@hookimpl
def plugin_enabled(ctx: Context) -> None:
    job_room.enqueue(ctx, "orders.tally", {})
