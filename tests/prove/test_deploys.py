"""R2: SIGTERM or SIGINT with 500 jobs queued, 20 times: nothing lost, each stop within 30 s."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from core.jobs.models import Job
from core.settings import Settings
from tests import chaos_kit, process_kit
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow]

JOBS, STEPS, DEPLOYS, STOP_S = scaled(500, 50), 8, scaled(10, 2), 30  # on each of the two databases


def test_deploys_with_a_full_queue_lose_no_job_and_stop_in_time(
    house: Settings, port: int, figures: Callable[..., None]
) -> None:
    numbers = chaos_kit.walk(JOBS, STEPS, pause_s=0.03)
    queued, longest_s = [], 0.0
    for deploy in range(DEPLOYS):
        served = process_kit.Served(house, port)
        try:
            before = waiting()
            process_kit.eventually(lambda before=before: waiting() < before, 30, "a job begun")
            queued.append(waiting())
            began = time.monotonic()
            served.process.send_signal((signal.SIGTERM, signal.SIGINT)[deploy % 2])
            assert served.process.wait(60) == 0
            longest_s = max(longest_s, time.monotonic() - began)
            assert Job.select().where(Job.status == "running").count() == 0
            assert served.port_is_free()
        finally:
            served.end()
    assert longest_s <= STOP_S
    assert queued[-1] > 0, "the queue was empty before the last deploy"
    assert not Job.select().where(Job.kind == "ledger.walk", Job.attempts > 1).count(), "a stop counted as a failure"
    last = process_kit.Served(house, port)
    try:
        process_kit.eventually(lambda: not chaos_kit.open_jobs(), 600, "all jobs done")
    finally:
        last.end()
    chaos_kit.check_walks(numbers, STEPS)
    figures(
        "R2", deploys=DEPLOYS, jobs=JOBS, queued_at_first=queued[0], queued_at_last=queued[-1], lost=0, doubled=0,
        longest_stop_s=round(longest_s, 1),
    )  # fmt: skip


def waiting() -> int:
    return int(Job.select().where(Job.status == "waiting", Job.kind == "ledger.walk").count())
