"""backup.sh and restore.sh of docs/deploy with SQLite; tests/prove/test_deployment.py runs them with PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core import auth, db, files
from core.auth import User
from core.context import Context
from core.settings import Settings
from tests.chaos_kit import check_audit

SCRIPTS = Path(__file__).parents[1] / "docs" / "deploy"


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


def run(script: str, data_dir: Path, *arguments: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    given = {**os.environ, "PATH": path, "MAKTAB_DATA_DIR": str(data_dir), "MAKTAB_DATABASE_URL": ""}
    command = ["sh", str(SCRIPTS / script), *map(str, arguments)]
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_backup_of_an_open_install_is_restored_whole(
    runtime: Any, settings: Settings, ctx: Context, tmp_path: Path
) -> None:
    auth.create_user(ctx, "amina", "blue kettle on a warm stove")
    with (Path(__file__)).open("rb") as stream:
        kept = files.store(ctx, stream, "notes.txt")
    check_audit()
    backup, home = tmp_path / "backup", tmp_path / "restored"
    run("backup.sh", settings.data_dir, backup)
    assert not list(backup.rglob("*session*")), "the keys are kept elsewhere"
    auth.create_user(ctx, "later", "blue kettle on a warm stove")
    said = run("restore.sh", home, backup, settings.data_dir / "keys")
    assert "True" in said
    assert "SQLite" in said
    assert (home / "files" / kept.key[:2] / kept.key).read_bytes() == Path(__file__).read_bytes()
    db.connect(f"sqlite:///{home / 'maktab.db'}")
    assert [user.username for user in User.select().order_by(User.id)] == ["amina"]
