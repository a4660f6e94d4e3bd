"""Whose fault it is: of a plugin, by name, with the place in its own files."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import MaktabError
from core.plugins import watch


class PluginFailed(MaktabError):
    """Plugin `plugin` cannot run; the text says why and what would help."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(reason)
        self.plugin, self.reason = plugin, reason


@contextmanager
def blaming(plugin: str, doing: str) -> Iterator[None]:
    """Whatever goes wrong inside is the fault of `plugin`."""
    try:
        with watch.watched(plugin, doing, watch.BUILD_S):
            yield
    except PluginFailed:
        raise
    except (Exception, SystemExit) as error:
        raise PluginFailed(plugin, f"{doing}: {type(error).__name__}: {error}{where(plugin, error)}") from error


def where(plugin: str, error: BaseException) -> str:
    """The innermost place of `error` in the folder of `plugin`, like " (shelves/models.py, line 7)"; "" for none.

    A SyntaxError says by itself where it is; the place of its import would only lead astray.
    """
    frames = [] if isinstance(error, SyntaxError) else list(traceback.walk_tb(error.__traceback__))
    for frame, line in reversed(frames):
        _before, found, file = frame.f_code.co_filename.rpartition(f"/{plugin}/")
        if found:
            return f" ({plugin}/{file}, line {line})"
    return ""
