"""Is it alive, is it ready, how much is waiting: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

import hmac
import ipaddress

import flask
import peewee
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from core import audit, boot, events, jobs, plugins
from core.db import migrate
from core.errors import Forbidden
from core.runtime import current


def init_app(app: flask.Flask) -> None:
    """Public routes `/healthz` and `/readyz`; `/metrics` for loopback or the setting `metrics_token` only."""
    for view in (healthz, readyz, metrics):
        app.add_url_rule(f"/{view.__name__}", view.__name__, view)


def healthz() -> flask.Response:
    """The process answers."""
    return flask.jsonify(status="ok", generation=current().generation)


def readyz() -> tuple[flask.Response, int]:
    """The database answers and has the schema of this code."""
    try:
        reason = ", ".join(f"{name} is not applied" for name in migrate.pending("core", boot.CORE_MIGRATIONS))
    except peewee.PeeweeException:
        reason = "The database cannot be reached."
    return flask.jsonify(status="not ready" if reason else "ok", reason=reason), 503 if reason else 200


def metrics() -> flask.Response:
    """Figures read from the database at each scrape, so that they are right over all processes."""
    if not _may_scrape():
        raise Forbidden("core.metrics", "Metrics are for this machine, or for the token in the setting metrics_token.")
    return flask.Response(generate_latest(_figures()), content_type="text/plain; version=0.0.4; charset=utf-8")


def _may_scrape() -> bool:
    token = current().settings.metrics_token
    given = flask.request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    # A reverse proxy on this machine connects from loopback too: what it forwards does not count as local.
    forwarded = any(name in flask.request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))
    address = flask.request.environ.get("REMOTE_ADDR") or "::"
    return not forwarded and ipaddress.ip_address(address).is_loopback


def _figures() -> CollectorRegistry:
    registry = CollectorRegistry()
    by_status = Gauge("maktab_jobs", "Jobs by status", ["status"], registry=registry)
    count = peewee.fn.COUNT(jobs.Job.id)
    for status, number in jobs.Job.select(jobs.Job.status, count).group_by(jobs.Job.status).tuples():
        by_status.labels(status).set(number)
    unsealed = audit.Entry.select().where(audit.Entry.seq.is_null()).count()
    waiting = events.Event.select().where(events.Event.relayed_at.is_null()).count()
    quarantined = sum(plugin.status == "quarantined" for plugin in current().plugins.values())
    Gauge("maktab_generation", "Generation that this process serves", registry=registry).set(current().generation)
    Gauge("maktab_generation_wanted", "Generation in the database", registry=registry).set(plugins.generation())
    Gauge("maktab_audit_unsealed", "Audit entries not yet sealed", registry=registry).set(unsealed)
    Gauge("maktab_events_waiting", "Events not yet relayed", registry=registry).set(waiting)
    Gauge("maktab_plugins_quarantined", "Plugins switched off by failures", registry=registry).set(quarantined)
    return registry
