"""Whose texts: a plugin's words come from its own catalogue first, core's from core's, whatever others say for them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.support import NullTranslations, Translations

from core import runtime

if TYPE_CHECKING:
    from core.plugins.manifest import Plugin
    from core.runtime import Runtime

_CORE = Path(__file__).parent.parent / "locale"
_ENGLISH = NullTranslations()


def texts(code: str, caller: str) -> NullTranslations:
    """The texts in the language `code` for `caller`, a module or a template: of its plugin, then of core, then of all.

    The last are for what one room says for another, as a text of a plugin that core shows.
    """
    if code == "en":
        return _ENGLISH
    try:
        present = runtime.current()
    except RuntimeError:  # a command before the start
        return catalogue(code, _CORE)
    found = present.texts.get((code, caller))
    if found is None:
        found = present.texts[code, caller] = _chain(code, present, caller)
    return found  # type: ignore[no-any-return]


def owner(caller: str) -> str:
    """The name of the plugin that a module or a template belongs to; "" for core and the theme."""
    try:
        found = _owner(runtime.current(), caller)
    except RuntimeError:
        return ""
    return found.name if found else ""


def _owner(present: Runtime, caller: str) -> Plugin | None:
    name, is_template, _rest = caller.partition("/")
    if is_template:  # those of a plugin lie below its name; it may be off by now
        return present.plugins.get(name)
    return next((one for one in present.running.values() if f"{caller}.".startswith(f"{one.module}.")), None)


def _chain(code: str, present: Runtime, caller: str) -> NullTranslations:
    own, folders = _owner(present, caller), tuple(plugin.path / "locale" for plugin in present.running.values())
    chain = [*([catalogue(code, own.path / "locale")] if own else []), catalogue(code, _CORE), _all(code, folders)]
    return _chained(chain)


def _chained(chain: Sequence[Any]) -> NullTranslations:
    """The first that has a text says it; copies, for one catalogue is a link of many chains."""
    first = copy.copy(chain[0])
    first._fallback = _chained(chain[1:]) if chain[1:] else None
    return first  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def catalogue(code: str, folder: Path) -> NullTranslations:
    """What lies in one folder."""
    return Translations.load(folder, [code])  # type: ignore[no-any-return]


@lru_cache(maxsize=8)
def _all(code: str, folders: tuple[Path, ...]) -> NullTranslations:
    """All of them in one, of a text that several have the first one's."""
    found = [one for one in (catalogue(code, folder) for folder in folders) if isinstance(one, Translations)]
    if not found:
        return _ENGLISH
    whole = copy.copy(found[0])
    whole._catalog = {}
    for one in reversed(found):
        whole._catalog.update(one._catalog)
    return whole
