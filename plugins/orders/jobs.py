"""Jobs of the orders plugin."""

from __future__ import annotations

from core import db
from core.i18n import __
from core.jobs import JobRun, JobType, Schedule
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
