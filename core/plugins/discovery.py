"""Where plugins are: our `plugins/` folder, the merchant's folder, entry points `maktab.plugins`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from core.errors import MaktabError
from core.plugins import packages
from core.plugins.manifest import Plugin, read
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class WrongPackage(MaktabError):
    """Python would import somebody else's `core` or `plugins` package instead of ours."""


class _Merchant:
    """Imports the merchant's plugins under their own names; last of all finders, so it can shadow nothing."""

    folders: ClassVar[dict[str, Path]] = {}

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        folder = cls.folders.get(name)
        if folder is None:
            return None
        return importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )


def discover(settings: Settings) -> dict[str, Plugin]:
    """Every plugin that can be found, by name, none imported; ours win over the merchant's, his over installed ones."""
    _check_ours()
    found: dict[str, Plugin] = {}
    for plugin in (*_ours(), *_merchants(settings.merchant_plugins), *_installed()):
        found.setdefault(plugin.name, plugin)
    return found


def is_ours(plugin: Plugin) -> bool:
    return plugin.module.startswith("plugins.")


def _check_ours() -> None:
    for name in ("core", "plugins"):
        spec = importlib.util.find_spec(name)
        where = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if where != ROOT / name:
            raise WrongPackage(f"Python finds the package {name!r} in {where}, not in {ROOT / name}: remove that one.")


def _folders(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/plugin.toml"))


def _ours() -> Iterator[Plugin]:
    for folder in _folders(ROOT / "plugins"):
        yield read(folder, f"plugins.{folder.name}")


def _merchants(root: Path) -> Iterator[Plugin]:
    if _Merchant not in sys.meta_path:
        sys.meta_path.append(_Merchant)
    for folder in _folders(root):
        plugin = read(folder.resolve(), folder.name)
        if plugin.error:
            yield plugin
        elif folder.name not in _Merchant.folders and (other := _elsewhere(folder)):
            text = f"Python has a package {folder.name!r} already, in {other}; this one is in {folder}."
            yield replace(plugin, error=f"{text} Remove one of them, or give the plugin another name.")
        else:
            _Merchant.folders[folder.name] = plugin.path
            yield plugin


def _elsewhere(folder: Path) -> str:
    """Where Python finds another package of this name; tests in the folder itself may have put this one on its path."""
    spec = importlib.util.find_spec(folder.name)
    where = list(spec.submodule_search_locations or [spec.origin or "itself"]) if spec else []
    return "" if str(folder.resolve()) in [str(Path(one).resolve()) for one in where] else ", ".join(where)


def _installed() -> Iterator[Plugin]:
    for entry in packages.entry_points("maktab.plugins"):
        top, *inner = entry.value.split(".")  # find_spec of a dotted name would import its parents
        spec = importlib.util.find_spec(top)
        where = spec.submodule_search_locations if spec else None
        if where:
            yield read(Path(next(iter(where)), *inner).resolve(), entry.value)
        else:
            yield Plugin(entry.name, Path(), entry.value, error=f"The package {entry.value!r} cannot be found.")
