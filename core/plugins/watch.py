"""Who runs a plugin's code now. A call that does not end, or eats the memory, is stopped and its plugin goes off."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from core import db
from core.plugins import guards

LOOK_S = 0.5
PAGE_S, CHANGE_S, BUILD_S = 5, 20, 30
"""How long a hook of a page, another hook, and a step of building a generation may run. Counted in looks, not by the
clock: a machine that slept, or has no time for us, is nobody's fault."""
LEAVE_S = 5  # what a stopped call may take to leave, and memory to come back

log = structlog.get_logger()
_running: dict[int, _Call] = {}  # thread -> its innermost call
_grown: Counter[str] = Counter()  # plugin -> bytes that this process grew by while it ran
pause = threading.Event().wait  # a loop that must go on: time.sleep fails under a faked clock that jumps


class CallStopped(BaseException):
    """Raised inside a call that is stopped. Not an Exception: the plugin's own error handling must not keep it."""


class _Call:
    """A plugin's code on this thread, from here to `leave`."""

    def __init__(self, plugin: str, what: str, limit_s: float) -> None:
        self.plugin, self.what = plugin, what
        self.looks_left = float("inf") if plugin == "core" else limit_s / LOOK_S
        self.reason = ""
        self.is_over = self.is_being_stopped = False
        self.thread = threading.get_ident()
        self.outer = _running.get(self.thread)
        self.memory = memory()
        _running[self.thread] = self

    def leave(self) -> None:
        """Twice is allowed: CallStopped can come as late as in here, but never afterwards."""
        self.is_over = True
        if self.reason:
            while self.is_being_stopped:
                time.sleep(0.001)
            _raise_in(self.thread, None)
        if self in _stack(self.thread):
            grown = memory() - self.memory
            _grown[self.plugin] += grown
            if self.outer is None:
                del _running[self.thread]
            else:
                self.outer.memory += grown
                _running[self.thread] = self.outer

    def stop(self, reason: str) -> None:
        """Raise CallStopped in its thread; again with every look, as code may catch even that."""
        if not self.reason:
            stack = "".join(traceback.format_stack(sys._current_frames().get(self.thread)))
            log.error("plugin call stopped", plugin=self.plugin, reason=reason, stack=stack)
            self.reason = reason
            # Now: who waits in C does not hear us before he comes back.
            guards.end(self.plugin, f"{self.what}: {reason}")
        self.is_being_stopped = True  # before `is_over` is asked: we see that it ended, or `leave` waits for us
        if not self.is_over:
            _raise_in(self.thread, CallStopped)
        self.is_being_stopped = False

    @property
    def is_deaf(self) -> bool:
        return self.looks_left < -LEAVE_S / LOOK_S


@contextmanager
def watched(plugin: str, what: str, limit_s: float) -> Iterator[None]:
    """What runs inside is code of `plugin`; TimeoutError when it had to be stopped."""
    call = _Call(plugin, what, limit_s)
    try:
        try:
            yield
        finally:
            call.leave()
    except CallStopped:
        call.leave()
        if not call.reason:  # it was meant for the call around this one
            raise
        if not db.database.in_transaction():
            db.drop_connections()  # nobody knows in which state it was left
        raise TimeoutError(call.reason) from None


def start(limit_mb: int, threads: int) -> None:
    """Watch the calls of this process. Above `limit_mb` of memory, the plugin that took half of that goes off.

    The process ends, to be replaced, when its memory does not come back, or when none of its `threads` does.
    """

    def watch() -> None:
        looks_above = 0
        while True:
            pause(LOOK_S)
            look()
            looks_above = looks_above + 1 if memory() > limit_mb * 2**20 and _blame_memory(limit_mb) else 0
            if looks_above == LEAVE_S / LOOK_S:
                log.error("memory does not come back, the process ends", megabytes=memory() >> 20)
                os.kill(os.getpid(), signal.SIGTERM)
            if looks_above > 30 / LOOK_S or sum(call.is_deaf for call in list(_running.values())) >= threads:
                log.error("no thread comes back, the process ends")
                os._exit(3)

    _cap(4 * limit_mb + 1024)
    threading.Thread(target=watch, name="plugin watch", daemon=True).start()


def look() -> None:
    """Stop what was seen too often."""
    for call in list(_running.values()):
        call.looks_left -= 1
        if call.looks_left < 0:
            call.stop(call.reason or "it did not end in time and was stopped.")


def _blame_memory(limit_mb: int) -> bool:
    """True when one plugin has taken half of what the process may have."""
    now, calls = memory(), list(_running.values())
    taken = Counter(_grown)
    for call in calls:
        taken[call.plugin] += now - call.memory
    del taken["core"]
    guilty = [plugin for plugin, took in taken.most_common(1) if took > limit_mb * 2**19]
    for plugin in guilty:
        reason = f"Its hooks took {taken[plugin] >> 20} MB of memory; a process may have {limit_mb} MB."
        guards.end(plugin, reason)
        for call in calls:
            if call.plugin == plugin:
                call.stop(call.reason or reason)
    return bool(guilty)


def _stack(thread: int) -> Iterator[_Call]:
    call = _running.get(thread)
    while call is not None:
        yield call
        call = call.outer


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Make `thread` raise `kind` at its next step in Python; None takes back what has not been raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)


_page, _statm = os.sysconf("SC_PAGE_SIZE"), -1


def _open_statm() -> None:
    global _statm
    path = Path("/proc/self/statm")  # "self" is who opens it
    _statm = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path.exists() else -1


_open_statm()
os.register_at_fork(after_in_child=_open_statm)


def memory() -> int:
    """Bytes of memory that this process has now; 0 where the system does not say."""
    return int(os.pread(_statm, 64, 0).split()[1]) * _page if _statm >= 0 else 0


def _cap(limit_mb: int) -> None:
    """The last resort, against one huge piece between two looks: who asks for it has a MemoryError."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = limit_mb * 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
