"""The WSGI callable: one reference to the present generation, swapped when the plugins change."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import flask
import peewee
import structlog

from core import db, plugins
from core import runtime as runtime_room
from core import settings as settings_room
from core.app import create_app
from core.runtime import Runtime
from core.settings import Settings

CHECK_EVERY_S = 0.5
RETRY_BUILD_S = 5.0
log = structlog.get_logger(__name__)


class Switch:
    """Serves each request with one generation from begin to end; a newer one is built in the background."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._live: tuple[Runtime, flask.Flask] | None = None
        self._building: threading.Thread | None = None
        self._checked = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["maktab.request_id"] = request_id = secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            runtime, app = self._present()
        except (peewee.OperationalError, peewee.InterfaceError) as error:
            log.error("database cannot be reached", error=str(error))
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "2")])
            return [b"The database cannot be reached now. Nothing was changed; try again in a moment.\n"]
        return _Answer(runtime, app, environ, start_response)

    def _present(self) -> tuple[Runtime, flask.Flask]:
        live = self._live
        if live is None:
            with self._lock:
                if self._live is None:
                    db.connect(self.settings.url)
                    self._live = build(self.settings)
                return self._live
        idle_s = time.monotonic() - self._checked
        if idle_s > CHECK_EVERY_S and self._outdated(live[0]):
            self._follow(wait_s=1.0 if idle_s > 2 else 0.0)
        return self._live or live

    def _outdated(self, runtime: Runtime) -> bool:
        self._checked = time.monotonic()
        db.database.connect(reuse_if_open=True)
        return plugins.generation() != runtime.generation

    def _follow(self, wait_s: float) -> None:
        """Build the new generation aside; after a pause without requests the first one waits a little for it."""
        with self._lock:
            if self._building is None or not self._building.is_alive():
                self._building = threading.Thread(target=self._rebuild, name="generation", daemon=True)
                self._building.start()
        self._building.join(wait_s)

    def _rebuild(self) -> None:
        try:
            self._live = build(self.settings)
            log.info("generation swapped", generation=self._live[0].generation)
        except Exception:  # the old generation goes on serving whatever is wrong with the new one
            log.exception("generation failed; the old one goes on")
            self._checked = time.monotonic() + RETRY_BUILD_S
        finally:
            db.database.close()


def build(settings: Settings) -> tuple[Runtime, flask.Flask]:
    """The present generation and its app, made the process's own."""
    runtime, app = plugins.assemble(settings, create_app)
    runtime_room.install(runtime)
    return runtime, app


class _Answer:
    """A response whose body, too, is read inside its generation; closing it gives the connection back."""

    def __init__(
        self, runtime: Runtime, app: flask.Flask, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> None:
        self.runtime, self.broken = runtime, False

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.broken = status.startswith("503")
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        with runtime_room.bound(runtime):
            self.body = app(environ, start)

    def __iter__(self) -> Iterator[bytes]:
        with runtime_room.bound(self.runtime):
            yield from self.body

    def close(self) -> None:
        getattr(self.body, "close", lambda: None)()
        structlog.contextvars.clear_contextvars()
        if self.broken:  # after a restart of the database the pooled connections are dead: drop, do not reuse
            db.database.close_idle()
            db.database.manual_close()
        elif not db.database.is_closed():
            db.database.close()


_default: Switch | None = None


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`core.wsgi:application` for any WSGI server; settings from the environment at the first request."""
    global _default
    _default = _default or Switch(settings_room.load())
    return _default(environ, start_response)
