"""`maktab serve` for real: it starts, heals, stops, and leaves nobody behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import access, auth, boot, db, jobs
from core.context import system_context
from core.settings import Settings
from tests.plugin_kit import MerchantFolder
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
    with serving(new_install, port) as running:
        yield running


@contextlib.contextmanager
def serving(settings: Settings, port: int, **environ: str) -> Iterator[Served]:
    running = Served(settings, port, environ)
    everybody = running.everybody()
    try:
        yield running
    finally:
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


STUCK = """
import ctypes
import time

import flask

from core import access, jobs


def loop():
    while True:
        time.sleep(1)


def hold():
    ctypes.PyDLL(None).sleep(600)  # as a library in C that forgets to let go of the interpreter


@hookimpl
def register_blueprints():
    made = flask.Blueprint("sticky", __name__, url_prefix="/api/sticky")
    for view in (loop, hold):
        made.add_url_rule(f"/{view.__name__}", view.__name__, access.requires(access.SIGNED_IN)(view))
    return [made]


@hookimpl
def register_jobs():
    return [jobs.JobType("sticky.hold", lambda run: hold())]
"""


@pytest.fixture
def sticky(new_install: Settings) -> Iterator[str]:
    """An install with a plugin of which a page and a job never end; a token."""
    merchant = MerchantFolder(new_install)
    db.connect(new_install.url)
    merchant.on("sticky", hooks=STUCK)
    assert boot.start(new_install).plugins["sticky"].status == "healthy"
    owner = auth.create_user(system_context("cli"), "owner", "blue kettle on a warm stove")
    access.assign(system_context("cli"), owner, "owner")
    yield auth.create_token(system_context("cli"), owner, ["*"])
    merchant.forget()


@pytest.mark.parametrize("page", ["loop", "hold"])
def test_a_web_worker_that_hangs_is_replaced_and_the_others_go_on(
    new_install: Settings, port: int, sticky: str, page: str
) -> None:
    limits = {"MAKTAB_WEB_WORKERS": "2", "MAKTAB_WEB_THREADS": "1", "MAKTAB_HANG_S": "9"}
    with serving(new_install, port, **limits) as served:
        workers = eventually(lambda: len(found := served.web_workers()) == 2 and found, 20, "two web workers")
        (job_worker,) = served.children("worker")

        def ask() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                served.get(f"/api/sticky/{page}", 60, Authorization=f"Bearer {sticky}")

        threading.Thread(target=ask, daemon=True).start()
        time.sleep(1)
        eventually(lambda: served.answers(1), 5, "an answer of the other worker meanwhile")
        assert served.web_workers() == workers
        eventually(lambda: workers - served.web_workers(), 40, "the worker that hangs is gone")
        eventually(lambda: len(served.web_workers()) == 2, 20, "another one in its place")
        eventually(served.answers, 20, "an answer")
        assert len(workers & served.web_workers()) == 1
        assert job_worker.is_running()
        eventually(lambda: f"in {page}" in served.log.read_text(), 20, "the log of the one in its place: where it hung")


def test_a_job_worker_that_hangs_is_replaced(new_install: Settings, port: int, sticky: str) -> None:
    with serving(new_install, port, MAKTAB_HANG_S="3") as served:
        (old,) = eventually(lambda: served.children("worker"), 20, "the worker")
        jobs.enqueue(system_context("cli"), "sticky.hold", {})
        eventually(lambda: is_gone([old]), 40, "the worker that hangs is gone")
        eventually(lambda: served.children("worker"), 20, "another one in its place")


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
