"""R8: a write or sync of the database fails with EIO: what was told as taken is there, what was refused is not."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import audit, db
from core.settings import Settings
from tests import process_kit
from tests.prove.conftest import scaled

pytestmark = [pytest.mark.prove, pytest.mark.slow, pytest.mark.parametrize("database_kind", ["sqlite"])]

POINTS, THINGS = scaled(50, 6), 25
CALLS = ("pwrite64", "fdatasync,fsync")


def written(house: Settings, label: str, log: Path, *inject: str) -> dict[str, Any]:
    """What the writer said under strace, which looks only at calls on the database's own files."""
    files = [house.data_dir / f"maktab.db{end}" for end in ("", "-wal")]
    only = [part for file in files for part in ("-P", str(file))]
    traced = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CALLS)}", *only, *inject]
    command = [*traced, sys.executable, "-P", "-m", "tests.prove.writer", label, str(THINGS)]
    environ = process_kit.environ_of(house) | {"PYTHONPATH": str(process_kit.ROOT)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, cwd=process_kit.ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["other"] == [], told
    assert len(told["taken"]) + len(told["refused"]) == THINGS
    assert sorted(told["there"]) == sorted(told["taken"]), "what was refused is there, or what was taken is not"
    return told


@pytest.mark.skipif(shutil.which("strace") is None, reason="disk errors are injected by strace, which is not there")
def test_a_failed_write_or_sync_is_a_refusal_and_nothing_else(
    house: Settings, tmp_path: Path, figures: Callable[..., None]
) -> None:
    log, refused, hidden = tmp_path / "calls.log", 0, 0
    db.database.close_all()
    taken = len(written(house, "calm", log)["taken"])
    counts = {names: sum(log.read_text().count(f"{name}(") for name in names.split(",")) for names in CALLS}
    assert taken == THINGS
    if not all(counts.values()):
        pytest.skip("strace may not trace here")
    for point in range(POINTS):
        names = CALLS[point % len(CALLS)]
        inject = f"inject={names}:error=EIO:when={random.randint(1, counts[names])}"
        told = written(house, f"point {point}", log, "-e", inject)
        hit = "(INJECTED)" in log.read_text()
        assert hit or not told["refused"]
        taken += len(told["taken"])
        refused += len(told["refused"])
        hidden += hit and not told["refused"]  # SQLite got over it: a checkpoint that is repeated later
    assert [row[0] for row in db.database.execute_sql("PRAGMA integrity_check").fetchall()] == ["ok"]
    made = audit.Entry.select().where(audit.Entry.resource == "ledger.thing", audit.Entry.action == "created")
    assert made.count() == taken
    assert refused >= POINTS // 4, "hardly any call failed where it matters"
    figures("R8", points=POINTS, refused=refused, hidden=hidden, corrupt=0)
