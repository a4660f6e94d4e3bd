"""The processes of an install: `serve` watches over one `web` and one `worker`; nobody outlives who started him."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any

import structlog

from core import logs
from core.errors import MaktabError
from core.plugins import hangs, watch
from core.settings import Settings, load

STOP_S = 28  # web server and worker take up to 20 and 25 s of the promised 30
GRACE_S = 10
log = structlog.get_logger(__name__)


def die_with_parent(parent: int, number: int = signal.SIGINT) -> None:
    """Get signal `number` when process `parent` dies, and end hard after a grace, so that no orphan keeps the port."""

    def look() -> None:
        while os.getppid() == parent:
            watch.pause(0.5)
        os.kill(os.getpid(), number)
        time.sleep(GRACE_S)
        os._exit(1)

    threading.Thread(target=look, name="parent watch", daemon=True).start()


def watch_supervisor() -> None:
    """In a child of `serve`: stop when it is gone."""
    parent = os.environ.pop("MAKTAB_SUPERVISOR", "")
    if parent:
        die_with_parent(int(parent))


def load_web_worker(parent: int) -> Any:
    """Runs in each web worker: the WSGI callable."""
    from core.wsgi import Switch

    die_with_parent(parent, signal.SIGTERM)
    logs.configure(logging.INFO)
    settings = load()
    switch = Switch(settings)
    threading.Thread(target=switch.follow, name="generation", daemon=True).start()
    hangs.end_when_stuck(settings, switch.gets_on)
    watch.start(settings.memory_mb, settings.web_threads)
    return switch


def web(settings: Settings) -> None:
    """Serve HTTP until SIGINT; a worker process that ended is replaced."""
    from granian.constants import Interfaces
    from granian.server import Server

    watch_supervisor()
    server = Server(
        "core.wsgi:Switch",  # granian's own loader would put the working directory first in sys.path: we bring ours
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=20,
        log_enabled=False,
    )
    # Old web workers of a killed main would go on serving old code on the port: each watches his parent.
    server.serve(target_loader=partial(load_web_worker, os.getpid()), wrap_loader=False)


def worker(settings: Settings) -> None:
    """Run jobs until SIGINT; what runs then goes on elsewhere from its checkpoint."""
    from core.jobs.worker import Worker

    watch_supervisor()
    logs.configure(logging.INFO)
    hangs.read_all(settings)
    hangs.end_when_stuck(settings, lambda: True)
    watch.start(settings.memory_mb, settings.job_threads)
    Worker(settings).run()


class Child:
    """One process that is started again when it ends, slower each time that it does not live for 30 s."""

    def __init__(self, name: str) -> None:
        self.name, self.pause_s, self.start_at = name, 0.5, 0.0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # -P: a folder `plugins` in the working directory must not shadow ours. Its own process group: a Ctrl-C in
        # the terminal reaches the supervisor alone, which stops everybody in good order.
        command = [sys.executable, "-P", "-m", "core.cli", self.name]
        environ = {**os.environ, "MAKTAB_SUPERVISOR": str(os.getpid())}
        self.process = subprocess.Popen(command, env=environ, process_group=0)
        self.start_at = time.monotonic()

    def keep_alive(self) -> None:
        now = time.monotonic()
        if self.process is None:
            if now >= self.start_at:
                self.start()
        elif self.process.poll() is not None:
            self.pause_s = 0.5 if now - self.start_at > 30 else min(self.pause_s * 2, 30)
            code = self.process.returncode
            log.error("process ended, starting it again", process=self.name, code=code, in_s=self.pause_s)
            self.process, self.start_at = None, now + self.pause_s

    def signal(self, number: int) -> None:
        if self.process:
            self.process.send_signal(number)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def check_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            text = f"{settings.host}:{settings.port} cannot be used ({error.strerror}): set PORT to another one."
            raise MaktabError(text) from None


def serve(settings: Settings, safe: bool = False) -> None:
    """Run web and worker until SIGINT or SIGTERM, stop both within 30 s. `safe`: no plugins."""
    if safe:
        os.environ["MAKTAB_SAFE_MODE"] = "1"
    logs.configure(logging.INFO)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    watch_supervisor()
    children = [Child("web"), Child("worker")]
    while not stopping.wait(0.2):
        for child in children:
            child.keep_alive()
    stop(children)


def stop(children: list[Child]) -> None:
    """SIGTERM, wait, SIGKILL. Web and worker take it as they take SIGINT; one that is still starting just ends."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline and any(child.is_running for child in children):
        time.sleep(0.1)
    for child in children:
        child.signal(signal.SIGKILL)
