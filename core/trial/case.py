"""The plugin that is tried, what was found wrong with it, and the words for what is not there."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from core.plugins.blame import PluginFailed
from core.runtime import Runtime

T = TypeVar("T")


class Case:
    """`plugin` in the generation `built` with it. `errors`: what is wrong, with where it stands and what to do.

    `hints`: the same of what may be right all the same. `resources`: its own.
    """

    def __init__(self, built: Runtime, name: str) -> None:
        self.built, self.plugin = built, built.plugins[name]
        self.resources = built.resources_of(name)
        self.errors: list[str] = []
        self.hints: list[str] = []

    def close(self) -> None:
        """Raise PluginFailed with all errors so far."""
        if self.errors:
            many = f"{len(self.errors)} things are wrong:\n- " if len(self.errors) > 1 else ""
            raise PluginFailed(self.plugin.name, many + "\n- ".join(self.errors))


def unknown(where: str, names: Iterable[Any], known: Collection[str], what: str) -> list[str]:
    """A text for each of `names` that is none of `known`, which are `what` ("a field of the model Shelf")."""
    return [f"{where}: {name!r} is not {what}; {_instead(name, known)}" for name in names if name not in known]


def _instead(name: Any, known: Collection[str]) -> str:
    near = get_close_matches(str(name), known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if len(known) <= 30 else "see the manual"


def objects(module: str, kind: type[T]) -> list[T]:
    """Objects of `kind` that stand in the loaded modules below `module` by a name, or in a tuple or list, each once.

    But for its tests, which are there where they run.
    """
    own, tests = f"{module}.", f"{module}.tests."
    found: dict[int, T] = {}
    for name, loaded in list(sys.modules.items()):
        if loaded and f"{name}.".startswith(own) and not f"{name}.".startswith(tests):
            for value in list(vars(loaded).values()):
                several = value if isinstance(value, list | tuple) else (value,)
                found |= {id(one): one for one in several if isinstance(one, kind)}
    return list(found.values())
