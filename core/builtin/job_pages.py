"""Pages of jobs: list with dead letters, one job with its rows, the pill of the top bar; download of files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import flask
import peewee
from flask_admin import expose

from core import db, files, nav, notifications, runtime
from core.access import SIGNED_IN
from core.builtin import notification_pages
from core.context import Actor
from core.db import utcnow
from core.errors import Conflict
from core.i18n import _, __, _n
from core.jobs import actions, control, lease, told
from core.jobs.models import Job, JobItem
from core.resources import Action, Badge, Selection, query
from core.web import forms, lists, outcomes
from core.web.base import AdminView, came_from, context, is_partial, redirect

STATUS = {
    "waiting": Badge(__("Waiting"), "neutral", "empty"), "running": Badge(__("Running"), "info", "half"),
    "done": Badge(__("Done"), "ok", "full"), "done_with_errors": Badge(__("Part failed"), "warn", "half"),
    "failed": Badge(__("Failed"), "bad"), "canceled": Badge(__("Canceled")), "dead": Badge(__("Given up"), "bad"),
    "parked": Badge(__("Parked"), "warn", "empty"),
}  # fmt: skip
_TABS = {
    "": (__("People"), list(STATUS)),
    "open": (__("Open"), ["waiting", "running", "parked"]),
    "trouble": (__("With errors"), ["failed", "done_with_errors", "dead"]),
    "dead": (__("Given up"), ["dead"]),
    "system": (__("System"), list(STATUS)),
}
_ROWS = {"failed": __("Failed"), "done": __("Done"), "skipped": __("Skipped"), "waiting": __("Waiting")}
_PAGE, _REASONS = 50, 5
_LATE_S = 15  # three looks of a worker that no bell reaches


def progress(job: Job) -> dict[str, Any]:
    """Rows done so far, percent, rows a second of the present run and the minutes left."""
    count = job.done + job.failed + job.skipped
    found: dict[str, Any] = {"count": count, "percent": 100 * count // job.total if job.total else None}
    if job.status == "running" and job.started_at and count > job.started_from:
        rate = (count - job.started_from) / max(0.2, (utcnow() - job.started_at).total_seconds())
        found |= {"rate": round(rate), "left_s": round((job.total - count) / rate) if job.total else None}
    return found


def not_begun(job: Job) -> dict[str, str]:
    """What a job without any result yet waits for: its `state` in a word, and `why` if it waits long."""
    if job.done + job.failed + job.skipped or job.attempts > (job.status == "running"):
        return {}
    if job.status == "running":
        return {"state": _("Starting")} if _since(job.started_at) < _LATE_S else {}
    late = _since(job.due_at)
    if job.status != "waiting" or late < 0:
        return {}
    return {"state": _("Waiting for a worker")} | ({"why": _why_late()} if late > _LATE_S else {})


def _since(moment: datetime | None) -> float:
    return (utcnow() - moment).total_seconds() if moment else -1


def _why_late() -> str:
    if lease.is_any_working():
        return _("The workers are busy with other jobs; this one begins when one of them is free.")
    return _("No worker runs: the job waits until whoever runs the shop starts one (maktab worker).")


class JobsView(AdminView):
    """`/admin/jobs/`. Everybody sees his own jobs; those of others need core.job.view_all."""

    permission = SIGNED_IN
    nav_group, nav_order, nav_key, icon = "settings", 20, "j", "list-check"

    def __init__(self) -> None:
        super().__init__(name=__("Jobs"), endpoint="core_jobs", url="/admin/jobs")

    @expose("/")
    def index_view(self) -> Any:
        args = flask.request.args
        actor = context().actor
        tab = args.get("tab", "") if args.get("tab", "") in _TABS else ""
        chosen = control.visible(actor).where(Job.status.in_(_TABS[tab][1]))
        if tab in ("", "system"):  # deliveries would bury everything else; those that fail are under the other tabs
            chosen = chosen.where(Job.kind != "core.deliver", Job.user_id.is_null(tab == "system"))
        before = _number("before")
        rows = list((chosen.where(Job.id < before) if before else chosen).limit(_PAGE + 1))
        more = rows[_PAGE - 1].id if len(rows) > _PAGE else None
        return self.render(
            "admin/jobs/list.html", jobs=rows[:_PAGE], tab=tab, tabs=_tabs(actor), counts=_counts(actor), more=more,
            before=before, statuses=STATUS, progress=progress,
        )  # fmt: skip

    @expose("/<int:job_id>")
    def details_view(self, job_id: int) -> Any:
        """The page of a job; for the one that watches it, its progress until the job ends, then its results."""
        job = control.find(context(), job_id)
        values = {"job": job, "badge": STATUS[job.status], "progress": progress(job) | not_begun(job)}
        if is_partial() and job.status in ("waiting", "running"):
            return self.render("admin/jobs/watched.html", **values)
        _is_known(job)
        undone_by = actions.undone(job)
        values |= _rows(job) | {"can_undo": actions.can_undo(job) and not undone_by, "undone_by": undone_by}
        values["about"] = _about(job)
        values["links"] = nav.buttons("job_links", context().actor, job=job)
        if not is_partial():
            return self.render("admin/jobs/details.html", **values)
        headers = {"HX-Retarget": "#job", "HX-Trigger": "jobs-changed"}
        return self.render("admin/jobs/ended.html", **values), 200, headers

    @expose("/<int:job_id>/<any(cancel, retry, undo):verb>", methods=["POST"])
    def command(self, job_id: int, verb: str) -> Any:
        act: Any = {"cancel": control.cancel, "retry": control.retry_failed, "undo": actions.undo}[verb]
        job = control.find(context(), job_id)
        here = came_from(flask.url_for(".details_view", job_id=job_id))
        try:
            made = act(context(), job)
        except Conflict as late:
            flask.flash(str(late), "warn")
            return redirect(here)
        if isinstance(made, Job):
            return redirect(flask.url_for(".details_view", job_id=made.id))
        if made:
            text = _n("Undone for %(n)s record.", "Undone for %(n)s records.", len(made))
            outcomes.tell(context(), runtime.current().resource(job.resource), made, text)
        return redirect(here)

    @expose("/pill")
    def pill(self) -> Any:
        """For the top bar: the actor's newest open job, without which the polling ends, and the number of the bell."""
        own = Job.select().where(Job.user_id == context().actor.user_id, Job.status.in_(["waiting", "running"]))
        job = own.order_by(Job.id.desc()).first()
        values = {"job": job, "progress": progress(job) if job else None, "unread": notification_pages.bell()}
        return self.render("admin/jobs/pill.html", **values)

    @expose("/file/<int:file_id>")
    def download(self, file_id: int) -> Any:
        """A stored file: one's own, all with core.file.view_all."""
        file = files.find(context(), file_id)
        # Whatever it holds, the browser must not render it: always an attachment of a neutral type (and nosniff).
        return flask.send_file(
            files.open_file(file.id), "application/octet-stream", as_attachment=True, download_name=file.name
        )


def _tabs(actor: Actor) -> dict[str, Any]:
    """The label of each tab; whoever sees his own jobs only needs no word for whose they are."""
    labels = {name: label for name, (label, _statuses) in _TABS.items()}
    if actor.can(control.VIEW_ALL):
        return labels
    del labels["system"]
    return labels | {"": _("All")}


def _counts(actor: Actor) -> dict[str, int]:
    """How many jobs lie in the tabs of those that want something; of all that ended nobody counts on."""
    named = {name: statuses for name, (_label, statuses) in _TABS.items() if name in ("open", "trouble", "dead")}
    wanted = sorted({status for statuses in named.values() for status in statuses})
    rows = control.visible(actor).where(Job.status.in_(wanted)).select(Job.status, peewee.fn.COUNT(Job.id))
    found = dict(rows.order_by().group_by(Job.status).tuples())
    return {name: sum(found.get(status, 0) for status in statuses) for name, statuses in named.items()}


def _is_known(job: Job) -> None:
    """Who sees the end of his job needs no notification of it."""
    if job.finished_at and job.user_id == context().actor.user_id and not context().is_looking:
        with db.optional_write():
            notifications.mark_read(job.user_id, url=told.page_of(job.id))


def _number(name: str) -> int:
    """A place in a list from the address; 0 when there is none."""
    return max(flask.request.args.get(name, 0, type=int), 0)


def _about(job: Job) -> list[tuple[Any, str]]:
    """What an action, or the one taken back, was given and which records it was for, as [(label, text)]."""
    resource = runtime.current().resources.get(job.resource)
    if job.kind == "core.undo":
        job = Job.get_or_none(Job.id == job.args["job"]) or job
    action = resource.action(job.args["action"]) if resource and job.kind == "core.action" else None
    if resource is None or action is None:
        return []
    chosen = Selection.from_json(job.args.get("selection") or {"resource": job.resource})
    found = _given(action, job.args.get("arguments") or {})
    if chosen.everything:
        found += lists.asked(resource, chosen) or [(_("Records"), _("All of the list"))]
    return found


def _given(action: Action, arguments: Mapping[str, Any]) -> list[tuple[Any, str]]:
    """The arguments of an action as its form showed them."""
    if action.schema is None:
        return []
    form = forms.fill(forms.form_of(action.schema), arguments, runtime.current().settings.currency)
    shown = [one for one in form.single if one.kind != "password" and one.path in arguments]
    return [(one.label, text) for one in shown if (text := forms.shown(one, form.values))]


def _rows(job: Job) -> dict[str, Any]:
    """One page of the job's rows in the chosen state, with the titles of their records."""
    state = flask.request.args.get("rows", "failed" if job.failed else "done")
    items = JobItem.select().where(JobItem.job_id == job.id, JobItem.state == state).order_by(JobItem.id)
    page = list(items.where(JobItem.id > _number("after")).limit(_PAGE + 1))
    resource = runtime.current().resources.get(job.resource)
    titles = query.titles(context(), resource, [item.record_id for item in page]) if resource else {}
    after = page[_PAGE - 1].id if len(page) > _PAGE else None
    return {
        "state": state, "states": _ROWS, "items": page[:_PAGE], "titles": titles, "after": after,
        "reasons": _reasons(job, state),
    }  # fmt: skip


def _reasons(job: Job, state: str) -> list[tuple[str, int]]:
    """What is said of more than one of the rows, and of how many, the most frequent first."""
    if state not in ("failed", "skipped"):
        return []
    many = peewee.fn.COUNT(JobItem.id)
    said = JobItem.select(JobItem.reason, many).group_by(JobItem.reason)
    said = said.where(JobItem.job_id == job.id, JobItem.state == state, JobItem.reason != "")
    most = said.having(many > 1).order_by(many.desc(), JobItem.reason)
    return list(most.limit(_REASONS).tuples())
