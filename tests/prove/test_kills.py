"""R1: web, worker and supervisor killed -9 at random during bulk jobs and an import: 0 lost, 0 double, 0 half rows."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from core.jobs.models import Job
from core.settings import Settings
from tests import chaos_kit, process_kit
from tests.ledger_kit import things
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow]

KILLS, THINGS, ROWS = scaled(100, 5), 900, scaled(50_000, 2_000)
ORPHANS_S = 20  # by then nobody whom a dead supervisor or web server left behind may live or answer


class Chaos:
    """`maktab serve` and a second worker beside it; whom we kill comes back, by the supervisor or by us."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.settings, self.port = settings, port
        self.kills: Counter[str] = Counter()
        self.orphans_s = self.port_s = 0.0
        self.served = process_kit.Served(settings, port)
        self.second = self._start_second()

    def _start_second(self) -> Any:
        return process_kit.start("worker", process_kit.environ_of(self.settings), self.served.log)

    def kill_one(self) -> None:
        name = random.choice(["supervisor", "web", "web worker", "worker", "worker", "second worker"])
        if getattr(self, "_kill_" + name.replace(" ", "_"))():
            self.kills[name] += 1

    def _kill_supervisor(self) -> bool:
        orphans = self.served.everybody()
        self.served.process.kill()
        self.served.process.wait()
        began = time.monotonic()
        process_kit.eventually(self.served.port_is_free, ORPHANS_S, "the port free")
        self.port_s = max(self.port_s, time.monotonic() - began)
        self._wait_for(orphans)
        assert self.served.port_is_free()
        self.served = process_kit.Served(self.settings, self.port)
        return True

    def _kill_web(self) -> bool:
        found = self.served.children("web")
        process_kit.kill(found[:1])
        self._wait_for(found)
        return bool(found)

    def _kill_web_worker(self) -> bool:
        found = self.served.children("web")[1:]
        process_kit.kill(found)
        return bool(found)

    def _kill_worker(self) -> bool:
        found = self.served.children("worker")
        process_kit.kill(found)
        return bool(found)

    def _kill_second_worker(self) -> bool:
        self.second.kill()
        self.second.wait()
        self.revive()
        return True

    def _wait_for(self, orphans: list[psutil.Process]) -> None:
        began = time.monotonic()
        process_kit.eventually(lambda: process_kit.is_gone(orphans), ORPHANS_S, f"orphans gone: {orphans}")
        self.orphans_s = max(self.orphans_s, time.monotonic() - began)

    def revive(self) -> None:
        if self.second.poll() is not None:
            self.second = self._start_second()

    def end(self) -> None:
        self.served.end()
        self.second.kill()
        self.second.wait()


def open_actions() -> int:
    return int(Job.select().where(Job.kind == "core.action", Job.status.in_(["waiting", "running"])).count())


def test_killed_at_random_nothing_is_lost_doubled_or_half_done(
    house: Settings, port: int, figures: Callable[..., None]
) -> None:
    ids, caller = things(THINGS), chaos_kit.Caller(port, chaos_kit.make_owner())
    taken_in, clicked, began = chaos_kit.start_import(ROWS), {}, time.monotonic()
    chaos = Chaos(house, port)
    try:
        while chaos.kills.total() < KILLS:
            while open_actions() < 2:  # never a kill without work to lose
                clicked[len(clicked)] = caller.click(len(clicked), chaos.revive)
            time.sleep(random.uniform(0.1, 1.5))
            chaos.kill_one()
        process_kit.eventually(lambda: not chaos_kit.open_jobs(), 600, "all jobs ended")
    finally:
        chaos.end()
    chaos_kit.check_import(taken_in, ROWS)
    chaos_kit.check_clicks(ids, clicked)
    chaos_kit.check_audit()
    figures(
        "R1", kills=dict(chaos.kills), rows_imported=ROWS, rows_stamped=len(ids) * len(clicked), lost=0, doubled=0,
        half=0, port_free_after_s=round(chaos.port_s, 1), orphans_gone_after_s=round(chaos.orphans_s, 1),
        took_s=round(time.monotonic() - began),
    )  # fmt: skip
