"""The `maktab` command, as it is run: answers, exit codes, one line for an error and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core import access, audit, auth, boot, db, jobs, plugins
from core.cli import load
from core.context import system_context
from core.db import migrate
from core.settings import Settings
from tests.plugin_kit import MerchantFolder

Maktab = Callable[..., Result]


@pytest.fixture
def maktab(new_install: Settings, monkeypatch: pytest.MonkeyPatch) -> Maktab:
    """maktab("user", "add", …) in a fresh install; `code` is the exit code that is expected."""
    monkeypatch.setenv("MAKTAB_DATA_DIR", str(new_install.data_dir))
    monkeypatch.setenv("MAKTAB_DATABASE_URL", new_install.database_url)
    monkeypatch.setenv("MAKTAB_PASSWORD", "blue kettle on a warm stove")

    def run(*arguments: object, code: int = 0) -> Result:
        done = CliRunner().invoke(load(), [str(each) for each in arguments])
        assert done.exit_code == code, (done.output, done.stderr, done.exception)
        assert "Traceback" not in done.output + done.stderr
        return done

    return run


@pytest.fixture
def check(maktab: Maktab) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """`maktab plugin check` in a process of its own, as it watches and limits the one in which it runs."""

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "core.cli", "plugin", "check", name]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def test_every_command_explains_itself(maktab: Maktab) -> None:
    waiting: list[tuple[list[str], Any]] = [([], load())]
    seen = []
    while waiting:
        path, command = waiting.pop()
        text = maktab(*path, "--help").output
        assert text.startswith("Usage: ")
        waiting += [([*path, name], below) for name, below in getattr(command, "commands", {}).items()]
        seen.append(" ".join(path))
    expected = "init serve web worker doctor migrate openapi".split()
    expected += ["user add", "user password", "user disable", "role list", "role grant", "role revoke", "token create"]
    expected += [
        "plugin list",
        "plugin check",
        "plugin enable",
        "plugin disable",
        "job list",
        "job show",
        "job retry",
        "job cancel",
    ]
    assert {*expected, "audit verify", "audit export"} <= set(seen)


def test_init_twice_makes_one_owner_and_shows_no_second_password(maktab: Maktab) -> None:
    maktab("init")
    again = answer(maktab("init", "--json"))
    assert again["new"] is False
    assert "password" not in again
    assert [user.username for user in auth.User.select()] == ["owner"]


def test_the_generated_password_signs_the_owner_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKTAB_DATA_DIR", str(tmp_path / "new"))
    monkeypatch.delenv("MAKTAB_DATABASE_URL", raising=False)
    made = json.loads(CliRunner().invoke(load(), ["init", "--user", "amal", "--json"]).stdout)
    assert made["new"] is True
    user, _cookie = auth.sign_in("amal", made["password"], ip="127.0.0.1", browser="test")
    assert user.username == "amal"
    db.database.close_all()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["user", "disable", "nobody"], 1, "nobody"),
        (["user", "add", "nora", "--role", "king"], 1, "king"),
        (["plugin", "enable", "teleport"], 1, "teleport"),
        (["job", "show", "999"], 1, "999"),
        (["job", "show", "ten"], 2, "ten"),
        (["fly"], 2, "fly"),
        (["token", "create"], 2, "--user"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(maktab: Maktab, arguments: list[str], code: int, says: str) -> None:
    done = maktab(*arguments, code=code)
    lines = done.stderr.strip().splitlines()
    assert says in lines[-1]
    assert len(lines) == 1 or lines[0].startswith("Usage:")


def test_an_error_in_json_is_json(maktab: Maktab) -> None:
    assert "nobody" in json.loads(maktab("user", "disable", "nobody", "--json", code=1).stderr)["error"]


def test_an_install_that_is_not_there_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKTAB_DATA_DIR", str(tmp_path / "empty"))
    done = CliRunner().invoke(load(), ["job", "list"])
    assert done.exit_code == 1
    assert "maktab migrate" in done.stderr


@pytest.mark.parametrize("plugin", ["core", "orders"])
@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_nothing_starts_on_an_older_database(maktab: Maktab, settings: Settings, plugin: str, command: str) -> None:
    db.connect(settings.url)
    folder = boot.CORE_MIGRATIONS if plugin == "core" else plugins.running(settings)[plugin].path / "migrations"
    newest = sorted(path.stem for path in folder.glob("0*.py"))[-1]
    migrate.take_back(plugin, folder, newest)
    try:
        said = maktab(command, code=1).stderr
        assert newest in said
        assert "Run: maktab migrate" in said
    finally:
        maktab("migrate")


def test_without_an_install_nothing_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKTAB_DATA_DIR", str(tmp_path / "empty"))
    done = CliRunner().invoke(load(), ["web"])
    assert (done.exit_code, "maktab init" in done.stderr) == (1, True)


def test_users_roles_and_tokens(maktab: Maktab) -> None:
    maktab("user", "add", "amina", "--role", "viewer", "--email", "amina@example.com")
    token = answer(maktab("token", "create", "--user", "amina", "--scope", "orders.order.view", "--json"))["token"]
    assert token.startswith("mk_")
    maktab("role", "grant", "viewer", "orders.order.export")
    roles = {line["role"]: line["permissions"] for line in answer(maktab("role", "list", "--json"))}
    assert "orders.order.export" in roles["viewer"]
    maktab("role", "revoke", "viewer", "orders.order.export")
    maktab("user", "disable", "amina")
    with pytest.raises(auth.SignInRefused):
        auth.sign_in("amina", "blue kettle on a warm stove", ip="127.0.0.1", browser="test")


def test_a_user_with_a_wrong_role_is_not_half_made(maktab: Maktab) -> None:
    maktab("user", "add", "nora", "--role", "king", code=1)
    assert not auth.User.select().where(auth.User.username == "nora").exists()


def test_a_new_password_replaces_the_old_one(maktab: Maktab, monkeypatch: pytest.MonkeyPatch) -> None:
    maktab("user", "add", "amina")
    monkeypatch.setenv("MAKTAB_PASSWORD", "another long enough phrase")
    maktab("user", "password", "amina")
    assert auth.sign_in("amina", "another long enough phrase", ip="127.0.0.1", browser="test")[0].username == "amina"


def test_plugins_go_off_and_on(maktab: Maktab) -> None:
    def status() -> dict[str, str]:
        return {line["name"]: line["status"] for line in answer(maktab("plugin", "list", "--json"))}

    assert status()["orders"] == "healthy"
    maktab("plugin", "disable", "orders")
    assert status()["orders"] == "off"
    maktab("plugin", "enable", "orders")
    assert status()["orders"] == "healthy"


def test_a_plugin_is_checked_without_being_switched_on(maktab: Maktab, check: Any, new_install: Settings) -> None:
    merchant = MerchantFolder(new_install)
    merchant.add("good")
    merchant.add("bad", hooks="1 / 0")
    assert "good can be enabled" in check("good").stdout
    refused = check("bad")
    assert refused.returncode == 1
    assert "bad: It cannot be loaded: ZeroDivisionError" in refused.stderr
    shown = {line["name"]: line["status"] for line in answer(maktab("plugin", "list", "--json"))}
    assert (shown["good"], shown["bad"]) == ("off", "off")
    merchant.forget()


def test_doctor_finds_nothing_in_a_sound_install(maktab: Maktab) -> None:
    checks = {line["check"]: line["result"] for line in answer(maktab("doctor", "--json"))}
    assert all(result.startswith("ok") for result in checks.values())
    assert set(checks) == {"data directory", "database", "plugins", "queue"}


def test_doctor_names_a_queue_that_does_not_answer(maktab: Maktab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKTAB_REDIS_URL", "redis://127.0.0.1:1/0")
    assert "queue" in maktab("doctor", code=1).stderr


def test_migrate_again_changes_nothing(maktab: Maktab) -> None:
    assert answer(maktab("migrate", "--json")) == []


def test_openapi_describes_the_orders(maktab: Maktab) -> None:
    assert any(path.endswith("/orders") for path in answer(maktab("openapi"))["paths"])


def test_jobs_are_listed_shown_canceled_and_run_again(maktab: Maktab) -> None:
    maktab("job", "list")
    number = jobs.enqueue(system_context("cli"), "core.cleanup", {}).id
    assert number in [line["id"] for line in answer(maktab("job", "list", "--json"))]
    assert answer(maktab("job", "cancel", number, "--json"))["status"] == "canceled"
    maktab("job", "cancel", number, code=1)
    assert answer(maktab("job", "retry", number, "--json"))["status"] == "waiting"
    assert answer(maktab("job", "show", number, "--json"))["status"] == "waiting"


def test_audit_holds_and_every_command_left_its_entry(maktab: Maktab, tmp_path: Path) -> None:
    maktab("user", "add", "amina")
    assert answer(maktab("audit", "verify", "--json"))["ok"] is True
    maktab("audit", "export", "--out", tmp_path / "audit.jsonl")
    entries = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert {"core.user", "core.plugin"} <= {entry["resource"] for entry in entries}
    assert any(entry["source"] == "cli" for entry in entries)


def test_a_planted_change_breaks_the_chain(maktab: Maktab) -> None:
    maktab("audit", "verify")
    table = audit.Entry._meta.table_name
    guards = "DISABLE TRIGGER ALL" if db.is_postgres() else ""
    if guards:
        db.database.execute_sql(f"ALTER TABLE {table} {guards}")
    else:
        names = db.database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            db.database.execute_sql(f'DROP TRIGGER "{name}"')
    db.database.execute_sql(f"UPDATE {table} SET action = 'nothing' WHERE id = 1")
    assert "does not hold" in maktab("audit", "verify", code=1).stderr


def test_nobody_reads_a_password_or_token_in_the_rows(maktab: Maktab) -> None:
    maktab("user", "add", "amina")
    token = answer(maktab("token", "create", "--user", "amina", "--scope", "*", "--json"))["token"]
    secret = token.split("_", 2)[2]
    kept = [str(row) for row in audit.Entry.select(audit.Entry.diff).tuples()]
    kept += [str(row) for row in auth.ApiToken.select().tuples()] + [str(row) for row in auth.User.select().tuples()]
    assert not [row for row in kept if secret in row or "blue kettle" in row]
    assert access.Role.select().count() >= 4


def test_a_plugin_s_newest_migration_is_taken_back_on_a_yes(maktab: Maktab, new_install: Settings) -> None:
    merchant = MerchantFolder(new_install)
    merchant.add_suppliers()
    maktab("plugin", "enable", "suppliers")
    assert "add --yes" in maktab("migrate", "--down", "suppliers.0001_initial", code=1).stderr
    assert "suppliers_supplier" in db.database.get_tables()
    assert "taken back" in maktab("migrate", "--down", "suppliers.0001_initial", "--yes").stdout
    assert "suppliers_supplier" not in db.database.get_tables()
    assert answer(maktab("migrate", "--json")) == [{"applied": "suppliers.0001_initial"}]
    merchant.forget()


@pytest.mark.parametrize("step", ["core.0001_initial", "ghost.0001_initial"])
def test_only_a_plugin_s_migration_is_taken_back(maktab: Maktab, step: str) -> None:
    assert "There is no plugin" in maktab("migrate", "--down", step, "--yes", code=1).stderr


def test_a_user_without_a_terminal_and_without_a_password_is_told_how(maktab: Maktab, monkeypatch: Any) -> None:
    monkeypatch.delenv("MAKTAB_PASSWORD")
    assert "set MAKTAB_PASSWORD" in maktab("user", "add", "nora", code=1).stderr
    assert not auth.User.select().where(auth.User.username == "nora").exists()


def test_check_prints_hints_beside_its_answer(check: Any, new_install: Settings) -> None:
    merchant = MerchantFolder(new_install)
    hook = "@hookimpl\ndef register_subscriptions(): return {'orders.order_plaeced.v1': print}"
    merchant.add("acme", manifest="requires = { orders = '' }", hooks=hook)
    done = check("acme")
    assert done.stdout == "acme can be enabled.\n"
    assert done.stderr.startswith("hint: register_subscriptions: orders.order_plaeced.v1: ")
    merchant.forget()
