"""Kill -9 of web and workers at random while bulk actions and an import run: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from core import db, jobs, plugins
from core.jobs.models import Job
from core.settings import Settings
from tests import chaos_kit, process_kit
from tests.ledger_kit import install, things, work_off

KILLS = int(os.environ.get("MAKTAB_TEST_KILLS", "20")) // 2  # on each of the two databases
THINGS, CLICKS, ROWS = 900, 8, 3000


class Processes:
    """One web server and two workers of an install; what is killed is started again."""

    def __init__(self, settings: Settings, port: int, names: Sequence[str] = ("web", "worker 1", "worker 2")) -> None:
        self.environ = process_kit.environ_of(settings, port)
        self.log = settings.data_dir / "processes.log"
        self.running = {name: self.start(name) for name in names}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        return process_kit.start(name.split()[0], self.environ, self.log)

    def kill(self, name: str) -> None:
        head, *children = process_kit.family(self.running[name].pid)
        process_kit.kill([head, *children] if random.random() < 0.5 else children or [head])
        self.revive()

    def victim(self) -> str:
        """Rather one that works on a job now than one that is only starting."""
        holders = {row.worker.split("|")[1] for row in Job.select(Job.worker).where(Job.status == "running")}
        busy = [name for name, process in self.running.items() if str(process.pid) in holders]
        return random.choice(busy if busy and random.random() < 0.7 else list(self.running))

    def revive(self) -> None:
        """What the supervisor of an install does."""
        for name, process in self.running.items():
            if process.poll() is not None:
                self.running[name] = self.start(name)

    def stop(self) -> None:
        for process in self.running.values():
            process_kit.kill(process_kit.family(process.pid))
            process.wait()


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Iterator[Settings]:
    return install(settings, "transfer", job_lease_s=3).settings


@pytest.fixture
def port() -> int:
    return process_kit.free_port()


def test_killed_at_random_nothing_is_lost_and_nothing_done_twice(house: Settings, port: int) -> None:
    ids = things(THINGS)
    caller = chaos_kit.Caller(port, chaos_kit.make_owner())
    taken_in = chaos_kit.start_import(ROWS)
    processes = Processes(house, port)
    clicked: dict[int, int] = {}
    try:
        kills: Counter[str] = Counter()
        while kills.total() < KILLS or chaos_kit.open_jobs() or len(clicked) < CLICKS:
            if len(clicked) < CLICKS:
                clicked[len(clicked)] = caller.click(len(clicked), processes.revive)
            if kills.total() < KILLS:
                time.sleep(random.uniform(0.1, 1.0))
                name = processes.victim()
                processes.kill(name)
                kills[name] += 1
            time.sleep(0.2)
            processes.revive()
    finally:
        processes.stop()
    chaos_kit.check_import(taken_in, ROWS)
    chaos_kit.check_clicks(ids, clicked)
    chaos_kit.check_audit()
    assert plugins.generation() == 1
    assert db.database.is_closed() is False


def test_a_worker_that_is_told_to_stop_gives_its_job_back_within_its_chunk(house: Settings) -> None:
    job = jobs.enqueue(chaos_kit.CTX, "ledger.walk", {"steps": 400, "pause_s": 0.02})
    first = Processes(house, 0, ["worker"])
    try:
        for _ in range(600):
            if Job.get_by_id(job.id).done > 20:
                break
            time.sleep(0.1)
        first.running["worker"].send_signal(signal.SIGINT)
        assert first.running["worker"].wait(30) == 0
    finally:
        first.stop()
    stopped = Job.get_by_id(job.id)
    assert (stopped.status, stopped.worker, stopped.attempts) == ("waiting", "", 0)
    assert 20 < stopped.done < 400
    work_off(house)
    chaos_kit.check_walks([job.id], 400)
