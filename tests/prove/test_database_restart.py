"""R9: PostgreSQL crashes and comes back under load: 503 meanwhile, success within 2 s, no half effects."""

from __future__ import annotations

import random
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.audit import Entry
from core.jobs.models import Job
from core.settings import Settings
from core.testing import databases
from tests import chaos_kit, process_kit
from tests.ledger_kit import install, things
from tests.prove.conftest import scaled
from tests.prove.servers import Postgres

pytestmark = [pytest.mark.prove, pytest.mark.slow]

RESTARTS, CLIENTS, SUCCESS_S = scaled(10, 2), 4, 2.0
PASSWORD = "blue kettle on a warm stove"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres(databases.RUN_DIR / "restarted")
    yield server
    server.stop()


@pytest.fixture
def house(postgres: Postgres, tmp_path: Path) -> Settings:
    return install(postgres.connect(tmp_path / "data"), job_lease_s=3).settings


class Load:
    """Pages, reads and keyed writes from several clients at once; every answer with its moment."""

    def __init__(self, port: int, things: list[int]) -> None:
        self.port, self.things, self.labels = port, things, 0
        self.answers: list[tuple[float, int, str]] = []
        self._ending, self._lock = threading.Event(), threading.Lock()
        user = chaos_kit.make_owner("clicker", PASSWORD)
        # A token each: the limit of calls counts by token.
        writers = [chaos_kit.Caller(port, user) for _ in range(CLIENTS)]
        readers = [chaos_kit.Caller(port, user) for _ in range(CLIENTS)]
        work = [(self._write, caller) for caller in writers] + [(self._read, caller) for caller in readers]
        self._threads = [threading.Thread(target=self._repeat, args=one) for one in work]
        self._threads.append(threading.Thread(target=self._browse))
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(90)  # a key whose call was cut is free again after a minute
            assert not thread.is_alive()

    def _note(self, status: int, text: str) -> None:
        self.answers.append((time.monotonic(), status, text))

    def _repeat(self, work: Callable[[chaos_kit.Caller], None], caller: chaos_kit.Caller) -> None:
        while not self._ending.is_set():
            work(caller)
            time.sleep(random.uniform(0.1, 0.3))

    def _once(self, caller: chaos_kit.Caller, path: str, body: object = None, key: str = "") -> int:
        try:
            caller.once(path, body, key, timeout_s=40)
            status, text = 200, ""
        except urllib.error.HTTPError as problem:
            status, text = problem.code, problem.read().decode()
        self._note(status, text)
        return status

    def _read(self, caller: chaos_kit.Caller) -> None:
        self._once(caller, "/things?limit=20")

    def _write(self, caller: chaos_kit.Caller) -> None:
        """One write with a key of its own, repeated until it is answered."""
        with self._lock:
            number, self.labels = self.labels, self.labels + 1
        asked = {"ids": self.things, "arguments": {"label": f"write {number}"}}
        while self._once(caller, "/things/actions/stamp", asked, f"w{number}") != 200:
            time.sleep(0.3)  # a call more often than the limit of calls allows would be another answer

    def _browse(self) -> None:
        person = process_kit.Browser(f"http://127.0.0.1:{self.port}")
        status, text = person.sign_in("clicker", PASSWORD)
        assert status == 200, text
        while not self._ending.is_set():
            self._note(*person.get("/admin/things/"))
            time.sleep(random.uniform(0.1, 0.3))


def test_a_database_that_crashes_under_load_costs_seconds_and_no_effect(
    postgres: Postgres, house: Settings, port: int, figures: Callable[..., None]
) -> None:
    chosen = things(15)
    walks = chaos_kit.walk(20 * RESTARTS, 10, pause_s=0.02)
    served = process_kit.Served(house, port)
    load = Load(port, chosen)
    first_s, last_s = [], []
    try:
        for _ in range(RESTARTS):
            time.sleep(3)
            down = time.monotonic()
            up = postgres.restart(down_s=random.uniform(0.0, 2.0))
            time.sleep(4)
            seen = [answer for answer in load.answers if answer[0] > down]
            first_s.append(min(at for at, status, _ in seen if status == 200 and at > up) - up)
            last_s.append(max([at for at, status, _ in seen if status == 503], default=up) - up)
        load.end()
        databases.close_all()  # our own connection was cut like all others
        process_kit.eventually(lambda: not chaos_kit.open_jobs(), 300, "all jobs ended")
    finally:
        load.end()
        served.end()
    statuses = Counter(status for _, status, _ in load.answers)
    odd = [answer for answer in load.answers if answer[1] not in (200, 409, 503)]
    assert not odd, odd[0]
    assert statuses[503] >= RESTARTS, "no request met a database that was down"
    assert max(first_s) <= SUCCESS_S, first_s
    chaos_kit.check_walks(walks, 10)
    check_writes(chosen, load.labels)
    chaos_kit.check_audit()
    figures(
        "R9", restarts=RESTARTS, answers=dict(statuses), first_success_s=round(max(first_s), 2),
        last_refusal_s=round(max(last_s), 2), writes=load.labels, half_effects=0,
    )  # fmt: skip


def check_writes(chosen: list[int], count: int) -> None:
    """Each write has stamped its 15 things once, with their audit entries and one event, or nothing would balance."""
    from ledger.models import Effect, Thing

    for number in range(count):
        rows = Effect.select(Effect.thing_id).where(Effect.what == f"write {number}").order_by(Effect.thing_id)
        assert [row[0] for row in rows.tuples()] == chosen, number
    assert {row[0] for row in Thing.select(Thing.stamps).tuples()} == {count}
    assert Entry.select().where(Entry.action == "stamped").count() == len(chosen) * count
    assert Job.select().where(Job.kind == "core.deliver", Job.status == "done").count() == count
