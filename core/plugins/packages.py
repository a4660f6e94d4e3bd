"""The Python packages of this installation, looked through anew only when one has come or gone."""

from __future__ import annotations

import importlib.metadata
import sys
from functools import lru_cache
from pathlib import Path

Places = tuple[tuple[str, int], ...]
"""The folders that Python imports from, and when something was last put there or taken away."""


def entry_points(group: str) -> tuple[importlib.metadata.EntryPoint, ...]:
    """What installed packages offer as `group`."""
    return _entry_points(group, _places())


def version(name: str) -> str | None:
    """The version of the distribution `name` that is installed."""
    return _version(name, _places())


def _places() -> Places:
    return tuple((place, Path(place).stat().st_mtime_ns) for place in sys.path if Path(place).exists())


@lru_cache(maxsize=4)
def _entry_points(group: str, places: Places) -> tuple[importlib.metadata.EntryPoint, ...]:
    return tuple(importlib.metadata.entry_points(group=group))


@lru_cache(maxsize=64)
def _version(name: str, places: Places) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
