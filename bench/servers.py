"""The servers that a run needs: PostgreSQL and Redis of our own, and Maktab on a fresh copy of its orders."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import load

WEB_WORKERS, JOB_THREADS = 2, 3  # the peers have two web workers too; an import, an export and a bulk action at once
_SETTINGS = """
listen_addresses = '127.0.0.1'
shared_buffers = 2GB
work_mem = 32MB
random_page_cost = 1.1
max_wal_size = 4GB
"""


@dataclass(frozen=True)
class Running:
    """Maktab's processes, its database as the adapter opens it, and the cursors of `load.middle_cursors`."""

    port: int
    web: int
    worker: int
    database: str
    cursors: dict[str, str]

    def environ(self) -> dict[str, str]:
        named = {"URL_PORT": self.port, "WEB_PID": self.web, "WORKER_PID": self.worker, "MAKTAB_DB": self.database}
        named |= {"USER": load.USER, "PASSWORD": load.PASSWORD, "CURSORS": json.dumps(self.cursors)}
        return {f"BENCH_{name}": str(value) for name, value in named.items()}


@contextmanager
def maktab(place: load.Place, port: int) -> Iterator[Running]:
    """`maktab web` and `maktab worker` on a copy of the install of `place`: the operations write."""
    environ, database = copy_install(place)
    environ |= {"PORT": str(port), "MAKTAB_WEB_WORKERS": str(WEB_WORKERS), "MAKTAB_JOB_THREADS": str(JOB_THREADS)}
    log = (place.scratch / "maktab.log").open("ab")
    command = [sys.executable, "-P", "-m", "core.cli"]
    web, worker = (
        subprocess.Popen([*command, name], env=os.environ | environ, stdout=log, stderr=log, start_new_session=True)
        for name in ("web", "worker")
    )
    try:
        wait_for(port)
        yield Running(port, web.pid, worker.pid, database, load.middle_cursors(place))
    finally:
        stop([web, worker], signal.SIGINT)
        log.close()


def copy_install(place: load.Place) -> tuple[dict[str, str], str]:
    """A copy that may be spoiled: environment of Maktab's processes, and its database as a path or libpq DSN."""
    home = place.scratch / "maktab_run"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(place.home, home)
    environ = {"MAKTAB_DATA_DIR": str(home)}
    if not place.pg:
        return environ, str(home / "maktab.db")
    import psycopg

    with psycopg.connect(f"{place.pg} dbname=postgres", autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS maktab_run WITH (FORCE)")
        server.execute(f'CREATE DATABASE maktab_run TEMPLATE "{place.database}"'.encode())
        server.execute("CHECKPOINT")  # the copy goes to the disk now, not while something is timed
    return environ | {"MAKTAB_DATABASE_URL": load.url_of(place.pg, "maktab_run")}, f"{place.pg} dbname=maktab_run"


def wait_for(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asked.request("GET", "/healthz")
            if asked.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def stop(processes: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for process in processes:
        process.send_signal(number)
    for process in processes:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis(scratch: Path) -> Iterator[int]:
    """A Redis in memory for the queues of the peers; its port, 0 where there is none."""
    program, port = shutil.which("redis-server"), free_port()
    if program is None:
        yield 0
        return
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(scratch)],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        stop([server], signal.SIGTERM)


@contextmanager
def postgres(scratch: Path) -> Iterator[str]:
    """A PostgreSQL cluster of our own below `scratch`, kept for the next run; its libpq DSN, "" where there is none."""
    programs = _postgres_programs()
    if programs is None:
        print("No PostgreSQL server with pg_trgm on this machine: SQLite alone. Install it, or give --pg.", flush=True)
        yield ""
        return
    home, user, port = scratch / "pg", _server_user(), free_port()
    if not (home / "PG_VERSION").exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.chown(home, user)
        _as(user, str(programs / "initdb"), "-D", str(home), "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C")
        with (home / "postgresql.conf").open("a") as conf:
            conf.write(f"{_SETTINGS}unix_socket_directories = ''\n")
    control = [str(programs / "pg_ctl"), "-D", str(home), "-w"]
    _as(user, *control, "-l", str(home / "log"), "-o", f"-p {port}", "start")
    try:
        yield f"host=127.0.0.1 port={port} user=bench"
    finally:
        _as(user, *control, "-m", "fast", "stop")


def _postgres_programs() -> Path | None:
    """The folder with initdb and pg_ctl of the newest server that has pg_trgm."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: -float(one.parent.name)):
        version = folder.parent.name
        has_trigrams = Path(f"/usr/share/postgresql/{version}/extension/pg_trgm.control").exists()
        if (folder / "initdb").exists() and has_trigrams:
            return folder
    return None


def _server_user() -> str:
    """PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _as(user: str, *command: str) -> None:
    prefix = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")
