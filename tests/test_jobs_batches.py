"""Many short jobs at once: none is lost, none runs twice, none waits behind a long one or dies of another."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from core import bell, db, jobs, runtime
from core.context import SYSTEM, Actor, Context
from core.errors import Forbidden
from core.jobs import JobType, lease, run
from core.jobs.batch import MOST, Batch
from core.jobs.models import Job
from core.jobs.worker import Worker
from core.settings import Settings
from tests.ledger_kit import again, install, make_due, work_off

SEEN: list[int] = []
KINDS = (
    JobType("ledger.count", lambda job_run: SEEN.append(job_run.args["n"])),
    JobType("ledger.odd", lambda job_run: "\ud800"),
    JobType("ledger.held", lambda job_run: None, permission="ledger.hold"),
)


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Settings:
    made = install(settings)
    runtime.install(replace(made, jobs={**made.jobs, **{kind.name: kind for kind in KINDS}}))
    SEEN.clear()
    return made.settings


@pytest.fixture
def ctx() -> Context:
    return Context(actor=SYSTEM, source="cli")


def counted(ctx: Context, count: int) -> list[int]:
    return jobs.enqueue_many(ctx, "ledger.count", [{"n": n} for n in range(count)])


def test_a_set_of_jobs_is_noted_with_one_ring_and_each_runs_once(
    house: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    rings: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda: rings.append(1))
    ids = counted(ctx, 1100)
    assert len(rings) == 1
    assert [Job.get_by_id(ids[n]).args["n"] for n in (0, 499, 500, 1099)] == [0, 499, 500, 1099]
    threads = [threading.Thread(target=work_off_and_close, args=(house,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(SEEN) == list(range(1100))
    ended = Job.select().where(Job.status == "done", Job.attempts == 1, Job.token == "", Job.finished_at.is_null(False))
    assert ended.count() == 1100
    assert not Job.select().where(Job.due_at.is_null(False)).exists()


def work_off_and_close(settings: Settings) -> None:
    work_off(settings)
    db.database.close()


def test_who_lacks_the_permission_starts_none(house: Settings) -> None:
    with pytest.raises(Forbidden):
        jobs.enqueue_many(Context(actor=Actor(1, "x"), source="ui"), "ledger.held", [{}, {}])
    assert not Job.select().exists()


def test_batches_grow_while_jobs_are_short(house: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    counted(ctx, 200)
    sizes: list[int] = []
    real = lease.claim_some
    monkeypatch.setattr(lease, "claim_some", lambda most: (found := real(most), sizes.append(len(found)))[0])
    monkeypatch.setattr("core.jobs.batch.SHORT_S", 1.0)
    work_off(house)
    assert sizes[:6] == [1, 2, 4, 8, 16, MOST]
    monkeypatch.setattr("core.jobs.batch.SHORT_S", 0.0)
    counted(ctx, 5)
    sizes.clear()
    work_off(house)
    assert sizes == [1, 1, 1, 1, 1, 0]


def test_what_waits_behind_a_long_job_is_given_back(
    house: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = counted(ctx, 4)
    batch = Batch(lease.claim_some(4))
    work = iter(batch)
    assert next(work).id == ids[0]
    assert not batch.give_back_late()
    monkeypatch.setattr("core.jobs.batch.PATIENCE_S", 0)
    assert batch.give_back_late()
    assert not batch.give_back_late()
    assert list(work) == []
    assert [(again(Job(id=i)).status, again(Job(id=i)).attempts) for i in ids] == [("running", 1)] + [
        ("waiting", 0)
    ] * 3
    work_off(house)
    assert SEEN == [1, 2, 3]


def test_a_short_job_is_known_as_done_while_a_long_one_behind_it_runs(house: Settings, ctx: Context) -> None:
    """Else its lease would end before the long one does, and another worker would do it again."""
    begun, over = threading.Event(), threading.Event()

    def long(job_run: Any) -> None:
        begun.set()
        over.wait(10)

    made = runtime.current()
    runtime.install(replace(made, jobs={**made.jobs, "ledger.long": JobType("ledger.long", long)}))
    (short,) = counted(ctx, 1)
    behind = jobs.enqueue(ctx, "ledger.long", {})
    worker, batch = Worker(house), Batch(lease.claim_some(2))
    working = threading.Thread(target=lambda: (worker._work_off(batch), db.database.close()))
    working.start()
    assert begun.wait(10)
    worker._tick()
    assert (Job.get_by_id(short).status, again(behind).status) == ("done", "running")
    over.set()
    working.join()
    assert (SEEN, again(behind).status) == ([0], "done")


def test_a_job_that_was_tried_before_comes_alone(house: Settings, ctx: Context) -> None:
    ids = counted(ctx, 4)
    Job.update(attempts=1).where(Job.id == ids[0]).execute()
    assert [job.id for job in lease.claim_some(8)] == ids[:1]
    assert [job.id for job in lease.claim_some(8)] == ids[1:]
    make_due(Job(id=ids[2]))  # its worker died
    counted(ctx, 2)
    assert [job.id for job in lease.claim_some(8)] == ids[2:3]


def test_an_end_that_cannot_be_kept_spoils_no_other(house: Settings, ctx: Context) -> None:
    first, odd, lost, last = (
        jobs.enqueue(ctx, kind, {"n": n})
        for n, kind in enumerate(["ledger.count", "ledger.odd", *["ledger.count"] * 2])
    )
    ends, taken = run.Ends(), lease.claim_some(4)
    for job in taken:
        run.execute(job, ends)
    Job.update(token="another").where(Job.id == lost.id).execute()
    ends.write()
    assert [again(job).status for job in (first, odd, lost, last)] == ["done", "waiting", "running", "done"]
    assert "UnicodeEncodeError" in again(odd).error


def test_ends_are_written_when_the_worker_stops(house: Settings, ctx: Context) -> None:
    def stop(job_run: Any) -> None:
        run.stopping.set()
        job_run.canceled()

    made = runtime.current()
    runtime.install(replace(made, jobs={**made.jobs, "ledger.stop": JobType("ledger.stop", stop)}))
    (first,) = counted(ctx, 1)
    jobs.enqueue(ctx, "ledger.stop", {})
    left = counted(ctx, 2)
    worker = Worker(house)
    try:
        worker._work_off(Batch(lease.claim_some(4)))
    finally:
        run.stopping.clear()
    assert (SEEN, [job.id for job in Job.select().where(Job.status == "done")]) == ([0], [first])
    assert lease.release_all() == 3
    assert [(job.status, job.attempts) for job in map(again, map(Job.get_by_id, left))] == [("waiting", 0)] * 2
