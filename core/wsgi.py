"""The WSGI callable: one reference to the present generation, swapped when the plugins change."""

from __future__ import annotations

import contextlib
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
        except Exception as error:  # the border: no generation, so no error page of the app either
            log.exception("no generation to serve with")
            gone = isinstance(error, peewee.OperationalError | peewee.InterfaceError)
            status = "503 Service Unavailable" if gone else "500 Internal Server Error"
            start_response(status, [("Content-Type", "text/plain"), ("Retry-After", "2")])
            return [b"Maktab cannot answer now; its log says why. Nothing was changed; try again in a moment.\n"]
        return _Answer(runtime, app, environ, start_response)

    def warm_up(self) -> None:
        """Build before the first request comes; when that fails, the request says why."""
        with contextlib.suppress(Exception):
            self._present()

    def _present(self) -> tuple[Runtime, flask.Flask]:
        if self._live is None:
            with self._lock:
                if self._live is None:
                    db.connect(self.settings.url)
                    self._swap()
        idle_s = time.monotonic() - self._checked
        if idle_s > CHECK_EVERY_S and self._is_outdated():
            self._follow(wait_s=1.0 if idle_s > 2 else 0.0)
        assert self._live  # noqa: S101 - made above, and never taken away
        return self._live

    def _is_outdated(self) -> bool:
        self._checked = time.monotonic()
        try:
            db.database.connect(reuse_if_open=True)
            return self._live is None or plugins.generation() != self._live[0].generation
        except peewee.OperationalError:  # the database was restarted: by a new connection, or on a page that says so
            log.warning("the generation cannot be read", exc_info=True)
            _drop_connections()
            return False

    def _follow(self, wait_s: float) -> None:
        """Build the new generation aside; after a pause without requests the first one waits a little for it."""
        with self._lock:
            if self._building is None or not self._building.is_alive():
                self._building = threading.Thread(target=self._rebuild, name="generation", daemon=True)
                self._building.start()
        self._building.join(wait_s)

    def _rebuild(self) -> None:
        try:
            self._swap()
        except Exception:  # the old generation goes on serving whatever is wrong with the new one
            log.exception("generation failed; the old one goes on")
            self._checked = time.monotonic() + RETRY_BUILD_S
        finally:
            db.database.close()

    def _swap(self) -> None:
        self._live = plugins.assemble(self.settings, create_app)
        self._checked = time.monotonic()
        runtime_room.install(self._live[0])
        log.info("generation swapped", generation=self._live[0].generation)


class _Answer:
    """A response whose body, too, is read inside its generation; closing it gives the connection back."""

    def __init__(
        self, runtime: Runtime, app: flask.Flask, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> None:
        self.runtime, self.is_broken = runtime, False

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.is_broken = status.startswith("503")
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        with runtime_room.bound(runtime):
            self.body = app(environ, start)

    def __iter__(self) -> Iterator[bytes]:
        with runtime_room.bound(self.runtime):
            yield from self.body

    def close(self) -> None:
        getattr(self.body, "close", lambda: None)()
        structlog.contextvars.clear_contextvars()
        if self.is_broken:
            _drop_connections()
        elif not db.database.is_closed():
            db.database.close()


def _drop_connections() -> None:
    """After a restart of the database the pooled connections are dead: drop, do not reuse."""
    db.database.close_idle()
    db.database.manual_close()


_default: Switch | None = None


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`core.wsgi:application` for any WSGI server; settings from the environment at the first request."""
    global _default
    _default = _default or Switch(settings_room.load())
    return _default(environ, start_response)
