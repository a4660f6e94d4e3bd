"""`plugin.toml`: what a plugin says about itself, read and checked without importing it."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

import core
from core.errors import MaktabError

CONTRACT = 1
Status = Literal["off", "healthy", "quarantined", "missing"]
_SLUG = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_RESERVED = {"core", "plugins", "themes", "tests", "admin", "api", "static", "maktab"}
_CATEGORIES = ("module", "integration", "theme", "tool")
_DATABASES = ("sqlite", "postgresql")


class PluginFailed(MaktabError):
    """Plugin `plugin` cannot run; the text says why and what would help."""

    def __init__(self, plugin: str, reason: str) -> None:
        super().__init__(reason)
        self.plugin, self.reason = plugin, reason


@contextmanager
def blaming(plugin: str, doing: str) -> Iterator[None]:
    """Whatever goes wrong inside is the fault of `plugin`."""
    try:
        yield
    except PluginFailed:
        raise
    except (Exception, SystemExit) as error:
        raise PluginFailed(plugin, f"{doing}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Plugin:
    """The manifest, where the plugin was found, and how it is in this generation.

    `requires`, `optional`, `conflicts`: {plugin: version range}. `packages`: distributions that must be installed.
    `permissions`: {name: label}. `network`: hosts it talks to. `data`: tables to remove and personal data to export.
    `enabled`: wanted; `status`: what became of it (`error` says why it is quarantined or missing).
    """

    name: str
    path: Path
    module: str = ""
    title: str = ""
    summary: str = ""
    icon: str = "puzzle"
    category: str = "module"
    version: str = "0"
    license: str = ""
    contract: int = CONTRACT
    core: str = ""
    python: str = ""
    databases: Sequence[str] = _DATABASES
    requires: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    conflicts: Mapping[str, str] = field(default_factory=dict)
    provides: Sequence[str] = ()
    implements: Sequence[str] = ()
    packages: Sequence[str] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    network: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = False
    status: Status = "off"
    error: str = ""

    def is_(self, status: Status, error: str = "") -> Plugin:
        return replace(self, status=status, error=error)


_KEYS = {f.name: f.type for f in fields(Plugin)} | {"title": "str!", "version": "str!", "contract": "int!"}
for _own in ("path", "module", "enabled", "status", "error"):
    del _KEYS[_own]


def read(path: Path, module: str) -> Plugin:
    """The plugin in folder `path`; when its manifest is bad, one named after the folder whose `error` says why."""
    try:
        values = tomllib.loads((path / "plugin.toml").read_text(encoding="utf-8"))
        return Plugin(path=path, module=module, **_checked(values, path.name))
    except (OSError, ValueError, InvalidRequirement, InvalidSpecifier, InvalidVersion) as error:
        return Plugin(path.name, path, module, title=path.name, error=f"Bad manifest {path / 'plugin.toml'}: {error}")


def misfit(plugin: Plugin, database: str) -> str:
    """Why this install cannot run `plugin` whatever else is enabled; "" when it can."""
    if plugin.error:
        return plugin.error
    for what, have, wanted in (
        ("Maktab", core.__version__, plugin.core),
        ("Python", platform.python_version(), plugin.python),
    ):
        if not SpecifierSet(wanted).contains(have, prereleases=True):
            return f"It needs {what} {wanted}; this is {have}."
    if database not in plugin.databases:
        return f"It does not run on {database}, only on {', '.join(plugin.databases)}."
    missing = [text for text in plugin.packages if not _installed(Requirement(text))]
    return f"Python packages are missing: {', '.join(missing)}. Install them, then enable it again." if missing else ""


def _installed(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True)
    except importlib.metadata.PackageNotFoundError:
        return False


def _checked(values: dict[str, Any], folder: str) -> dict[str, Any]:
    for key in sorted(set(values) - set(_KEYS)):
        raise ValueError(f"{key!r} is not a key that we know.")
    for key, kind in _KEYS.items():
        _check_type(key, str(kind), values)
    name = values.get("name")
    if name != folder or not _SLUG.fullmatch(folder) or len(folder) > 40 or folder in _RESERVED:
        raise ValueError(f"name {name!r} must equal its folder {folder!r}, a slug like carriers_acme that is not reserved.")
    if values["contract"] != CONTRACT:
        raise ValueError(f"contract {values['contract']} is not one that this Maktab speaks ({CONTRACT}).")
    for key, allowed in (("category", _CATEGORIES), ("databases", _DATABASES)):
        for value in [values[key]] if isinstance(values.get(key), str) else values.get(key, ()):
            if value not in allowed:
                raise ValueError(f"{key} {value!r} is none of {', '.join(allowed)}.")
    for permission in values.get("permissions", {}):
        if not permission.startswith(f"{name}."):
            raise ValueError(f"the permission {permission!r} must begin with {name!r} and a dot.")
    _check_versions(values)
    return values


def _check_versions(values: dict[str, Any]) -> None:
    """Raise what packaging raises for a version or range that it cannot read."""
    Version(values["version"])
    for key in ("requires", "optional", "conflicts"):
        for wanted in values.get(key, {}).values():
            SpecifierSet(wanted)
    for wanted in (values.get("core", ""), values.get("python", "")):
        SpecifierSet(wanted)
    for wanted in values.get("packages", ()):
        Requirement(wanted)


def _check_type(key: str, kind: str, values: dict[str, Any]) -> None:
    if key not in values:
        if kind.endswith("!"):
            raise ValueError(f"{key} is missing.")
        return
    value = values[key]
    if kind.startswith(("str", "int")):
        fits = isinstance(value, str if kind.startswith("str") else int)
    elif kind.startswith("Sequence"):
        fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
    else:
        fits = isinstance(value, dict) and (key == "data" or all(isinstance(one, str) for one in value.values()))
    if not fits:
        raise ValueError(f"{key} must be {'a list of texts' if kind.startswith('Seq') else kind.split('[')[0].strip('!')}.")
