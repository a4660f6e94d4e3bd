"""R8: the disk fills during bulk jobs and an import: read-only with a banner, nothing corrupt, back by itself."""

from __future__ import annotations

import contextlib
import hashlib
import random
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import db, files
from core.settings import Settings
from core.testing import databases
from tests import chaos_kit, process_kit
from tests.ledger_kit import install, things
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow]

ROUNDS, THINGS, ROWS, DISK_MB = scaled(10, 2), 900, scaled(20_000, 4_000), 192
PASSWORD = "blue kettle on a warm stove"
PAGES = ("/admin/", "/admin/things/", "/admin/things/1", "/admin/jobs/", "/admin/audit/", "/admin/profile/")
BANNER, REFUSED = "Read only for now", "Nothing was changed"


class Disk:
    """A small disk that can be full: whatever somebody frees is taken at once."""

    def __init__(self, place: Path) -> None:
        self.place, self._ballast = place, place / "ballast"
        self._freeing, self._filler = threading.Event(), threading.Thread()

    def fill(self) -> None:
        self._freeing.clear()
        self._filler = threading.Thread(target=self._take_all)
        self._filler.start()

    def _take_all(self) -> None:
        with self._ballast.open("wb", buffering=0) as out:
            while not self._freeing.wait(0.01):
                with contextlib.suppress(OSError):
                    while out.write(bytes(1 << 16)):
                        pass

    def free(self) -> None:
        self._freeing.set()
        if self._filler.is_alive():
            self._filler.join()
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    place = databases.RUN_DIR / "disk"
    place.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "maktab", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount: {mounted.stderr.strip()}")
    small = Disk(place)
    yield small
    small.free()
    databases.close_all()
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def house(disk: Disk) -> Settings:
    data_dir = disk.place / "data"
    settings = Settings(data_dir=data_dir, database_url=databases.sqlite_in(data_dir, "empty"))
    db.connect(settings.url)
    return install(settings, "transfer", job_lease_s=3).settings


class Person:
    """Somebody at the admin who makes things, and counts what was taken and what was refused."""

    def __init__(self, address: str) -> None:
        self.browser, self.made, self.refused = process_kit.Browser(address), 0, 0
        assert self.browser.sign_in("clicker", PASSWORD)[0] == 200

    def make(self) -> bool:
        """True when the new thing was taken."""
        status, text = self.browser.post("/admin/things/new", name=f"made {self.made}", stamps="0")
        if status == 503 and REFUSED in text:
            self.refused += 1
            return False
        assert status == 200, (status, text[-2000:])
        self.made += 1
        return True

    def read_all(self) -> bool:
        """Every page can be read; True when all of them carry the banner."""
        answers = [self.browser.get(page) for page in PAGES]
        assert {status for status, _ in answers} == {200}, [(p, a[0]) for p, a in zip(PAGES, answers, strict=True)]
        return all(BANNER in text for _, text in answers)


def test_a_full_disk_is_a_read_only_time_that_ends_by_itself(
    disk: Disk, house: Settings, port: int, tmp_path: Path, figures: Callable[..., None]
) -> None:
    ids, caller = things(THINGS), chaos_kit.Caller(port, chaos_kit.make_owner("clicker", PASSWORD))
    served = process_kit.Served(house, port, log=tmp_path / "serve.log")
    everybody = {process.pid for process in served.everybody()}
    clicked, back_s, uploads, at_work = {}, 0.0, 0, 0
    try:
        person = Person(served.address)
        taken_in = chaos_kit.start_import(ROWS)
        for number in range(ROUNDS):
            clicked[number] = caller.click(number)
            time.sleep(random.uniform(0.0, 1.0))
            disk.fill()
            at_work += chaos_kit.open_jobs() > 0
            process_kit.eventually(lambda: not person.make(), 30, "a refusal")
            assert person.read_all(), "a page without the banner"
            assert caller.once("/things?limit=1")["data"]
            uploads += refused_upload(caller)
            stranger = process_kit.Browser(served.address)
            assert stranger.sign_in("clicker", PASSWORD)[0] == 503
            time.sleep(random.uniform(0.0, 2.0))
            assert intact()
            disk.free()
            began = time.monotonic()
            process_kit.eventually(person.make, 30, "a change taken again")
            back_s = max(back_s, time.monotonic() - began)
            assert not person.read_all(), "the banner stays"
        process_kit.eventually(lambda: not chaos_kit.open_jobs(), 300, "all jobs ended")
        assert {process.pid for process in served.everybody()} == everybody, "somebody was started anew"
    finally:
        served.end()
    chaos_kit.check_import(taken_in, ROWS, others=person.made)
    chaos_kit.check_clicks(ids, clicked)
    check_things(person.made)
    chaos_kit.check_audit()
    corrupt = [file.key for file in files.StoredFile.select() if not is_whole(house, file)]
    assert (intact(), corrupt) == (True, [])
    assert len([file for file in house.files_dir.rglob("*") if file.is_file()]) == files.StoredFile.select().count()
    figures(
        "R8", times_full=ROUNDS, during_jobs=at_work, refusals=person.refused + uploads, changes_taken=person.made,
        corrupt_files=0, back_after_s=round(back_s, 1), processes_restarted=0,
    )  # fmt: skip


def refused_upload(caller: chaos_kit.Caller) -> int:
    """Two megabytes that do not fit any more are refused with a text, and nothing of them stays."""
    sheet = b"name,stamps\n" + b"".join(b"late %d,0\n" % number for number in range(200_000))
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="late.csv"\r\n\r\n' + sheet + b"\r\n--x--\r\n"
    headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{caller.address}/things/imports", part, headers)
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(request, timeout=40)
    text = answer.value.read().decode()
    assert (answer.value.code, REFUSED in text) == (503, True), text
    return 1


def intact() -> bool:
    return [row[0] for row in db.database.execute_sql("PRAGMA integrity_check").fetchall()] == ["ok"]


def is_whole(house: Settings, file: Any) -> bool:
    content = (house.files_dir / file.key[:2] / file.key).read_bytes()
    return hashlib.sha256(content).hexdigest() == file.sha256


def check_things(count: int) -> None:
    """What was answered with success is there, once, and nothing else."""
    from ledger.models import Thing

    found = sorted(row[0] for row in Thing.select(Thing.name).where(Thing.name.startswith("made ")).tuples())
    assert found == sorted(f"made {number}" for number in range(count))
