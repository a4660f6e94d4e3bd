"""Jobs on both databases: leases, chunks, results per row, retry, undo, cancel, parking, schedules."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core import access, bell, db, jobs, runtime
from core.audit import Entry
from core.auth.models import User
from core.context import SYSTEM, Actor, Context, Grant
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.i18n import speaking
from core.jobs import JobItem, JobRun, LeaseLost, Schedule, lease, run
from core.jobs.models import Job, ScheduleSlot
from core.jobs.worker import Worker, start_slot
from core.plugins.models import CoreState, PluginState
from core.resources.sets import Selection
from core.settings import Settings
from tests.ledger_kit import again, effects, install, make_due, things, work_off

HEAD = {"label": "head"}


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Iterator[Settings]:
    return install(settings).settings


@pytest.fixture
def ctx() -> Context:
    return Context(actor=SYSTEM, source="cli")


def everything(**values: Any) -> Selection:
    return Selection("ledger.thing", everything=True, **values)


def stamp(ctx: Context, selection: Selection, **arguments: Any) -> Any:
    return jobs.start_action(ctx, "ledger.thing", "stamp", selection, HEAD | arguments)


def states(job: Job) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in JobItem.select().where(JobItem.job_id == job.id):
        found[item.state] = found.get(item.state, 0) + 1
    return found


def test_twenty_records_are_done_at_once_and_more_become_a_job(house: Settings, ctx: Context) -> None:
    ids = things(30)
    at_once = stamp(ctx, Selection("ledger.thing", ids=(*ids[:19], 999_999)))
    assert at_once[ids[0]].status == "done"
    assert at_once[999_999].status == "rejected"
    assert isinstance(stamp(ctx, Selection("ledger.thing", ids=tuple(ids[:21]))), Job)
    assert effects("head") == ids[:19]


def test_who_names_a_record_twice_means_it_once(house: Settings, ctx: Context) -> None:
    one, other = things(2)
    done = stamp(ctx, Selection("ledger.thing", ids=(one, other, one)))
    assert {key: outcome.status for key, outcome in done.items()} == {one: "done", other: "done"}
    assert effects("head") == [one, other]


def test_a_bulk_action_does_every_row_once_and_counts_them(house: Settings, ctx: Context) -> None:
    ids = things(450)
    job = stamp(ctx, everything(excluded=(ids[3],)))
    late = things(460)[-1]
    work_off(house)
    done = again(job)
    assert (done.status, done.total, done.done, done.failed) == ("done", 449, 449, 0)
    assert effects("head") == [thing for thing in ids if thing != ids[3]]
    assert late not in effects("head")


def test_one_bad_row_does_not_stop_the_others_and_only_it_is_repeated(house: Settings, ctx: Context) -> None:
    ids = things(250)
    job = stamp(ctx, everything(), bad=[ids[5], ids[240]])
    work_off(house)
    assert (again(job).status, again(job).done, again(job).failed) == ("done_with_errors", 248, 2)
    assert "ValueError" in JobItem.get(JobItem.job_id == job.id, JobItem.state == "failed").reason
    Job.update(args=job.args | {"arguments": HEAD}).where(Job.id == job.id).execute()
    jobs.retry_failed(ctx, again(job))
    work_off(house)
    assert (again(job).status, again(job).done, again(job).failed) == ("done", 250, 0)
    assert effects("head") == ids


def test_undo_takes_back_only_what_nobody_changed_since(house: Settings, ctx: Context) -> None:
    from ledger.models import Thing

    ids = things(230)
    job = stamp(ctx, everything())
    work_off(house)
    Thing.update(version=Thing.version + 1).where(Thing.id.in_(ids[:2])).execute()
    back = jobs.undo(ctx, again(job))
    work_off(house)
    assert (again(back).status, again(back).done, again(back).skipped) == ("done", 228, 2)
    assert [row.id for row in Thing.select().where(Thing.stamps == 1)] == ids[:2]
    reason = JobItem.get(JobItem.job_id == back.id, JobItem.record_id == ids[0]).reason
    assert "since" in reason


def test_rows_whose_undo_failed_can_be_repeated(house: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.models import Thing

    ids = things(30)
    job = stamp(ctx, everything())
    work_off(house)
    back = jobs.undo(ctx, again(job))
    with monkeypatch.context() as patched:
        patched.setattr("core.access.denied", lambda *_given: frozenset(ids[:1]))
        work_off(house)
    assert (again(back).done, again(back).failed) == (29, 1)
    jobs.retry_failed(ctx, again(back))
    work_off(house)
    assert (again(back).done, again(back).failed) == (30, 0)
    assert Thing.select().where(Thing.stamps > 0).count() == 0


def test_undo_twice_is_one_job_and_needs_an_undo(house: Settings, ctx: Context) -> None:
    things(30)
    job = stamp(ctx, everything())
    with pytest.raises(Conflict):
        jobs.undo(ctx, job)
    work_off(house)
    back = jobs.undo(ctx, again(job))
    assert jobs.undo(ctx, again(job)).id == back.id
    assert (back.title, str(again(back).said)) == ("Undo: Things: Stamp", "Undo: Things: Stamp")
    with speaking("ar"):
        assert str(again(back).said) == "تراجع: Things: Stamp"
    kept = jobs.start_action(ctx, "ledger.thing", "keep", everything(), {})
    work_off(house)
    with pytest.raises(Conflict):
        jobs.undo(ctx, again(kept))


def test_statements_grow_with_chunks_not_with_rows(house: Settings, ctx: Context) -> None:
    counts = []
    for rows in (200, 400, 600):
        things(200)
        job = stamp(ctx, everything(max_id=rows))
        taken = lease.claim(job.id)
        with counting() as statements:
            run.execute(taken)
        assert again(job).done == rows
        counts.append(len(statements))
    assert counts[1] - counts[0] == counts[2] - counts[1] <= 18, counts


class counting:
    """Statements that the database is sent inside the block."""

    def __enter__(self) -> list[str]:
        self.seen: list[str] = []
        self.real = db.database.obj.execute_sql
        db.database.obj.execute_sql = lambda sql, *a, **k: (self.seen.append(sql), self.real(sql, *a, **k))[1]
        return self.seen

    def __exit__(self, *problem: object) -> None:
        db.database.obj.execute_sql = self.real


def test_a_job_taken_over_goes_on_and_the_old_worker_cannot_save(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 3})
    first = lease.claim()
    assert first is not None
    assert lease.claim() is None
    make_due(job)  # the lease has ended
    second = lease.claim()
    assert second is not None
    assert second.token != first.token
    with pytest.raises(LeaseLost), db.transaction():
        JobRun(first).save({"step": 2}, done=2)
    run.execute(first)
    assert again(job).status == "running"
    assert effects(f"walk:{job.id}") == []
    run.execute(second)
    assert again(job).status == "done"
    assert effects(f"walk:{job.id}") == [0, 1, 2]
    assert again(job).result == {"steps": 3}
    assert "there" in again(job).log


def test_rows_are_chosen_once_though_the_worker_dies_in_between(
    house: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = things(50)
    monkeypatch.setattr("core.jobs.actions.NOTED", 20)
    job, real = stamp(ctx, everything()), JobRun.save

    def save(self: JobRun, *given: Any, **counts: Any) -> None:
        if JobItem.select().count() > 20:
            raise LeaseLost("killed")
        real(self, *given, **counts)

    with monkeypatch.context() as dying:
        dying.setattr(JobRun, "save", save)
        run.execute(lease.claim(job.id))
    assert (states(job), again(job).total) == ({"waiting": 20}, None)
    make_due(job)
    work_off(house)
    assert (states(job), again(job).total, effects("head")) == ({"done": 50}, 50, ids)


def test_progress_gives_the_attempts_back(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 2})
    Job.update(attempts=7).execute()
    taken = lease.claim()
    assert taken is not None
    assert taken.attempts == 8
    with db.transaction():
        JobRun(taken).save({"step": 1}, done=1)
    assert again(job).attempts == 1


def test_leases_of_a_dead_process_are_freed_at_once(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
    lease.claim()
    Job.update(worker=f"{lease.host()}|999999|12345").execute()
    assert lease.free_dead() == 1
    assert again(job).status == "waiting"
    lease.claim()
    assert lease.free_dead() == 0  # we live
    Job.update(worker="another-host|999999|12345").execute()
    assert lease.free_dead() == 0  # whom we cannot see keeps his lease


def test_a_stopping_worker_gives_its_jobs_back(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 9})
    run.stopping.set()
    try:
        with pytest.raises(run.Stopped):
            run.execute(lease.claim())
    finally:
        run.stopping.clear()
    assert lease.release_all() == 1
    assert (again(job).status, again(job).attempts) == ("waiting", 0)
    work_off(house)
    assert again(job).status == "done"


def test_an_unexpected_error_waits_longer_each_time_and_ends_as_a_dead_letter(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.boom", {})
    for attempt in range(1, run.ATTEMPTS):
        work_off(house)
        now = again(job)
        assert (now.status, now.attempts) == ("waiting", attempt)
        wait = (now.due_at - db.utcnow()).total_seconds()
        assert 3 * 4 ** (attempt - 1) * 0.6 < wait < 3 * 4 ** (attempt - 1) * 1.3
        make_due(job)
    work_off(house)
    assert again(job).status == "dead"
    assert "ValueError" in again(job).error
    assert "4711" not in again(job).error
    jobs.retry_failed(ctx, again(job))
    assert again(job).status == "waiting"


def test_a_job_that_tries_to_end_the_process_is_tried_again_like_any_that_fails(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.leave", {})
    work_off(house)
    assert (again(job).status, again(job).attempts) == ("waiting", 1)
    assert "SystemExit" in again(job).error


def test_a_job_under_which_every_worker_dies_is_a_dead_letter_too(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
    for _ in range(run.ATTEMPTS):
        assert lease.claim() is not None
        make_due(job)  # as after kill -9
    work_off(house)
    assert (again(job).status, effects(f"walk:{job.id}")) == ("dead", [])


def test_a_waiting_job_is_canceled_at_once_a_running_one_after_its_chunk(house: Settings, ctx: Context) -> None:
    waiting = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
    jobs.cancel(ctx, waiting)
    assert again(waiting).status == "canceled"
    assert lease.claim() is None
    with pytest.raises(Conflict):
        jobs.cancel(ctx, again(waiting))
    running = jobs.enqueue(ctx, "ledger.walk", {"steps": 5})
    taken = lease.claim()
    jobs.cancel(ctx, again(running))
    run.execute(taken)
    assert again(running).status == "canceled"
    assert effects(f"walk:{running.id}") == []


def test_the_log_says_who_canceled_a_job_and_who_repeated_it(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
    jobs.cancel(ctx, job)
    with pytest.raises(Conflict):
        jobs.cancel(ctx, job)
    jobs.retry_failed(ctx, job)
    entries = Entry.select().where(Entry.resource == "core.job", Entry.record_id == job.id).order_by(Entry.id)
    assert [(entry.action, entry.actor_id) for entry in entries] == [("canceled", None), ("repeated", None)]


def test_jobs_of_a_plugin_that_is_off_are_parked_until_it_is_back(house: Settings, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
    bulk = (things(30), stamp(ctx, everything()))[1]
    switch(False)
    work_off(house)
    assert (again(job).status, again(bulk).status) == ("parked", "parked")
    switch(True)
    Worker(house)._sweep()
    work_off(house)
    assert (again(job).status, again(bulk).done) == ("done", 30)


def switch(on: bool) -> None:
    with db.transaction():
        PluginState.update(enabled=on, status="healthy" if on else "off").where(PluginState.name == "ledger").execute()
        CoreState.update(generation=CoreState.generation + 1).execute()


def test_the_worker_follows_the_generation_before_each_job(house: Settings, ctx: Context) -> None:
    switch(False)
    work_off(house)
    assert "ledger.walk" not in runtime.current().jobs
    switch(True)
    work_off(house)
    assert "ledger.walk" in runtime.current().jobs


def test_a_schedule_starts_once_per_slot_over_many_workers(house: Settings) -> None:
    schedule = Schedule("ledger.walk", 60, {"steps": 1})
    threads = [
        threading.Thread(target=start_slot, args=(schedule, "ledger.walk", slot)) for slot in (7, 8) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.select().count() == 2
    assert ScheduleSlot.select().count() == 2


def test_a_slot_that_was_had_starts_nothing(house: Settings) -> None:
    for _ in range(3):
        start_slot(Schedule("ledger.walk", 60, {"steps": 1}), "ledger.walk", 7)
    assert Job.select().count() == 1


def test_a_key_makes_one_job(house: Settings, ctx: Context) -> None:
    first = jobs.enqueue(ctx, "ledger.walk", {"steps": 1}, key="once")
    jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
    assert jobs.enqueue(ctx, "ledger.walk", {"steps": 1}, key="once").id == first.id


def test_nobody_starts_sees_or_changes_what_he_may_not(house: Settings, ctx: Context) -> None:
    things(30)
    someone = Context(actor=Actor(7, "someone", (Grant(frozenset({"ledger.thing.keep"})),)), source="ui")
    with pytest.raises(Forbidden):
        stamp(someone, everything())
    with pytest.raises(Invalid):
        jobs.start_action(ctx, "ledger.thing", "stamp", everything(), {})
    own = jobs.start_action(someone, "ledger.thing", "keep", everything(), {})
    other = stamp(ctx, everything())
    assert [job.id for job in jobs.visible(someone.actor)] == [own.id]
    with pytest.raises(NotFound):
        jobs.find(someone, other.id)
    with pytest.raises(Forbidden):
        jobs.cancel(someone, other)
    jobs.cancel(someone, own)


def test_rights_are_read_anew_when_the_job_runs(house: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    things(30)
    grants = (Grant(frozenset({"ledger.thing.stamp"}), {"ledger.thing": {"name": ("thing 3", "thing 4")}}),)
    someone = Context(actor=Actor(7, "someone", grants), source="ui")
    job = stamp(someone, everything())
    User.insert(id=7, username="someone").execute()
    monkeypatch.setattr(access, "grants_of", lambda ids: {7: grants})
    work_off(install(runtime.current().settings).settings)
    assert (again(job).status, again(job).done) == ("done", 2)
    User.update(is_active=False).execute()
    refused = stamp(someone, everything())
    work_off(runtime.current().settings)
    assert again(refused).status == "failed"
    assert "ledger.thing.stamp" in again(refused).error


def test_without_a_bell_the_sweep_finds_the_job(house: Settings, ctx: Context) -> None:
    silent = replace(house, redis_url="redis://127.0.0.1:1/0", data_dir=house.data_dir)
    runtime.install(replace(runtime.current(), settings=silent))
    job = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})  # does not raise
    with running(silent):
        wait_for(lambda: again(job).status == "done")


@pytest.mark.parametrize("kind", ["embedded", "redis"])
def test_an_idle_worker_starts_within_a_tenth_of_a_second(
    house: Settings, ctx: Context, kind: str, request: Any
) -> None:
    settings = replace(house, redis_url=request.getfixturevalue("redis_url") if kind == "redis" else "")
    runtime.install(replace(runtime.current(), settings=settings))
    delays = []
    with running(settings):
        for _ in range(12):
            threading.Event().wait(0.3)
            job = jobs.enqueue(ctx, "ledger.walk", {"steps": 0})
            wait_for(lambda job=job: again(job).status == "done")
            delays.append((again(job).started_at - job.created_at).total_seconds())
    # 12 delays. On a busy machine the greater ones measure the machine; the sweep alone would make each seconds long.
    assert sorted(delays)[3] <= 0.1, delays


def test_a_wiped_redis_loses_no_job(house: Settings, ctx: Context, redis_url: str) -> None:
    import redis

    settings = replace(house, redis_url=redis_url)
    runtime.install(replace(runtime.current(), settings=settings))
    made = [jobs.enqueue(ctx, "ledger.walk", {"steps": 1}) for _ in range(20)]
    redis.Redis.from_url(redis_url).flushall()
    with running(settings):
        wait_for(lambda: all(again(job).status == "done" for job in made))


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_the_worker_survives_the_loss_of_its_connections(house: Settings, ctx: Context) -> None:
    with running(house):
        wait_for(lambda: Job.select().where(Job.status == "done").count() >= 2)  # the schedules' first jobs
        db.database.execute_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        job = jobs.enqueue(ctx, "ledger.walk", {"steps": 1})
        wait_for(lambda: again(job).status == "done")


@pytest.mark.parametrize("database_kind", ["sqlite"])  # on PostgreSQL the server's own clock counts
def test_when_the_clock_is_put_back_what_was_due_is_due_and_the_rest_waits(
    house: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, planned = (jobs.enqueue(ctx, "ledger.walk", {"steps": 1}) for _ in range(2))
    Job.update(due_at=lease.moment(3600)).where(Job.id == job.id).execute()
    Job.update(due_at=lease.moment(4000)).where(Job.id == planned.id).execute()
    with monkeypatch.context() as ahead:  # it was an hour ahead, and now is right
        ahead.setattr("core.jobs.worker.time.time", lambda real=time.time: real() + 3601)
        worker = Worker(house)
    worker._watch_clock()
    work_off(house)
    assert (again(job).status, again(planned).status) == ("done", "waiting")


def test_messages_of_the_bell_are_signed(house: Settings) -> None:
    queue = bell.queue(house)
    queue.storage.enqueue(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match=r"[Ss]ignature|Separator"):
        queue.dequeue()


class running:
    """A worker in a thread of this process (its signals stay untouched)."""

    def __init__(self, settings: Settings) -> None:
        self.worker = Worker(settings)
        self.thread = threading.Thread(target=self.worker.serve)

    def __enter__(self) -> Worker:
        self.thread.start()
        return self.worker

    def __exit__(self, *problem: object) -> None:
        self.worker.stop()
        self.thread.join(30)
        run.stopping.clear()  # other tests of this process drain the queue themselves


def wait_for(condition: Any, timeout_s: float = 15) -> None:
    end = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if condition():
            return
        end.wait(0.02)
    raise AssertionError("it did not happen in time")
