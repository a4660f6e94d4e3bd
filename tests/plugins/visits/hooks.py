"""One implementation of every hook; each is shown as the example on its page in docs/hooks."""

from __future__ import annotations

from pathlib import Path

import flask
import marshmallow as ma
from flask_admin import expose
from suppliers.models import Supplier

from core import db, jobs, links, services
from core.access import requires
from core.api import Endpoint
from core.auth import current_context
from core.dashboard import Entry, Figure, Widget
from core.errors import Rejected
from core.i18n import _, __, _n
from core.jobs import JobType, Schedule
from core.nav import Link, NavItem
from core.plugins import hookimpl
from core.resources import Badge, Section, add_tags, get, tags_of
from core.runtime import current
from core.web import AdminView
from plugins.transfer.api import DemoFile, ImportFormat, Mapping

SUPPLIER = "suppliers.supplier"


class PlanView(AdminView):
    permission = "visits.plan.view"
    nav_group, nav_order, icon = "insight", 20, "map-pin"

    def __init__(self):
        super().__init__(name=__("Plan of visits"), endpoint="visits_plan", url="/admin/visits")

    @expose("/")
    def index_view(self):
        found = list(Supplier.select().order_by(Supplier.name).limit(50))
        known = is_known([one.id for one in found])
        return self.render("visits/plan.html", suppliers=found, known=known, open=len(found) - sum(known.values()))


@hookimpl
def register_views():
    return [PlanView()]


@hookimpl
def register_blueprints():
    made = flask.Blueprint("visits", __name__, url_prefix="/admin/visits/feed")

    @made.get("/")
    @requires("visits.plan.view")
    def feed():
        return flask.jsonify([supplier.name for supplier in Supplier.select().order_by(Supplier.name).limit(50)])

    return [made]


def count_suppliers(run):
    with db.transaction():
        number = Supplier.select().count()
        run.save(done=number)  # the checkpoint commits together with the work
    return {"suppliers": number}


@hookimpl
def register_jobs():
    return [JobType("visits.count", count_suppliers, __("Count the suppliers"), permission="visits.plan.view")]


@hookimpl
def register_schedules():
    return [Schedule("visits.count", every_s=86_400)]


def is_known(ids):
    """{id: whether we have been there}, for plugins that do not require this one."""
    return {one: "visited" in tags for one, tags in tags_of(SUPPLIER, ids).items()}


@hookimpl
def register_services():
    return {"visits.known": is_known}


def list_visits(country: str = "", *, limit: int = 10):
    """List suppliers to visit, all or those of COUNTRY."""
    found = Supplier.select().where(Supplier.country == country) if country else Supplier.select()
    return [{"code": one.code, "name": one.name} for one in found.order_by(Supplier.name).limit(limit)]


@hookimpl
def register_commands():
    return {"visits list": list_visits}


class VisitShape(ma.Schema):
    known = ma.fields.Boolean(required=True)


@hookimpl
def resource_endpoints(resource):
    if resource.name != SUPPLIER:
        return []

    def visit(record_id):
        found = get(current_context(), resource, record_id)  # NotFound outside of the caller's rows
        return {"known": services.get("visits.known")([found.id])[found.id]}

    view = resource.permission("view")
    return [Endpoint("GET", "/<int:record_id>/visit", visit, view, VisitShape, summary="Have we been there")]


def tag_as_new(ctx, payload):
    add_tags(ctx, SUPPLIER, payload["ids"], ["new"])  # a second time changes nothing


@hookimpl
def register_subscriptions():
    return {"suppliers.supplier_created.v1": tag_as_new}


@hookimpl
def nav_items(actor):
    new = f"/admin/{current().resource(SUPPLIER).slug}/?tag=new"
    return [NavItem(__("New suppliers"), new, f"{SUPPLIER}.view", group="insight", icon="truck")]


def load_next(ctx):
    """The suppliers that nobody has visited; a fixed number of statements."""
    found = Supplier.select().order_by(Supplier.id.desc()).limit(5)
    return [Entry(one.name, one.country, url=links.to(SUPPLIER, one.id) or "") for one in found]


@hookimpl
def dashboard_widgets(actor, period):
    def suppliers(ctx):
        begin, end = period.moments
        new = Supplier.select().where(Supplier.created_at >= begin, Supplier.created_at < end).count()
        return [Figure(Supplier.select().count(), note=_n("%(n)s new one", "%(n)s new ones", new))]

    count = Widget("visits.count", __("Suppliers"), suppliers, size="quarter", has_period=True)
    view = f"{SUPPLIER}.view"
    return [count, Widget("visits.next", __("Next visits"), load_next, view, icon="map-pin", url="/admin/visits/")]


@hookimpl
def palette_commands(actor):
    suppliers = f"/admin/{current().resource(SUPPLIER).slug}/"
    return [Link(_("Plan a trip to Norway"), f"{suppliers}?country=NO", f"{SUPPLIER}.view", "map-pin")]


@hookimpl
def record_badges(resource, ids):
    if resource != SUPPLIER:
        return None
    return {one: [Badge(_("First visit"), "info")] for one, tags in tags_of(resource, ids).items() if "new" in tags}


def near(ctx, supplier):
    """What the template finds in `loaded`."""
    others = Supplier.select().where(Supplier.country == supplier.country, Supplier.id != supplier.id)
    return {"near": list(others.limit(5))}


@hookimpl
def record_panels(resource):
    if resource != SUPPLIER:
        return []
    return [Section("near", __("On the way"), template="visits/near.html", load=near)]


@hookimpl
def list_links(resource, query):
    if resource != SUPPLIER:
        return []
    return [Link(_("Plan visits"), links.page("visits_plan.index_view"), "visits.plan.view", "map-pin")]


@hookimpl
def job_links(job):
    if job.kind != "visits.count":
        return []
    return [Link(_("To the plan"), links.page("visits_plan.index_view"), "visits.plan.view", "map-pin")]


@hookimpl
def authorize(permission, resource, ids):
    if (resource, permission) != (SUPPLIER, f"{SUPPLIER}.delete"):
        return []
    return [one for one, tags in tags_of(resource, ids).items() if "visited" in tags]


@hookimpl
def before_change(resource, action, changes):
    for change in changes if resource == SUPPLIER else ():
        if change.after.get("country") == "XX":
            raise Rejected(change.id, "country", _("We do not travel to XX."))


@hookimpl
def plugin_enabled(ctx):
    jobs.enqueue(ctx, "visits.count", {})


@hookimpl
def register_import_formats():
    columns = [("Stand", "code"), ("Exhibitor", "name"), ("Land", "country")]
    return [ImportFormat("visits.fair", SUPPLIER, _("List of a fair"), Mapping(columns), frozenset({"Stand", "Land"}))]


@hookimpl
def register_demo():
    return [DemoFile(SUPPLIER, Path(__file__).parent / "fair.csv", "visits.fair")]
