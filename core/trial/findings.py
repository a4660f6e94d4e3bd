"""What a check finds, and the words for what is not there."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from core.plugins.manifest import Plugin

T = TypeVar("T")


class Finding(NamedTuple):
    """One thing that is wrong, with where it stands and what to do; `is_hint`: it may be right all the same."""

    text: str
    is_hint: bool = False


def unknown(where: str, name: Any, known: Collection[str], what: str) -> Iterator[Finding]:
    """A finding when `name` is none of `known`, which are `what` ("a field of the model Shelf")."""
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        listed = f"known: {', '.join(sorted(known))}" if len(known) <= 30 else "see the manual"
        yield Finding(f"{where}: {name!r} is not {what}; {f'did you mean {near[0]!r}?' if near else listed}")


def modules_of(plugin: Plugin) -> list[Any]:
    """The modules of `plugin` that are loaded, but its tests, which are there where they run."""
    own, tests = f"{plugin.module}.", f"{plugin.module}.tests."
    loaded = [(f"{name}.", module) for name, module in list(sys.modules.items()) if module]
    return [module for name, module in loaded if name.startswith(own) and not name.startswith(tests)]


def declared(plugin: Plugin, kind: type[T]) -> list[T]:
    """Objects of `kind` that stand in the modules of `plugin` by a name, or in a tuple or list, each once."""
    found: dict[int, T] = {}
    for module in modules_of(plugin):
        for value in list(vars(module).values()):
            for one in value if isinstance(value, list | tuple) else (value,):
                if isinstance(one, kind):
                    found[id(one)] = one
    return list(found.values())
