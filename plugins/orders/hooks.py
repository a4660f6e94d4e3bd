"""What the orders plugin gives to the host; the only module that the loader imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.jobs import JobType, Schedule
from core.plugins.hookspecs import hookimpl
from core.resources import Resource
from plugins.orders import formats, jobs, resources
from plugins.orders.services import facts
from plugins.transfer.api import DemoFile, ImportFormat


@hookimpl
def register_resources() -> Sequence[Resource]:
    return [resources.ORDERS]


@hookimpl
def register_jobs() -> Sequence[JobType]:
    return [jobs.EXPIRE]


@hookimpl
def register_schedules() -> Sequence[Schedule]:
    return [jobs.EXPIRE_HOURLY]


@hookimpl
def register_services() -> Mapping[str, Any]:
    return {"orders.facts": facts.record_facts}


@hookimpl
def register_import_formats() -> Sequence[ImportFormat]:
    return formats.FORMATS


@hookimpl
def register_demo() -> Sequence[DemoFile]:
    return [formats.DEMO]
