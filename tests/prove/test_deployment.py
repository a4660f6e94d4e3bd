"""docs/deploy.md: two web and two worker processes behind a proxy, each killed and replaced in turn under work.

One person signs in, looks at a list, stamps all that match (a stamp counts, so that a second one would show), sees the
job's progress, undoes it, imports a file and adds a record, over and over, while readers read. What a proxy repeats (a
GET) must never fail; what carries a key is repeated by the caller and must be done once.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import auth, db, runtime
from core.audit import Entry
from core.jobs.models import Job
from core.settings import Settings
from core.testing import databases
from plugins.transfer.api import Import
from tests import chaos_kit, process_kit
from tests.ledger_kit import effects, install, things
from tests.prove.conftest import scaled
from tests.prove.deployment import SAMPLES, Proxy, Unit, running
from tests.prove.servers import Postgres, Redis

pytestmark = [pytest.mark.prove, pytest.mark.slow]

TURNS, THINGS, ROWS, READERS = scaled(40, 4), 600, 300, 2  # on each of the two proxies
PASSWORD = "blue kettle on a warm stove"
FORGED = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres(databases.RUN_DIR / f"deployed-{time.monotonic_ns()}")
    yield server
    server.stop()


@pytest.fixture
def shop(postgres: Postgres, home: Path) -> Iterator[Settings]:
    """An install on a PostgreSQL and a Redis of its own, with the ledger plugin."""
    redis = Redis(databases.RUN_DIR / f"deployed-redis-{time.monotonic_ns()}")
    settings = postgres.connect(home / "data")
    yield install(replace(settings, redis_url=redis.url), "transfer").settings
    redis.lose()


class Readers:
    """People who look at lists, through the proxy; `failed`: answers that were not 200."""

    def __init__(self, proxy: Proxy, person: process_kit.Browser, user: Any) -> None:
        self.failed, self.read, page = [], 0, "/admin/things/?name__prefix=thing"
        token = auth.create_token(chaos_kit.CTX, user, ["*"])
        self._over = threading.Event()
        self._asks: list[Callable[[], int]] = [
            lambda: proxy.status("/api/v1/things?limit=50", Authorization=f"Bearer {token}", **FORGED),
            lambda: person.get(page)[0],
            lambda: proxy.status("/healthz"),
            lambda: person.get("/admin/jobs/")[0],
        ]
        self._threads = [threading.Thread(target=self._go, daemon=True) for _ in range(READERS)]
        for thread in self._threads:
            thread.start()

    def _go(self) -> None:
        while not self._over.wait(0.2):  # a token may make 600 calls a minute
            for number, ask in enumerate(self._asks):
                try:
                    status: Any = ask()
                except OSError as problem:
                    status = repr(problem)
                self.read += 1
                if status != 200:
                    self.failed.append((number, status))

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)


class Changes(threading.Thread):
    """Each process in turn is killed (-9) or stopped (SIGTERM), and started again after its RestartSec."""

    def __init__(self, units: list[Unit]) -> None:
        super().__init__(daemon=True)
        self.units, self.longest_stop_s, self.problem = units, 0.0, ""

    def run(self) -> None:
        chance = random.Random(7)
        try:
            for turn in range(TURNS):
                unit = self.units[turn % len(self.units)]
                time.sleep(chance.uniform(0.2, 1.5))
                if turn // len(self.units) % 2:
                    self.longest_stop_s = max(self.longest_stop_s, unit.stop())
                else:
                    unit.kill()
                time.sleep(unit.restart_s)
                unit.start()
                process_kit.eventually(unit.is_ready, 60, f"{unit.name} is ready again")
        except BaseException as problem:
            self.problem = repr(problem)
            raise


class Person:
    """Whoever works: each step through the proxy, until it is answered."""

    def __init__(self, proxy: Proxy, user: Any) -> None:
        self.proxy, self.repeated = proxy, 0
        self.caller = chaos_kit.Caller(proxy.address, user, proxy.trust)
        self.browser = process_kit.Browser(proxy.address, proxy.trust)

    def press(self, path: str, **form: Any) -> None:
        """A form, sent again when the proxy says that the process died under it."""
        end = time.monotonic() + 60
        while (status := self.browser.post(path, **form)[0]) in (502, 503):
            self.repeated += 1
            assert time.monotonic() < end
            time.sleep(0.2)
        assert status == 200, (path, status)

    def work(self, number: int, ids: list[int]) -> int:
        self.browser.get("/admin/sign-in")
        self.press("/admin/sign-in", username="clicker", password=PASSWORD)
        assert f"thing {THINGS - 1}" in self.browser.get("/admin/things/?name__prefix=thing")[1]
        stamped = self.caller.click(number)
        self.wait(stamped)
        assert effects(f"click {number}") == ids
        self.press(f"/admin/jobs/{stamped}/undo")
        undo = process_kit.eventually(
            lambda: Job.get_or_none(Job.kind == "core.undo", Job.key.startswith(f"undo:{stamped}:")), 60, "the undo"
        )
        self.wait(undo.id)
        self.bring_in(number)
        self.caller.call("/things", {"name": f"made {number}"}, f"made-{number}")
        return stamped

    def bring_in(self, number: int) -> None:
        rows = "".join(f"row {number}-{row},0\r\n" for row in range(ROWS))
        head = 'Content-Disposition: form-data; name="file"; filename="rows.csv"\r\nContent-Type: text/csv'
        body = f"--edge\r\n{head}\r\n\r\nname,stamps\r\n{rows}\r\n--edge--\r\n".encode()
        sent = (body, "multipart/form-data; boundary=edge")
        self.wait(self.caller.call("/things/imports", sent, f"rows-{number}")["job"]["id"])

    def wait(self, job: int) -> None:
        """Look at the job until it has ended; every look must succeed."""

        def has_ended() -> bool:
            time.sleep(0.2)
            return bool(self.caller.once(f"/jobs/{job}")["finished_at"])

        process_kit.eventually(has_ended, 120, f"job {job} ended")


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_processes_behind_a_proxy_are_replaced_without_a_failed_read_or_a_double_effect(
    program: str, postgres: Postgres, shop: Settings, home: Path, figures: Callable[..., None]
) -> None:
    ids, user, clicked, rounds = things(THINGS), chaos_kit.make_owner("clicker", PASSWORD), {}, 0
    with running(program, shop, home) as (proxy, units):
        person = Person(proxy, user)
        looker = process_kit.Browser(proxy.address, proxy.trust)
        assert looker.sign_in("clicker", PASSWORD)[0] == 200
        assert proxy.status("/metrics") == 403
        assert program == "caddy" or proxy.leads_to_tls()
        readers, changing = Readers(proxy, looker, user), Changes(units)
        changing.start()
        while changing.is_alive() or not rounds:
            clicked[rounds] = person.work(rounds, ids)
            rounds += 1
        readers.end()
        assert not changing.problem
        memory = {unit.verb: unit.memory_mb() for unit in units}
        connections = db.database.execute_sql("SELECT count(*) FROM pg_stat_activity WHERE datname = 'maktab'")
        busiest = int(connections.fetchone()[0])
        backed_up = back_up_and_restore(postgres, shop, home)
        process_kit.eventually(lambda: not chaos_kit.open_jobs(), 120, "all jobs done")
    assert readers.failed == []
    check(rounds, clicked, ids)
    assert backed_up == THINGS + rounds * (ROWS + 1)
    figures(
        "deployment", proxy=program, replaced=TURNS, rounds=rounds, reads=readers.read, failed_reads=0,
        repeated_forms=person.repeated, lost=0, doubled=0, longest_stop_s=round(changing.longest_stop_s, 1),
        web_mb=memory["web"], worker_mb=memory["worker"], connections=busiest, restored=backed_up,
    )  # fmt: skip


def check(rounds: int, clicked: dict[int, int], ids: list[int]) -> None:
    """Every stamp once and taken back, every row and record once, whoever asked known by his real address."""
    from ledger.models import Thing

    for number, job in clicked.items():
        assert effects(f"click {number}") == ids
        assert Job.get_by_id(job).status == "done"
    assert Job.select().where(Job.kind == "core.undo").count() == rounds
    assert {row[0] for row in Thing.select(Thing.stamps).tuples()} == {0}
    names = [row[0] for row in Thing.select(Thing.name).where(~Thing.name.startswith("thing")).tuples()]
    wanted = [f"row {number}-{row}" for number in range(rounds) for row in range(ROWS)]
    assert sorted(names) == sorted([*wanted, *(f"made {number}" for number in range(rounds))])
    assert Import.select().count() == rounds
    assert {row[0] for row in Entry.select(Entry.ip).where(Entry.source.in_(["ui", "api"])).distinct().tuples()} == {
        "127.0.0.1"
    }
    chaos_kit.check_audit()


def back_up_and_restore(postgres: Postgres, shop: Settings, home: Path) -> int:
    """backup.sh on the running install, restore.sh into an empty one; how many things there are in it."""
    import psycopg

    postgres.execute("CREATE DATABASE restored ENCODING 'UTF8' TEMPLATE template0")
    url = postgres.server.get_uri("restored")
    path = f"{postgres.server.bin_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    given = {**os.environ, "PATH": path, "MAKTAB_PLUGIN_DIR": shop.plugin_dir}
    for script, data, database, more in (
        ("backup.sh", shop.data_dir, shop.database_url, []),
        ("restore.sh", home / "restored", url, [str(shop.data_dir / "keys")]),
    ):
        here = given | {"MAKTAB_DATA_DIR": str(data), "MAKTAB_DATABASE_URL": database}
        command = ["sh", str(SAMPLES / script), str(home / "backup"), *more]
        done = subprocess.run(command, env=here, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
    files = runtime.current().settings.files_dir
    assert {one.name for one in (home / "restored" / "files").rglob("*")} >= {one.name for one in files.rglob("*")}
    with psycopg.connect(url) as connection:
        return int(connection.execute("SELECT count(*) FROM ledger_thing").fetchone()[0])  # type: ignore[index]
