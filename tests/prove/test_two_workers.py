"""Two workers on one job: one is frozen past its lease, the other goes on, and only one of them can write."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from core.jobs.models import Job
from core.settings import Settings
from tests import chaos_kit, process_kit
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow]

TAKEOVERS = scaled(15, 3)
STEPS = 100 * TAKEOVERS
FROZEN_S = 12.0  # the lease of 3 s, the sweep every 5 s, and a busy machine


def test_a_worker_that_wakes_after_its_lease_cannot_write_beside_the_new_one(
    house: Settings, figures: Callable[..., None]
) -> None:
    (number,) = chaos_kit.walk(1, STEPS, pause_s=0.02)
    logs = [house.data_dir / "first.log", house.data_dir / "second.log"]
    workers = [process_kit.start("worker", process_kit.environ_of(house), log) for log in logs]
    takeovers, kept = 0, 0
    try:
        process_kit.eventually(lambda: holder(number), 60, "the job begun")
        while takeovers < TAKEOVERS:
            time.sleep(random.uniform(0.0, 0.5))
            with frozen(holder(number)) as old:
                if new_holder(number, old):
                    takeovers += 1
                else:
                    kept += 1  # frozen in the middle of a transaction: then its locks keep the others out
            assert Job.get_by_id(number).status != "done", "the job ended before the last takeover: raise STEPS"
        process_kit.eventually(lambda: Job.get_by_id(number).status == "done", 300, "the job's end")
    finally:
        process_kit.kill([psutil.Process(worker.pid) for worker in workers])
        for worker in workers:
            worker.wait()
    refused = sum(log.read_text().count(f"Job {number} was taken over") for log in logs)
    assert refused >= takeovers, "a worker that woke up was not told"
    chaos_kit.check_walks([number], STEPS)
    figures("lease", takeovers=takeovers, frozen_in_a_transaction=kept, saves_refused=refused, steps=STEPS, doubled=0)


def holder(number: int) -> int:
    """Process id of whoever works on the job (0: nobody)."""
    job = Job.get_by_id(number)
    return int(job.worker.split("|")[1]) if job.status == "running" and job.token else 0


def new_holder(number: int, old: int) -> bool:
    end = time.monotonic() + FROZEN_S
    while time.monotonic() < end:
        if holder(number) not in (0, old):
            return True
        time.sleep(0.1)
    return False


class frozen(contextlib.AbstractContextManager[int]):
    """The process stands still; gives its number."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)

    def __enter__(self) -> int:
        self.process.send_signal(signal.SIGSTOP)
        return self.process.pid

    def __exit__(self, *problem: object) -> None:
        self.process.send_signal(signal.SIGCONT)
