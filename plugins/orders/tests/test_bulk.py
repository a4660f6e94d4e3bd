"""Commands on many orders: jobs with a result per row, and their undo."""

from __future__ import annotations

import pytest

from core import jobs
from core.events import Event
from core.jobs import Job, JobItem
from core.jobs.worker import Worker
from core.resources import Selection, Tagging
from plugins.orders.models import Order
from plugins.orders.tests.conftest import doc

ALL = Selection("orders.order", everything=True)


@pytest.fixture
def work_off(settings):
    return Worker(settings).drain


@pytest.fixture
def orders(service, ctx):
    """1,000 orders; ten of them are drafts, which cannot be archived."""
    for start in range(0, 1000, 200):
        numbers = range(start, start + 200)
        service.upsert(ctx, [doc(str(n), status="draft" if n % 100 == 7 else "completed") for n in numbers])


def test_a_thousand_orders_are_tagged_in_a_job_and_untagged_by_its_undo(orders, ctx, work_off):
    job = jobs.start_action(ctx, "orders.order", "add_tags", ALL, {"tags": ["spring"]})
    assert isinstance(job, Job)
    work_off()
    done = Job.get_by_id(job.id)
    assert (done.status, done.done, Tagging.select().count()) == ("done", 1000, 1000)
    jobs.undo(ctx, done)
    work_off()
    assert Tagging.select().count() == 0


def test_rows_that_cannot_be_archived_stop_no_other(orders, ctx, work_off):
    told = Event.select().where(Event.name == "orders.order_archived.v1")
    job = jobs.start_action(ctx, "orders.order", "archive", ALL, {})
    work_off()
    assert Order.select().where(Order.status == "archived").count() == 990
    assert sum(len(event.payload["ids"]) for event in told) == 990
    failed = list(JobItem.select().where(JobItem.job_id == job.id, JobItem.state == "failed"))
    assert len(failed) == 10
    assert "Draft" in failed[0].reason
    jobs.undo(ctx, Job.get_by_id(job.id))
    work_off()
    assert Order.select().where(Order.status == "completed").count() == 990
