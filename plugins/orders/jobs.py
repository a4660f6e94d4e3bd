"""Jobs of the orders plugin."""

from __future__ import annotations

from core import db
from core.context import system_context
from core.i18n import __
from core.jobs import JobRun, JobType, Schedule, enqueue
from plugins.orders.services import tally
from plugins.orders.services.workflow import expire_unconfirmed


def _expire(run: JobRun) -> None:
    """In portions; each portion and its checkpoint are one transaction, so a killed worker loses nothing."""
    done = 0
    while not run.canceled():
        with db.transaction():
            expired = expire_unconfirmed(run.ctx)
            done += expired
            run.save(done=done)
        if not expired:
            return


EXPIRE = JobType("orders.expire", _expire, __("Expire orders that nobody confirmed"))
EXPIRE_HOURLY = Schedule("orders.expire", every_s=3600)


def _keep_tally(run: JobRun) -> None:
    """Count what is not counted, then fold; each step is a transaction of its own, so nobody waits long."""
    if tally.needs_recount():
        tally.recount()
    while not run.canceled() and tally.count_more():
        pass
    while not run.canceled() and tally.fold():
        pass


def recount() -> str:
    """Count the sums of the page Home anew, from the orders themselves; a worker does it."""
    tally.recount()
    job = enqueue(system_context("cli"), "orders.tally", {})
    return f"Job {job.id} counts all orders; until it ends the cards of Home say so."


TALLY = JobType("orders.tally", _keep_tally, __("Add up orders"))
TALLY_HOURLY = Schedule("orders.tally", every_s=3600)
