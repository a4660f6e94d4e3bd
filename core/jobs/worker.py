"""The worker: threads that hear the bell and work off due jobs, and a loop for everything that goes by the clock."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from core import audit, bell, db, plugins, runtime
from core.context import system_context
from core.jobs import control, deliveries, lease, run
from core.jobs.batch import Batch
from core.jobs.models import Schedule, ScheduleSlot
from core.settings import Settings

log = logging.getLogger("maktab.jobs")
POLL_S, TICK_S, SWEEP_S, GRACE_S = 0.03, 0.1, 5.0, 25.0
UNWRITTEN_S = 0.005


class Worker:
    """`run()` returns after SIGINT or SIGTERM: running jobs stop at their next chunk, leases are given back."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._batches: set[Batch] = set()
        self._next: dict[str, float] = {}
        self._building = threading.Lock()
        self._sweeping = threading.Event()
        self._clock = _clock()

    def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        self.serve()

    def serve(self) -> None:
        """Work until `stop`."""
        run.stopping.clear()
        self._guarded(self._sweep)
        threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(max(1, self.settings.job_threads))]
        for thread in threads:
            thread.start()
        while not run.stopping.wait(TICK_S):
            self._guarded(self._tick)
        end = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._guarded(lease.release_all)

    def stop(self, *_: object) -> None:
        run.stopping.set()

    def _guarded(self, work: Callable[[], Any]) -> None:
        """Nothing may end a thread of the worker: a database that restarts comes back, and so do we."""
        try:
            work()
        except Exception:
            log.exception("the worker goes on after an error in %s", getattr(work, "__name__", work))
            db.drop_connections()
            run.stopping.wait(1)

    def _every(self, name: str, seconds: float, work: Callable[[], Any]) -> None:
        if time.monotonic() >= self._next.get(name, 0):
            self._next[name] = time.monotonic() + seconds
            work()

    def _tick(self) -> None:
        self._every("renew", self.settings.job_lease_s / 4, self._renew)
        for batch in list(self._batches):
            batch.ends.write()  # those before a long job: its lease is renewed, theirs are not
            if batch.give_back_late():
                bell.ring()
        self._every("clock", 0.5, self._watch_clock)
        self._every("seal", 0.5, audit.seal)
        self._follow()
        self._every("schedule", 1, self._start_scheduled)
        self._every("sweep", SWEEP_S, self._sweep)

    def _renew(self) -> None:
        lease.renew([job_id for batch in list(self._batches) for job_id in batch.held()])

    def _sweep(self) -> None:
        lease.free_dead()
        run.unpark()
        self._sweeping.set()

    def _watch_clock(self) -> None:
        before, self._clock = self._clock, _clock()
        if before - self._clock > 1:
            log.warning("The clock went back by %.0f s.", before - self._clock)
            lease.put_back(before - self._clock)
            self._sweeping.set()

    def _start_scheduled(self) -> None:
        for schedule in runtime.current().schedules:
            slot = int(time.time() // schedule.every_s)
            task = schedule.job + (db.canonical_json(schedule.args) if schedule.args else "")
            if self._next.get(task) != slot:
                start_slot(schedule, task, slot)
                self._next[task] = slot

    def _serve(self) -> None:
        while not run.stopping.is_set():
            self._guarded(self._look)

    def _look(self) -> None:
        if self._rang() or self._sweeping.is_set():
            self._sweeping.clear()
            self.drain()

    def _rang(self) -> bool:
        """True when the bell rang. Redis waits for it by itself; the embedded queue is looked at."""
        try:
            message = bell.queue(self.settings).dequeue()
        except Exception as problem:  # down, wiped, or a message that is not ours: the sweep finds the rows
            log.warning("The doorbell is out of order (%s).", type(problem).__name__)
            run.stopping.wait(1)
            return False
        if message is None and not self.settings.redis_url:
            run.stopping.wait(POLL_S)
        return message is not None

    def drain(self) -> None:
        """Relay what happened, then work until nothing is due; a second due job rings for the next idle thread."""
        while deliveries.relay():
            pass
        shared, most = False, 1
        while not run.stopping.is_set():
            self._follow()
            jobs = lease.claim_some(most)
            if not jobs:
                return
            if not shared and len(jobs) == most and lease.tried_of_next() is not None:
                bell.ring()
                shared = True
            most = self._work_off(Batch(jobs))

    def _work_off(self, batch: Batch) -> int:
        """Run the jobs of a batch; how many the next one may have."""
        since = time.monotonic()
        self._batches.add(batch)
        try:
            for job in batch:
                if run.stopping.is_set():
                    break
                with runtime.bound(runtime.current()):
                    run.execute(job, batch.ends)
                if time.monotonic() - since > UNWRITTEN_S:  # what was done outside must soon be known as done
                    batch.ends.write()
                    since = time.monotonic()
        except run.Stopped:
            log.info("jobs %s go back to the queue", batch.held())
        finally:
            self._batches.discard(batch)
            batch.ends.write()
        return batch.next_size()

    def _follow(self) -> None:
        """The generation that the database names, before each job."""
        with self._building:
            if plugins.generation() != runtime.current().generation:
                runtime.install(plugins.build(self.settings))
                run.unpark()
                self._sweeping.set()  # what waited for a plugin need not wait for the next sweep


def _clock() -> float:
    """Grows and shrinks only when somebody sets the clock."""
    return time.time() - time.monotonic()


def start_slot(schedule: Schedule, task: str, slot: int) -> None:
    """Start a scheduled job, unless another worker has had this slot."""
    with db.transaction():
        if ScheduleSlot.insert(task=task, slot=slot).on_conflict_ignore().as_rowcount().execute():
            control.enqueue(system_context(), schedule.job, schedule.args)
