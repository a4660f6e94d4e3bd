"""The WSGI callable: one reference to the present generation, swapped when the plugins change."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import flask
import structlog

from core import boot, db, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.plugins import hangs, watch
from core.runtime import Runtime
from core.settings import Settings
from core.web import theme

CHECK_EVERY_S = 0.25
RETRY_BUILD_S = 5.0
_UPGRADE = "Maktab is brought to a new version. Nothing was changed; try again in a moment.\n"
_SORRY = "Maktab cannot answer now; its log says why. Nothing was changed; try again in a moment.\n"
log = structlog.get_logger(__name__)


class Switch:
    """Serves each request with one generation from begin to end; `follow` builds a newer one aside."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._live: tuple[Runtime, flask.Flask] | None = None
        self.answering: set[_Answer] = set()
        self.moves = 0  # requests taken and blocks of answers sent: as long as it grows, threads get on
        self._moves_seen = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["maktab.request_id"] = request_id = secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer = _Answer(self)
        try:
            return answer.begin(*(self._live or self.look()), environ, start_response)
        except (Exception, SystemExit) as error:  # the border: no generation, or its error page failed too
            log.exception("no answer from the application")
            answer.is_broken = True
            answer.close()
            is_old = isinstance(error, boot.OldSchema)
            status = 503 if is_old or db.takes_no_writes(error) else 500
            sorry = flask.Response(_UPGRADE if is_old else _SORRY, status, mimetype="text/plain")
            sorry.headers["Retry-After"] = "2"
            return theme.secure(sorry, self.settings)(environ, start_response)

    def look(self) -> tuple[Runtime, flask.Flask]:
        """What to serve with: built anew when the database names another generation than the present one."""
        with self._lock:
            if self._live is None:
                db.connect(self.settings.url)
                boot.demand_schema(self.settings)
                hangs.read_all(self.settings)
            if self._live is None or plugins.generation() != self._live[0].generation:
                self._live = plugins.assemble(self.settings, create_app)
                runtime_room.install(self._live[0])
                log.info("generation swapped", generation=self._live[0].generation)
            return self._live

    def follow(self) -> None:
        """Look for a new generation as long as the process lives; the old one serves until the new one stands."""
        while True:
            try:
                self.look()
                db.database.close()
            except (Exception, SystemExit):  # whatever is wrong with the new generation, the old one goes on
                log.exception("generation failed; the old one goes on")
                db.drop_connections()
                watch.pause(RETRY_BUILD_S)
            watch.pause(CHECK_EVERY_S)

    def gets_on(self) -> bool:
        """False when every thread is held by a request and none has moved since this was asked last."""
        moved, self._moves_seen = self.moves != self._moves_seen, self.moves
        return moved or len(self.answering) < self.settings.web_threads


class _Answer:
    """A response whose body, too, is read inside its generation; closing it gives the connection back."""

    body: Iterable[bytes] = ()
    is_broken = False

    def __init__(self, switch: Switch) -> None:
        self.switch = switch
        switch.moves += 1
        switch.answering.add(self)

    def begin(
        self, runtime: Runtime, app: flask.Flask, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            self.is_broken = status.startswith("503")
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        self.runtime = runtime
        with runtime_room.bound(runtime):
            self.body = app(environ, start)
        return self

    def __iter__(self) -> Iterator[bytes]:
        with runtime_room.bound(self.runtime):
            for block in self.body:
                self.switch.moves += 1
                yield block

    def close(self) -> None:
        getattr(self.body, "close", lambda: None)()
        structlog.contextvars.clear_contextvars()
        self.switch.answering.discard(self)
        if self.is_broken:
            db.drop_connections()
        elif not db.database.is_closed():
            db.database.close()
