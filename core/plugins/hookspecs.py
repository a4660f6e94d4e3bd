"""The hooks that core offers, each with its policy; `make docs` makes a page in docs/hooks of each.

Policies: build (called while a generation is built, failure quarantines the plugin), collect (a failing implementation
yields nothing), deny (failure means no), abort (unguarded: failure rolls the transaction back), deliver (run in a job,
retried per receiver). `budget_ms`: for hooks called while a page renders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pluggy

if TYPE_CHECKING:
    import flask

    from core.api import Endpoint
    from core.context import Actor, Context
    from core.dashboard import Period, Widget
    from core.jobs import Job, JobType, Schedule
    from core.nav import Link, NavItem
    from core.resources import Badge, Resource

Policy = Literal["build", "collect", "deny", "abort", "deliver"]
_spec = pluggy.HookspecMarker("maktab")
hookimpl = pluggy.HookimplMarker("maktab")


def hookspec(policy: Policy, budget_ms: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a hook contract. `budget_ms` > 0: called while a page renders; overruns are logged."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        marked: Callable[..., Any] = _spec(function)
        marked.__dict__.update(policy=policy, budget_ms=budget_ms)
        return marked

    return mark


@hookspec("build")
def register_resources() -> Sequence[Resource]:  # type: ignore[empty-body]
    """Records of this plugin: each `Resource` gives list, page, form, API, search, permissions and audit.

    When: once, while a generation is built, after the plugins that this one requires.
    May: give the same objects each time. No query, no network: the database may be about to be migrated.
    Failure: the plugin is quarantined with the reason; a name that does not begin with `<plugin>.` is one.
    """


@hookspec("build")
def register_views() -> Sequence[Any]:  # type: ignore[empty-body]
    """Pages that are not the list, page or form of a record: `core.web.AdminView` instances.

    When: once per web application, after all resources; each call makes new instances.
    May: name an address below `/admin/`, an endpoint that begins with the plugin's name, a permission, a menu group.
    Failure: the plugin is quarantined; so it is for a view without a permission, or for an address that is taken.
    """


@hookspec("build")
def register_blueprints() -> Sequence[flask.Blueprint]:  # type: ignore[empty-body]
    """Routes that are no admin page: Flask blueprints, named after the plugin.

    When: once per web application, after the views; each call makes new blueprints.
    May: have views with `@core.access.requires(permission)` below any free address, and templates of the plugin.
    Failure: the plugin is quarantined; so it is for `before_app_request` and the like, and for an undeclared route.
    """


@hookspec("build")
def register_jobs() -> Sequence[JobType]:  # type: ignore[empty-body]
    """Kinds of job, named `<plugin>.<verb>`; docs/jobs.md says how one is written.

    When: once, while a generation is built, in every web and worker process.
    May: give `JobType`s; who starts, retries or cancels a job needs its `permission`.
    Failure: the plugin is quarantined. A job that fails later is tried again and never quarantines anybody.
    """


@hookspec("build")
def register_schedules() -> Sequence[Schedule]:  # type: ignore[empty-body]
    """Jobs that start by the clock.

    When: once, while a generation is built; workers then start a `Schedule` every `every_s` seconds.
    May: name jobs of this plugin. One start per slot over all workers, none for slots that passed while nothing ran.
    Failure: the plugin is quarantined; so it is for a job of another plugin.
    """


@hookspec("build")
def register_services() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """What this plugin does for plugins that do not require it: {`<plugin>.<noun>`: object}.

    When: once, while a generation is built; others read it with `core.services.get(name)`, None while this one is off.
    May: give functions or objects. They run unguarded, in the caller's transaction: keep the contract narrow.
    Failure: the plugin is quarantined.
    """


@hookspec("build")
def register_commands() -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
    """Commands of `maktab`: {name: function}; parameters are arguments, keyword-only ones options.

    When: once, while a generation is built. The name has one or two words, of which nobody else has the first.
    May: annotate with `str`, `int`, `bool`, `Path`, `tuple[str, ...]`. What it returns is shown as lines or a table,
    or by `--json`; the docstring is the help. `core.cli.context()` is who acts, `core.cli.run_here(start)` runs a job
    in the command's own process, under a lease like a worker's.
    Failure: the plugin is quarantined. An error in a run ends the command with one line and exit code 1.
    """


@hookspec("build")
def resource_endpoints(resource: Resource) -> Sequence[Endpoint]:  # type: ignore[empty-body]
    """Calls that this plugin adds to the REST API of every resource, below `/api/v1/<slug>`.

    When: once per resource, while a web application is built, and kept; give [] for resources that are none of yours.
    May: give `core.api.Endpoint`s with method, rule, view, permission and shapes; `once` takes an `Idempotency-Key`.
    `core.api.started(job)` answers with a job, `selection(resource, body)` reads a body shaped like `Chosen`.
    Failure: the plugin is quarantined. In a call, a `MaktabError` is the answer, anything else a 500.
    """


@hookspec("deliver")
def register_subscriptions() -> Mapping[str, Callable[[Context, Mapping[str, Any]], None]]:  # type: ignore[empty-body]
    """What to do after a change: {event name: handler(ctx, payload)}, payload = {"resource": name, "ids": [...], ...}.

    When: collected once, while a generation is built; a handler runs in a job of its own, soon after the commit.
    May: query, write, talk to other systems. It may run twice and in any order: read the present state, and write so
    that a second time changes nothing.
    Failure: of the declaration: the plugin is quarantined; of a handler: tried again, eight times over four hours.
    """


@hookspec("collect", budget_ms=50)
def nav_items(actor: Actor) -> Sequence[NavItem]:  # type: ignore[empty-body]
    """Menu entries besides those of resources and views.

    When: on every page of the admin, so it must be quick: no query, no network.
    May: give `core.nav.NavItem`s; one whose permission `actor` lacks, or whose page is not there, is left out.
    Failure: no entries of this plugin on this page; counted.
    """


@hookspec("collect", budget_ms=500)
def dashboard_widgets(actor: Actor, period: Period) -> Sequence[Widget]:  # type: ignore[empty-body]
    """Cards of the page Home; each user chooses which he sees, how large and in which order.

    When: on the page Home, and once more when the browser fetches the content of one card, which calls its `load`.
    May: give `core.dashboard.Widget`s, each named `<plugin>.<noun>`. No query and no network in the hook; `load` does at
    most 4 queries that do not grow with the tables. `period` is what the user looks at: its `days` (of the shop), the
    `before` that it is compared with, the `moments` of both, and its `name`, a word for filters of dates. A card that is
    about it says `has_period=True`, so that Home offers other periods.
    Failure: of the hook: no card of this plugin; counted. Of `load` or of the template: that card says so and offers to
    try again; logged.
    """


@hookspec("collect", budget_ms=50)
def palette_commands(actor: Actor) -> Sequence[Link]:  # type: ignore[empty-body]
    """Commands of the command bar (Ctrl K) that can be begun from every page.

    When: whenever the bar looks for something, so at each pause in typing. No query, no network.
    May: give `core.nav.Link`s; one whose permission `actor` lacks is left out. New records, the menu and what stands
    on the present page are there already.
    Failure: no commands of this plugin this time; counted.
    """


@hookspec("collect", budget_ms=50)
def record_badges(resource: str, ids: Sequence[int], actor: Actor) -> Mapping[int, Sequence[Badge]]:  # type: ignore[empty-body]
    """Small marks beside the rows of a list and in the head of a record's page: {id: [Badge(label, tone)]}.

    When: once per page of any list, with all its ids (at most 200), never once per row; on a record's page, with its id.
    May: leave out ids with nothing to show, and give None for resources that are none of yours. At most 2 queries.
    Failure: no marks of this plugin on this page; counted.
    """


@hookspec("collect", budget_ms=150)
def record_panels(resource: str, record: Any, actor: Actor) -> Sequence[Any]:  # type: ignore[empty-body]
    """`core.resources.Section`s that this plugin adds to the page of any record.

    When: once for each page of a record, with the loaded record.
    May: do at most 2 queries, best in `load`, which gives the template what it finds in `loaded`.
    Failure: of the hook, of `load` or of the template: no panel of this plugin on this page; counted.
    """


@hookspec("collect", budget_ms=50)
def list_links(  # type: ignore[empty-body]
    resource: str, query: str, columns: Sequence[str], actor: Actor
) -> Sequence[Link]:
    """Buttons beside a list. `query`: the filters and search that it shows, as in its address ("" for all).

    `columns`: the names of the columns that it shows, in their order.

    When: on every list page and whenever its filters change. No query, no network.
    May: give `core.nav.Link`s; one whose permission `actor` lacks is left out. `is_start` shows it on an empty list too.
    Failure: no buttons of this plugin on this page; counted.
    """


@hookspec("collect", budget_ms=50)
def job_links(job: Job, actor: Actor) -> Sequence[Link]:  # type: ignore[empty-body]
    """Buttons on the page of a job: what it made, what it worked on.

    When: on the page of any job; look at `job.kind` and give [] for jobs of others.
    May: do at most 2 queries; read `job.args` and `job.result`.
    Failure: no buttons of this plugin on this page; counted.
    """


@hookspec("deny")
def authorize(actor: Actor, permission: str, resource: str, ids: Sequence[int]) -> Sequence[int]:  # type: ignore[empty-body]
    """Ids that `actor` may NOT touch with `permission`. A hook can only take rights away.

    When: before a page, form, action or call touches records, with all their ids; again inside jobs. A list asks once a
    page, an export once a chunk: what is denied is left out, though the number of all that match still counts it.
    May: do a number of queries that does not grow with `ids`. It is asked about the system, too (`actor.is_system`).
    Failure: all `ids` are denied; counted.
    """


@hookspec("abort")
def before_change(ctx: Context, resource: str, action: str, changes: Sequence[Any]) -> None:
    """The last word on a set of `core.changes.Change`s of one resource (each: `id`, `before`, `after`).

    When: inside the transaction of every change, after the rows are written and before the audit entry.
    May: raise `core.errors.Rejected(record_id, field, text)` to refuse; that record is rejected, the rest of the set
    goes on. May read and write by services of its own plugin. No network.
    Failure: any other exception rolls the whole transaction back and reaches the caller; counted.
    """


@hookspec("deliver")
def plugin_enabled(ctx: Context) -> None:
    """This plugin was just enabled: catch up with what happened meanwhile.

    When: in a job, soon after the commit that enabled it; called for that plugin alone.
    May: query, write, enqueue jobs. It may run twice.
    Failure: tried again, eight times over four hours.
    """
