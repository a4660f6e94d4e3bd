"""`maktab serve` for real: it starts, heals, stops, and leaves nobody behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from tests.process_kit import Served, eventually, free_port, is_gone, kill

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def database_kind() -> str:
    return "sqlite"  # the processes are the same on both; the databases have tests of their own


@pytest.fixture
def served(new_install: Settings, port: int) -> Iterator[Served]:
    running = Served(new_install, port)
    everybody = running.everybody()
    yield running
    kill(everybody)
    running.end()


def test_serve_answers_and_ctrl_c_stops_it_cleanly(served: Served) -> None:
    assert json.loads(served.get("/readyz")[1])["status"] == "ok"
    everybody = served.everybody()
    assert len(everybody) >= 3  # web, its worker process, job worker
    began = time.monotonic()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(30) == 0
    assert time.monotonic() - began < 30
    assert is_gone(everybody)
    assert served.port_is_free()
    assert "Traceback" not in served.log.read_text()


def test_sigterm_stops_it_as_well(served: Served) -> None:
    everybody = served.everybody()
    served.process.terminate()
    assert served.process.wait(30) == 0
    assert is_gone(everybody)


def test_after_kill_of_the_supervisor_nobody_keeps_the_port(served: Served) -> None:
    everybody = served.everybody()
    served.process.kill()
    eventually(lambda: is_gone(everybody), 30, "all children gone")
    assert served.port_is_free()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_killed_process_is_replaced(served: Served, name: str) -> None:
    old = eventually(lambda: served.children(name), 10, name)
    old[0].kill()
    eventually(lambda: {p.pid for p in served.children(name)} - {p.pid for p in old}, 15, f"a new {name}")
    eventually(lambda: is_gone(old), 15, f"the old {name} gone")
    eventually(served.answers, 20, "an answer")


def test_a_killed_web_worker_is_replaced(served: Served) -> None:
    _, *workers = eventually(lambda: served.children("web")[1:] and served.children("web"), 10, "web workers")
    # Granian takes a worker that lived for less than 5.5 s for a crash loop; then the supervisor starts all of it anew.
    for worker in workers:
        worker.kill()
    eventually(served.answers, 20, "an answer")
    eventually(lambda: is_gone(workers), 5, "the old workers gone")


def test_a_port_in_use_is_named_in_one_line(new_install: Settings, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        environ = os.environ | {"MAKTAB_DATA_DIR": str(new_install.data_dir), "PORT": str(port)}
        command = [sys.executable, "-P", "-m", "core.cli", "serve"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_named_plugins_where_we_start_does_not_shadow_ours(new_install: Settings, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "__init__.py").write_text("raise SystemExit('shadowed')")
    environ = os.environ | {
        "MAKTAB_DATA_DIR": str(new_install.data_dir),
        "MAKTAB_DATABASE_URL": new_install.database_url,
    }
    script = str(Path(sys.executable).parent / "maktab")
    for command in ([script], [sys.executable, "-P", "-m", "core.cli"]):
        done = subprocess.run([*command, "plugin", "list"], cwd=tmp_path, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
