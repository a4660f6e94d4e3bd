"""The hooks that core offers, each with its policy; docs/hooks.md has a page per hook.

Policies: collect (a failing implementation yields nothing), deny (failure means no), abort (unguarded: failure rolls
the transaction back), deliver (run in a job, retried per receiver). `budget_ms`: for hooks called while a page renders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pluggy

if TYPE_CHECKING:
    import flask

    from core.api import Endpoint
    from core.context import Actor, Context
    from core.jobs import Job, JobType, Schedule
    from core.nav import Link, NavItem
    from core.resources import Badge, Resource

Policy = Literal["collect", "deny", "abort", "deliver"]
_spec = pluggy.HookspecMarker("maktab")
hookimpl = pluggy.HookimplMarker("maktab")


def hookspec(policy: Policy, budget_ms: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a hook contract. `budget_ms` > 0: called while a page renders; overruns are counted."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        marked: Callable[..., Any] = _spec(function)
        marked.__dict__.update(policy=policy, budget_ms=budget_ms)
        return marked

    return mark


@hookspec("collect")
def register_resources() -> Sequence[Resource]:  # type: ignore[empty-body]
    """Resources of this plugin; each gives index, detail, form, REST, import/export, search, permissions, audit."""


@hookspec("collect")
def register_views() -> Sequence[Any]:  # type: ignore[empty-body]
    """New `core.web.AdminView` instances (each call makes new ones) for pages that a Resource cannot give."""


@hookspec("collect")
def register_blueprints() -> Sequence[flask.Blueprint]:  # type: ignore[empty-body]
    """New Flask blueprints, named after the plugin; every view carries `@core.access.requires(permission)`."""


@hookspec("collect")
def register_jobs() -> Sequence[JobType]:  # type: ignore[empty-body]
    """Kinds of job, named `<plugin>.<verb>`."""


@hookspec("collect")
def register_schedules() -> Sequence[Schedule]:  # type: ignore[empty-body]
    """Jobs that start by the clock; at most one start per slot over all workers."""


@hookspec("collect")
def register_services() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Services by name (`<plugin>.<noun>`) for plugins that do not require this one; read with `core.services.get`."""


@hookspec("collect")
def register_commands() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Commands of `maktab` by name: parameters are arguments, keyword-only ones options; what it returns is shown."""


@hookspec("collect")
def resource_endpoints(resource: Resource) -> Sequence[Endpoint]:  # type: ignore[empty-body]
    """Calls that this plugin adds to the REST API of every resource; asked once per resource and kept."""


@hookspec("deliver")
def register_subscriptions() -> Mapping[str, Callable[[Context, Mapping[str, Any]], None]]:  # type: ignore[empty-body]
    """{event name: handler(ctx, payload)}; runs in a job, may run twice, order not promised: read the present state.

    `payload` = {"resource": name, "ids": [...], ...}.
    """


@hookspec("collect", budget_ms=50)
def nav_items(actor: Actor) -> Sequence[NavItem]:  # type: ignore[empty-body]
    """Menu entries besides those of the resources; each names its permission. No query."""


@hookspec("collect", budget_ms=50)
def record_badges(resource: str, ids: Sequence[int], actor: Actor) -> Mapping[int, Sequence[Badge]]:  # type: ignore[empty-body]
    """Small marks beside rows. Called once per page with all its ids (at most 200); at most 2 queries, no network."""


@hookspec("collect", budget_ms=150)
def record_panels(resource: str, record: Any, actor: Actor) -> Sequence[Any]:  # type: ignore[empty-body]
    """`core.resources.Section`s that this plugin adds to another resource's detail page; at most 2 queries."""


@hookspec("collect", budget_ms=50)
def list_links(resource: str, query: str, actor: Actor) -> Sequence[Link]:  # type: ignore[empty-body]
    """Buttons beside a list. `query`: the filters and search that it shows, as in its address ("" for all). No query."""


@hookspec("collect", budget_ms=50)
def job_links(job: Job, actor: Actor) -> Sequence[Link]:  # type: ignore[empty-body]
    """Buttons on the page of a job, for jobs of this plugin: what it made, what it worked on. At most 2 queries."""


@hookspec("deny")
def authorize(actor: Actor, permission: str, resource: str, ids: Sequence[int]) -> Sequence[int]:  # type: ignore[empty-body]
    """Ids that `actor` may NOT touch with `permission`; a hook can only take rights away. Failure denies all."""


@hookspec("abort")
def before_change(ctx: Context, resource: str, action: str, changes: Sequence[Any]) -> None:
    """Look at a set of `core.changes.Change` before it is committed; raise `core.errors.Rejected` to refuse it."""


@hookspec("collect")
def plugin_enabled(ctx: Context) -> None:
    """This plugin was just enabled (called for it alone, in a job): resync what happened meanwhile."""
