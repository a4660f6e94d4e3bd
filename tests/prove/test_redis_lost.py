"""R10: Redis is killed and has lost everything: no job lost, none more than 10 s late, pages and sign-in go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.jobs.models import Job
from core.settings import Settings
from core.testing import databases
from tests import chaos_kit, process_kit
from tests.ledger_kit import install, things
from tests.prove.conftest import scaled
from tests.prove.servers import Redis

pytestmark = [pytest.mark.prove, pytest.mark.slow]

ROUNDS, DELAY_S, DOWN_S = scaled(10, 2), 10.0, 4.0  # on each of the two databases
PASSWORD = "blue kettle on a warm stove"


@pytest.fixture
def redis() -> Iterator[Redis]:
    server = Redis(databases.RUN_DIR / f"lost-{time.monotonic_ns()}")
    yield server
    server.lose()


@pytest.fixture
def house(redis: Redis, app_db: Any, settings: Settings) -> Settings:
    return install(settings, redis_url=redis.url).settings


def test_a_lost_redis_costs_seconds_and_no_job(
    redis: Redis, house: Settings, port: int, figures: Callable[..., None]
) -> None:
    ids, caller = things(30), chaos_kit.Caller(port, chaos_kit.make_owner("clicker", PASSWORD))
    served = process_kit.Served(house, port)
    clicked: dict[int, int] = {}
    walks: list[int] = []
    slowest_s = 0.0

    def ask(number: int) -> None:
        walks.extend(chaos_kit.walk(5, 1))
        clicked[number] = caller.click(number)

    try:
        person = process_kit.Browser(served.address)
        assert person.sign_in("clicker", PASSWORD)[0] == 200
        for number in range(ROUNDS):
            ask(2 * number)
            redis.lose()
            process_kit.eventually(lambda: not chaos_kit.open_jobs(), 60, "an idle worker")
            ask(2 * number + 1)  # nobody rings for these
            began = time.monotonic()
            assert process_kit.Browser(served.address).sign_in("clicker", PASSWORD)[0] == 200
            assert {person.get(page)[0] for page in ("/admin/", "/admin/things/", "/admin/jobs/")} == {200}
            slowest_s = max(slowest_s, time.monotonic() - began)
            time.sleep(DOWN_S)
            redis.start()
            process_kit.eventually(lambda: not chaos_kit.open_jobs(), 60, "all jobs ended")
    finally:
        served.end()
    late_s = [(job.started_at - job.created_at).total_seconds() for job in Job.select().where(Job.kind << KINDS)]
    assert max(late_s) <= DELAY_S
    chaos_kit.check_walks(walks, 1)
    chaos_kit.check_clicks(ids, clicked)
    chaos_kit.check_audit()
    figures(
        "R10", losses=ROUNDS, jobs=len(late_s), lost=0, latest_start_s=round(max(late_s), 1),
        sign_in_and_three_pages_s=round(slowest_s, 1),
    )  # fmt: skip


KINDS = ["core.action", "ledger.walk"]
