"""Kill -9 of web and workers at random while bulk actions and an import run: nothing lost, nothing twice."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import access, audit, auth, db, files, jobs, plugins
from core.audit import Entry
from core.context import SYSTEM, Context
from core.events import Event
from core.jobs.models import Job, JobItem
from core.settings import Settings
from plugins.transfer import api as transfer
from tests.ledger_kit import MERCHANT, install, things, work_off

KILLS = int(os.environ.get("MAKTAB_TEST_KILLS", "20")) // 2  # on each of the two databases
THINGS, CLICKS, ROWS = 900, 8, 3000
CTX = Context(actor=SYSTEM, source="cli")


class Processes:
    """One web server and two workers of an install; what is killed is started again."""

    def __init__(self, settings: Settings, port: int, names: Sequence[str] = ("web", "worker 1", "worker 2")) -> None:
        self.environ = {
            **os.environ, "MAKTAB_DATA_DIR": str(settings.data_dir), "MAKTAB_DATABASE_URL": settings.database_url,
            "MAKTAB_PLUGIN_DIR": str(MERCHANT), "MAKTAB_JOB_LEASE_S": "3", "PORT": str(port),
        }  # fmt: skip
        self.log = (settings.data_dir / "processes.log").open("ab")
        self.running = {name: self.start(name) for name in names}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "core.cli", name.split()[0]]
        return subprocess.Popen(
            command, env=self.environ, stdout=self.log, stderr=self.log, cwd=Path(__file__).parents[1]
        )

    def kill(self, name: str) -> None:
        family = psutil.Process(self.running[name].pid).children(recursive=True)
        for process in [*family, self.running[name]] if random.random() < 0.5 else family or [self.running[name]]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
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
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Iterator[Settings]:
    return install(settings, "transfer").settings


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def click(processes: Processes, port: int, token: str, number: int) -> int:
    """One press of the button, repeated with its key until it is answered; gives the job's number."""
    asked = {"all": True, "filters": {"name__prefix": "thing"}, "arguments": {"label": f"click {number}"}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": f"k{number}"}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/things/actions/stamp", json.dumps(asked).encode(), headers
    )
    end = time.monotonic() + 180
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(json.load(answer)["job"]["id"])
        except (OSError, urllib.error.URLError) as problem:
            if time.monotonic() > end:
                raise
            if isinstance(problem, urllib.error.HTTPError) and problem.code not in (409, 503):
                raise AssertionError(problem.read()) from problem
            time.sleep(0.2)
            processes.revive()


def open_jobs() -> int:
    return int(Job.select().where(Job.status.in_(["waiting", "running", "parked"])).count())


def test_killed_at_random_nothing_is_lost_and_nothing_done_twice(house: Settings, port: int) -> None:
    ids = things(THINGS)
    access.ensure_default_roles(CTX)
    user = auth.create_user(CTX, "clicker", secrets.token_urlsafe())
    access.assign(CTX, user, "owner")
    token = auth.create_token(CTX, user, ["*"])
    taken_in = start_import()
    processes = Processes(house, port)
    clicked: dict[int, int] = {}
    try:
        kills: Counter[str] = Counter()
        while kills.total() < KILLS or open_jobs() or len(clicked) < CLICKS:
            if len(clicked) < CLICKS:
                clicked[len(clicked)] = click(processes, port, token, len(clicked))
            if kills.total() < KILLS:
                time.sleep(random.uniform(0.1, 1.0))
                name = processes.victim()
                processes.kill(name)
                kills[name] += 1
            time.sleep(0.2)
            processes.revive()
    finally:
        processes.stop()
    check_import(taken_in)
    check(ids, clicked)


def start_import() -> int:
    text = "name,stamps\n" + "".join(f"row {number},0\n" for number in range(ROWS)) + "row 7,0\n,1\n"
    file = files.store(CTX, io.BytesIO(text.encode()), "rows.csv")
    mapping = transfer.Mapping(columns=(("name", "name"), ("stamps", "stamps")), key=("name",))
    return int(transfer.start(CTX, "ledger.thing", file.id, mapping).id)


def check_import(number: int) -> None:
    from ledger.models import Thing

    made = transfer.Import.get_by_id(number)
    assert (made.state, made.created, made.rejected) == ("completed_with_errors", ROWS, 1)
    names = [row[0] for row in Thing.select(Thing.name).where(Thing.name.startswith("row ")).tuples()]
    assert sorted(names) == sorted(f"row {row}" for row in range(ROWS))
    created = Entry.select().where(Entry.resource == "ledger.thing", Entry.action == "created")
    assert created.count() == ROWS


def test_a_worker_that_is_told_to_stop_gives_its_job_back_within_its_chunk(house: Settings) -> None:
    job = jobs.enqueue(CTX, "ledger.walk", {"steps": 400, "pause_s": 0.02})
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
    from ledger.models import Effect

    assert Effect.select().count() == 400
    assert Job.get_by_id(job.id).status == "done"


def check(ids: list[int], clicked: dict[int, int]) -> None:
    from ledger.models import Effect, Thing

    assert Job.select().where(Job.kind == "core.action").count() == len(clicked) == len(set(clicked.values()))
    for number, job_id in clicked.items():
        job = Job.get_by_id(job_id)
        done = sorted(row[0] for row in Effect.select(Effect.thing_id).where(Effect.what == f"click {number}").tuples())
        assert (job.status, job.done, job.failed) == ("done", len(ids), 0)
        assert done == ids, f"click {number}: {len(done)} effects"
        assert JobItem.select().where(JobItem.job_id == job_id, JobItem.state == "done").count() == len(ids)
    assert {row[0] for row in Thing.select(Thing.stamps).where(Thing.id.in_(ids)).tuples()} == {len(clicked)}
    stamped = Entry.select().where(Entry.resource == "ledger.thing", Entry.action == "stamped")
    assert stamped.count() == len(ids) * len(clicked)
    told = Event.select().where(Event.name == "ledger.thing_stamped.v1").count()
    delivered = Job.select().where(Job.kind == "core.deliver", Job.status == "done").count()
    assert told == delivered == len(clicked) * -(-len(ids) // 200)
    while audit.seal():
        pass
    assert audit.verify().ok
    assert plugins.generation() == 1
    assert db.database.is_closed() is False
