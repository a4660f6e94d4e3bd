"""Probes, metrics and logs: what the outside may learn about an install, and what it may not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from core import boot, db, logs
from core import runtime as runtime_room
from core.app import create_app
from core.auth import current_context
from core.context import Context
from core.db import migrate
from core.jobs import enqueue
from core.settings import Settings
from core.wsgi import Switch
from tests.conftest import plain_logs


def test_probes_are_open_and_say_little(client: Any) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok", "generation": runtime_room.current().generation}
    assert client.get("/readyz").get_json() == {"status": "ok", "reason": ""}


def test_not_ready_while_migrations_wait(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.health.migrate.pending", lambda *_: ["0099_next"])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (503, "not ready")


def test_metrics_count_jobs_and_what_waits(client: Any, ctx: Context) -> None:
    enqueue(ctx, "core.cleanup", {})
    text = client.get("/metrics").get_data(as_text=True)
    assert 'maktab_jobs{status="waiting"} 1.0' in text
    assert "maktab_audit_unsealed" in text
    assert f"maktab_generation {float(runtime_room.current().generation)}" in text


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.2.3", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, 403),
        ("10.1.2.3", {"Authorization": "Bearer scrape-me"}, 200),
        ("10.1.2.3", {"Authorization": "Bearer guess"}, 403),
        ("10.1.2.3", {"Authorization": "Bearer "}, 403),
    ],
)
def test_metrics_are_for_this_machine_or_the_token(
    runtime: Any, address: str, headers: dict[str, str], status: int
) -> None:
    known = replace(runtime, settings=replace(runtime.settings, metrics_token="scrape-me"))
    with runtime_room.bound(known):
        answer = (
            create_app(known).test_client().get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
        )
    assert answer.status_code == status


def test_without_a_token_an_empty_one_opens_nothing(client: Any) -> None:
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer "}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
    )
    assert answer.status_code == 403


def call(switch: Switch, path: str) -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body of one answer, as a server would get them."""
    seen: list[Any] = []
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
        "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = switch(environ, lambda status, headers, exc_info=None: seen.extend((status, dict(headers))))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    return seen[0], seen[1], body


def test_the_switch_answers_and_gives_its_connection_back(runtime: Any, settings: Settings) -> None:
    switch = Switch(settings)
    assert call(switch, "/healthz")[0].startswith("200")
    assert db.database.is_closed()


def test_a_database_that_is_gone_is_503_and_comes_back(runtime: Any, settings: Settings) -> None:
    elsewhere = "postgresql://localhost:1/none?connect_timeout=1" if db.is_postgres() else "sqlite:////nowhere/x.db"
    switch = Switch(replace(settings, database_url=elsewhere))
    status, _, body = call(switch, "/healthz")
    assert status.startswith("503")
    assert b"Nothing was changed" in body
    assert b"nowhere" not in body
    switch.settings = settings
    assert call(switch, "/healthz")[0].startswith("200")


def test_an_older_database_is_503_until_it_is_migrated(runtime: Any, settings: Settings) -> None:
    newest = sorted(path.stem for path in boot.CORE_MIGRATIONS.glob("0*.py"))[-1]
    migrate.take_back("core", boot.CORE_MIGRATIONS, newest)
    switch = Switch(settings)
    status, headers, body = call(switch, "/admin/sign-in")
    assert status.startswith("503")
    assert headers["Retry-After"]
    assert b"brought to a new version" in body
    migrate.apply("core", boot.CORE_MIGRATIONS)
    assert call(switch, "/admin/sign-in")[0].startswith("200")


def test_a_newer_database_is_served_by_the_code_of_before(runtime: Any, settings: Settings, tmp_path: Path) -> None:
    step = tmp_path / "9999_next.py"
    step.write_text("def up(migrator, db):\n    pass\n\n\ndef down(migrator, db):\n    pass\n")
    migrate.apply("core", tmp_path)
    try:
        assert call(Switch(settings), "/readyz")[0].startswith("200")
    finally:
        migrate.take_back("core", tmp_path, step.stem)


SECURITY = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Strict-Transport-Security")


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
def test_an_answer_without_an_application_carries_the_security_headers_of_all_others(
    runtime: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, public_url="https://shop.example")
    usual = call(Switch(settings), "/healthz")[1]
    gone = call(Switch(replace(settings, database_url="sqlite:////nowhere/x.db")), "/healthz")
    db.connect(settings.url)
    monkeypatch.setattr("core.web.errors._unexpected", None)  # an error page that fails itself
    monkeypatch.setattr("core.health.generate_latest", lambda figures: 1 / 0)
    failed = call(Switch(settings), "/metrics")
    assert (gone[0][:3], failed[0][:3]) == ("503", "500")
    for name in SECURITY:
        assert usual[name] == gone[1][name] == failed[1][name], name
    assert db.database.is_closed()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What the log chain writes, as JSON lines."""
    logs.configure(logging.INFO)
    root = logging.getLogger()
    out = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(out)
    yield out
    root.handlers.clear()
    plain_logs()
    structlog.contextvars.clear_contextvars()


def test_log_lines_carry_the_request_and_no_secret(logged: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="r-1")
    log = structlog.get_logger("t")
    log.info("connect", url="postgresql://amina:hunter22@db/maktab", password="hunter22", api_token="x")
    logging.getLogger("other").warning("used %s", "mk_7_abcdef")
    try:
        raise ValueError("Authorization: Bearer hunter22")
    except ValueError:
        log.exception("failed")
    text = logged.getvalue()
    assert "hunter22" not in text
    assert "mk_7" not in text
    assert [json.loads(line)["request_id"] for line in text.splitlines()] == ["r-1"] * 3


def test_changes_carry_the_number_that_the_log_lines_of_their_request_have(client: Any) -> None:
    with client.application.test_request_context("/healthz", environ_overrides={"maktab.request_id": "r-78"}):
        client.application.preprocess_request()
        assert current_context().request_id == "r-78"
