"""A process that hangs ends without a word; the stacks that it left say whose hook held it: that plugin goes off."""

from __future__ import annotations

import faulthandler
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from core.plugins import hooks, loader, watch
from core.settings import Settings

_FOLDER = "hangs"
_FRAME = re.compile(r'  File "(.+)", line (\d+) in (.+)')
log = structlog.get_logger()


def end_when_stuck(settings: Settings, gets_on: Callable[[], bool]) -> None:
    """End this process, its stacks in a file, when for `hang_s` no thread gets to run or `gets_on` says no.

    It waits in C: no held GIL stops it. The next process reads the file.
    """
    folder = settings.data_dir / _FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (folder / str(os.getpid())).open("w")

    def beat() -> None:
        while True:
            if gets_on():
                faulthandler.dump_traceback_later(settings.hang_s, exit=True, file=file)
            watch.pause(1)

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()


def read_all(settings: Settings) -> None:
    """Log the stacks of processes that hung; quarantine a plugin whose hook, and no other's, they were in."""
    running = [plugin for plugin in loader.present(settings)[1].values() if plugin.status == "healthy"]
    for stacks in list(_left(settings.data_dir / _FOLDER)):
        log.error("a process hung and was ended", stacks=stacks)
        in_hooks = list(_in_hooks(stacks))
        guilty = {one.name: hook for path, hook in in_hooks for one in running if path.is_relative_to(one.path)}
        if len(guilty) == 1:
            ((name, hook),) = guilty.items()
            loader.quarantine(settings, name, f"{hook}: it held a whole process, which had to be ended.")


def _left(folder: Path) -> Iterator[str]:
    """What ended processes wrote, each given to one reader only."""
    for file in folder.glob("*"):
        with suppress(OSError, ValueError):
            if is_alive(int(file.name)):
                continue
            mine = file.rename(file.with_name(f"{file.name}.read-by-{os.getpid()}"))
            text = mine.read_text()
            mine.unlink()
            if text:
                yield text


def is_alive(pid: int) -> bool:
    """Whether a process of this host has that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _in_hooks(stacks: str) -> Iterator[tuple[Path, str]]:
    """(file, function) of each hook that ran, from stacks whose innermost frame comes first."""
    inner = None
    for line in stacks.splitlines():
        frame = _FRAME.match(line)
        if frame and inner and frame[1] == hooks.__file__ and frame[3] == "__call__":
            yield Path(inner[1]), inner[3]
        inner = frame
