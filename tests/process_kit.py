"""Real processes of an install, as a test sees them from outside: `maktab serve`, single workers, a browser."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.settings import Settings
from tests.conftest import csrf_of, yes_to

ROOT = Path(__file__).parents[1]


def eventually(test: Callable[[], Any], within_s: float, what: str) -> Any:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {within_s} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environ_of(settings: Settings, port: int = 0) -> dict[str, str]:
    """What a process needs to work on the install of `settings`."""
    given = {
        "DATA_DIR": settings.data_dir, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
        "PLUGIN_DIR": settings.plugin_dir, "JOB_LEASE_S": settings.job_lease_s,
    }  # fmt: skip
    return {**os.environ, "PORT": str(port)} | {f"MAKTAB_{name}": str(value) for name, value in given.items()}


def start(name: str, environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """`maktab <name>`."""
    command = [sys.executable, "-P", "-m", "core.cli", name]
    with log.open("ab") as out:
        return subprocess.Popen(command, env=environ, stdout=out, stderr=out, cwd=ROOT)


def family(pid: int) -> list[psutil.Process]:
    """The process and everybody below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    return []


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def is_gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


class Served:
    """A running `maktab serve` and what can be seen of it from outside."""

    def __init__(
        self, settings: Settings, port: int, environ: Mapping[str, str] | None = None, log: Path | None = None
    ) -> None:
        self.port, self.address = port, f"http://127.0.0.1:{port}"
        self.environ = environ_of(settings, port) | dict(environ or {})
        self.log = log or settings.data_dir / "serve.log"
        self.process = start("serve", self.environ, self.log)
        try:
            eventually(self.answers, 90, f"an answer on port {port}")
        except BaseException:
            self.process.terminate()
            print(self.log.read_text())
            raise

    def get(self, path: str, timeout_s: float = 5, **headers: str) -> tuple[int, str]:
        try:
            request = urllib.request.Request(self.address + path, headers=headers)
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def answers(self, within_s: float = 5) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/healthz", within_s)[0] == 200
        return False

    def web_workers(self) -> set[int]:
        return {child.pid for child in self.children("web")[1:]}

    def children(self, name: str) -> list[psutil.Process]:
        """The `maktab <name>` process and, for web, its workers."""
        for child in family(self.process.pid)[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.ppid() == self.process.pid and child.cmdline()[-1:] == [name]:  # none left in a dead one
                    return [child, *child.children(recursive=True)]
        return []

    def everybody(self) -> list[psutil.Process]:
        return family(self.process.pid)[1:]

    def port_is_free(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0

    def end(self) -> None:
        """Kill whoever is left."""
        kill(family(self.process.pid))
        self.process.wait()


class Browser:
    """A person at the admin: cookies, forms with their token, no scripts."""

    def __init__(self, address: str, trust: ssl.SSLContext | None = None) -> None:
        self.address, self.token = address, ""
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies, urllib.request.HTTPSHandler(context=trust))

    def answers(self, path: str = "/healthz") -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get(path)[0] == 200
        return False

    def get(self, path: str) -> tuple[int, str]:
        return self._ask(urllib.request.Request(self.address + path))

    def post(self, path: str, **form: Any) -> tuple[int, str]:
        """Send a form; a question that comes back is answered with yes."""
        status, text = self._send(path, form)
        yes = yes_to(text) if status == 200 else {}
        return self._send(path, form | yes) if yes else (status, text)

    def _send(self, path: str, form: dict[str, Any]) -> tuple[int, str]:
        data = urllib.parse.urlencode({"csrf_token": self.token} | form, doseq=True).encode()
        return self._ask(urllib.request.Request(self.address + path, data, {"Referer": self.address + path}))

    def sign_in(self, username: str, password: str) -> tuple[int, str]:
        self.get("/admin/sign-in")
        return self.post("/admin/sign-in", username=username, password=password)

    def _ask(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=40) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        self.token = csrf_of(text) or self.token
        return status, text
