"""What somebody hears of the end of a job that he started and does not watch."""

from __future__ import annotations

from core import notifications
from core.auth import User
from core.context import system_context
from core.i18n import N_
from core.jobs.models import Job

_SAID = {
    "done": (N_("%(title)s: done."), "ok"),
    "done_with_errors": (N_("%(title)s: ended, some rows failed."), "warn"),
    "failed": (N_("%(title)s: failed."), "bad"),
    "dead": (N_("%(title)s: given up after many tries."), "bad"),
}


def tell_end(job: Job, status: str) -> None:
    """Tell who started `job` from a page that it ended so; inside the transaction of the end."""
    by_hand = job.context.get("source") in ("ui", "import") and job.kind != "core.deliver"
    if status not in _SAID or not by_hand or not User.select(User.id).where(User.id == job.user_id).exists():
        return
    text, tone = _SAID[status]
    notifications.tell(system_context(), [job.user_id], text, {"title": job.said}, url=page_of(job.id), tone=tone)


def page_of(job_id: int) -> str:
    """Who opens it has read what he was told of the job."""
    return f"/admin/jobs/{job_id}"
