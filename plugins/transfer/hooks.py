"""What transfer gives to the host: pages, jobs, commands, and for every resource endpoints and buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.api import Endpoint
from core.context import Actor
from core.i18n import __
from core.jobs import Job, JobType
from core.nav import Link, NavItem
from core.plugins import hookimpl
from core.resources import Resource
from core.web import AdminView
from plugins.transfer import commands, endpoints, jobs, links
from plugins.transfer.views import TransferView, importable


@hookimpl
def register_views() -> Sequence[AdminView]:
    return [TransferView()]


@hookimpl
def nav_items(actor: Actor) -> Sequence[NavItem]:
    """The imports, for who may import something."""
    entry = NavItem(__("Imports"), "transfer.index_view", "", "settings", 30, "file-import")
    return [entry] if importable(actor) else []


@hookimpl
def register_jobs() -> Sequence[JobType]:
    return jobs.JOBS


@hookimpl
def register_commands() -> Mapping[str, Callable[..., Any]]:
    return {"import": commands.import_, "export": commands.export, "demo": commands.demo}


@hookimpl
def resource_endpoints(resource: Resource) -> Sequence[Endpoint]:
    return endpoints.of(resource)


@hookimpl
def list_links(resource: str, query: str, columns: Sequence[str]) -> Sequence[Link]:
    return links.beside_list(resource, query, columns)


@hookimpl
def job_links(job: Job) -> Sequence[Link]:
    return links.beside_job(job)
