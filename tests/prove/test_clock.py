"""R7: the clock jumps by an hour, or two hosts differ by 5 min: no job twice or late, no session for ever."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.jobs.models import Job, ScheduleSlot
from core.settings import Settings
from tests import chaos_kit, process_kit
from tests.ledger_kit import things
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow]

HOUR_S, SKEW_S = 3600, 300
LATE_S = 60  # what waits for the clock is late by an hour; the figure says how long it took
JUMPS = [HOUR_S, 0, -HOUR_S, 0] * scaled(3)
ROUNDS = scaled(10, 2)
PASSWORD = "blue kettle on a warm stove"


class Clock:
    """The wall clock of the processes that get `environ`; it can be put forward and back while they run."""

    def __init__(self, place: Path, ahead_s: int = 0) -> None:
        libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            pytest.skip("no faketime: apt-get install faketime")
        self._file = place
        self._file.write_text(f"{ahead_s:+d}")
        self.environ = {
            "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(place), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def set(self, ahead_s: int) -> None:
        """At once, in all processes. Under faketime time.sleep goes wrong then, the waits of our own code do not."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{ahead_s:+d}")
        draft.replace(self._file)


@pytest.fixture(autouse=True)
def no_litter() -> Iterator[None]:
    """faketime leaves two files in /dev/shm for each process that was killed."""
    yield
    for file in Path("/dev/shm").glob("*faketime_*"):
        if not psutil.pid_exists(int(file.name.rpartition("_")[2])):
            file.unlink(missing_ok=True)


def signed_in(address: str) -> process_kit.Browser:
    person = process_kit.Browser(address)
    person.sign_in("clicker", PASSWORD)
    assert is_signed_in(person)
    return person


def is_signed_in(person: process_kit.Browser) -> bool:
    return "/admin/sign-out" in person.get("/admin/")[1]


def work_off() -> float:
    """Seconds until no job is open."""
    began = time.monotonic()
    process_kit.eventually(lambda: not chaos_kit.open_jobs(), LATE_S, "all jobs ended in time")
    return time.monotonic() - began


def check_schedules(most_slots: int) -> int:
    """Every slot of a schedule was started once; gives the number of starts."""
    slots = Counter(slot.task for slot in ScheduleSlot.select())
    for task, count in slots.items():
        assert count == Job.select().where(Job.kind == task).count() <= most_slots, task
    return slots.total()


def test_a_clock_that_jumps_by_an_hour_starts_no_job_twice_or_late(
    house: Settings, port: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    ids, caller = things(900), chaos_kit.Caller(port, chaos_kit.make_owner("clicker", PASSWORD))
    clock = Clock(tmp_path / "clock")
    served = process_kit.Served(house, port, clock.environ)
    second = process_kit.start("worker", process_kit.environ_of(house) | clock.environ, tmp_path / "second.log")
    clicked: dict[int, int] = {}
    latest_s = 0.0
    try:
        for jump in JUMPS:
            for _ in range(3):  # running and waiting while the clock jumps
                clicked[len(clicked)] = caller.click(len(clicked))
            clock.set(jump)
            clicked[len(clicked)] = caller.click(len(clicked))
            latest_s = max(latest_s, work_off())
            signed_in(served.address)
    finally:
        served.end()
        second.kill()
        second.wait()
    chaos_kit.check_clicks(ids, clicked)
    chaos_kit.check_audit()
    starts = check_schedules(4)  # the hour, the ones before and after it, and one that may begin meanwhile
    figures(
        "R7", jumps=len(JUMPS), jump_s=HOUR_S, jobs=len(clicked), doubled=0, all_done_after_s=round(latest_s, 1),
        schedule_starts=starts, schedule_starts_doubled=0,
    )  # fmt: skip


@pytest.mark.parametrize("database_kind", ["postgres"])
def test_two_hosts_with_different_clocks_share_jobs_and_sessions(
    house: Settings, port: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    ids, user = things(900), chaos_kit.make_owner("clicker", PASSWORD)
    other_port = process_kit.free_port()
    callers = [chaos_kit.Caller(port, user), chaos_kit.Caller(other_port, user)]
    ahead, behind = Clock(tmp_path / "ahead", SKEW_S), Clock(tmp_path / "behind", -SKEW_S)
    hosts = [process_kit.Served(house, port, behind.environ)]
    clicked: dict[int, int] = {}
    latest_s = 0.0
    try:
        hosts.append(process_kit.Served(house, other_port, ahead.environ, log=tmp_path / "ahead.log"))
        person = signed_in(hosts[1].address)
        for number in range(ROUNDS):
            for caller in callers:
                clicked[len(clicked)] = caller.click(len(clicked))
            latest_s = max(latest_s, work_off())
            person.address = hosts[number % 2].address
            assert is_signed_in(person)
    finally:
        for host in hosts:
            host.end()
    chaos_kit.check_clicks(ids, clicked)
    chaos_kit.check_audit()
    check_schedules(2)
    figures(
        "R7", hosts=2, apart_s=2 * SKEW_S, jobs=len(clicked), doubled=0, all_done_after_s=round(latest_s, 1),
        sessions_lost=0,
    )  # fmt: skip


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_no_clock_makes_a_session_for_ever(
    house: Settings, port: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    chaos_kit.make_owner("clicker", PASSWORD)
    clock = Clock(tmp_path / "clock")
    served = process_kit.Served(house, port, clock.environ)
    try:
        early = signed_in(served.address)
        clock.set(-SKEW_S)
        assert is_signed_in(early), "five minutes back ended a session"
        clock.set(HOUR_S)
        assert not is_signed_in(early), "an hour later the idle session lives"
        years = 400 * 24 * HOUR_S
        clock.set(years)
        wrong = signed_in(served.address)
        clock.set(0)
        assert not is_signed_in(wrong), "a session of a clock that was wrong lives on"
    finally:
        served.end()
    figures("R7", sessions_for_ever=0, idle_limit_s=60 * house.session_idle_minutes)
