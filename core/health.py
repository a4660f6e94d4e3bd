"""Is it alive, is it ready, how much is waiting: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

import hmac
import ipaddress

import flask
import peewee
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from core import db, plugins
from core.db import migrate
from core.errors import Forbidden
from core.runtime import Runtime, current


def init_app(app: flask.Flask) -> None:
    """Public routes `/healthz` and `/readyz`; `/metrics` for loopback or the setting `metrics_token` only."""
    for view in (healthz, readyz, metrics):
        app.add_url_rule(f"/{view.__name__}", view.__name__, view)


def healthz() -> flask.Response:
    """The process answers."""
    return flask.jsonify(status="ok", generation=current().generation)


def readyz() -> tuple[flask.Response, int]:
    """The database answers and has the schema of this code."""
    from core.boot import CORE_MIGRATIONS

    try:
        waiting = migrate.pending("core", CORE_MIGRATIONS)
        checks = {"database": "ok", "migrations": ", ".join(waiting) or "ok"}
    except peewee.PeeweeException:
        checks = {"database": "cannot be reached"}
    ready = set(checks.values()) == {"ok"}
    return flask.jsonify(status="ok" if ready else "not ready", **checks), 200 if ready else 503


def metrics() -> flask.Response:
    """Figures read from the database at each scrape, so that they are right over all processes."""
    if not _may_scrape():
        raise Forbidden("core.metrics", "Metrics are for this machine, or for the token in the setting metrics_token.")
    return flask.Response(generate_latest(_figures(current())), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_scrape() -> bool:
    token = current().settings.metrics_token
    given = flask.request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    # A reverse proxy on this machine connects from loopback too: what it forwards does not count as local.
    forwarded = any(name in flask.request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    address = flask.request.environ.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - not an address to bind
    return not forwarded and ipaddress.ip_address(address).is_loopback


def _figures(runtime: Runtime) -> CollectorRegistry:
    from core import audit, events, jobs

    registry = CollectorRegistry()
    jobs_gauge = Gauge("maktab_jobs", "Jobs by state", ["state"], registry=registry)
    count = peewee.fn.COUNT(jobs.Job.id)
    for state, number in jobs.Job.select(jobs.Job.state, count).group_by(jobs.Job.state).tuples():
        jobs_gauge.labels(state).set(number)
    figures = {
        "maktab_generation": ("Generation this process serves", runtime.generation),
        "maktab_generation_wanted": ("Generation in the database", plugins.generation()),
        "maktab_audit_unsealed": ("Audit entries not yet sealed", audit.unsealed()),
        "maktab_outbox_waiting": ("Events not yet relayed", events.waiting()),
        "maktab_plugins_quarantined": ("Plugins switched off by failures", _quarantined(runtime)),
        "maktab_database_postgres": ("1 on PostgreSQL, 0 on SQLite", int(db.is_postgres())),
    }
    for name, (text, value) in figures.items():
        Gauge(name, text, registry=registry).set(value)
    return registry


def _quarantined(runtime: Runtime) -> int:
    return sum(plugin.status == "quarantined" for plugin in runtime.plugins.values())
