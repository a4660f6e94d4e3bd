"""`plugin.toml`: what a plugin says about itself, read and checked without importing it."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import marshmallow as ma
from marshmallow import fields, validate
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import core
from core.plugins import packages

Status = Literal["off", "healthy", "quarantined", "missing"]
CONTRACT = 1
DATABASES = ("sqlite", "postgresql")
DATA = ("tables", "personal")
"""Keys of `[data]`: all tables of the plugin, and those that hold personal data."""
RESERVED = ("core", "plugins", "themes", "tests", "admin", "api", "static", "maktab")


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
    databases: Sequence[str] = DATABASES
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


_slug = validate.Regexp(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z", error="must be a slug like carriers_acme.")
_contract = validate.Regexp(r"[a-z0-9_]+(\.[a-z0-9_]+)+\.v\d+\Z", error="must be like carriers.carrier.v1.")


class ManifestSchema(ma.Schema):
    """The keys of `plugin.toml`; an unknown one is refused, as it would be a misspelt one."""

    name = fields.Str(required=True, validate=[_slug, validate.Length(max=40), validate.NoneOf(RESERVED)])
    title = fields.Str(required=True)
    summary = fields.Str()
    icon = fields.Str()
    category = fields.Str(validate=validate.OneOf(("module", "integration", "theme", "tool")))
    version = fields.Str(required=True, validate=Version)
    license = fields.Str()
    contract = fields.Int(required=True, strict=True, validate=validate.Equal(CONTRACT))
    core = fields.Str(validate=SpecifierSet)
    python = fields.Str(validate=SpecifierSet)
    databases = fields.List(fields.Str(validate=validate.OneOf(DATABASES)))
    requires = fields.Dict(fields.Str(), fields.Str(validate=SpecifierSet))
    optional = fields.Dict(fields.Str(), fields.Str(validate=SpecifierSet))
    conflicts = fields.Dict(fields.Str(), fields.Str(validate=SpecifierSet))
    provides = fields.List(fields.Str(validate=_contract))
    implements = fields.List(fields.Str(validate=_contract))
    packages = fields.List(fields.Str(validate=Requirement))
    permissions = fields.Dict(fields.Str(), fields.Str())
    network = fields.List(fields.Str())
    data = fields.Dict(fields.Str())

    @ma.validates_schema
    def _own_permissions(self, data: dict[str, Any], **_: Any) -> None:
        for name in data.get("permissions", ()):
            if not name.startswith(f"{data.get('name')}."):
                raise ma.ValidationError(f"{name!r} must begin with the plugin's name and a dot.", "permissions")


def read(path: Path, module: str) -> Plugin:
    """The plugin in folder `path`; when its manifest is bad, one named after the folder whose `error` says why."""
    try:
        values = _values((path / "plugin.toml").read_text(encoding="utf-8"))
        if values["name"] != path.name:
            raise ValueError(f"name {values['name']!r} must equal the name of its folder, {path.name!r}")
        return Plugin(path=path, module=module, **values)
    except (OSError, ValueError, ma.ValidationError) as error:  # those of tomllib and packaging are ValueErrors
        return Plugin(path.name, path, module, title=path.name, error=f"Bad manifest {path / 'plugin.toml'}: {error}")


@lru_cache(maxsize=128)  # the manifests of all plugins are read for every generation and most pages about plugins
def _values(text: str) -> Mapping[str, Any]:
    values: Mapping[str, Any] = ManifestSchema().load(tomllib.loads(text))
    return values


def misfit(plugin: Plugin, database: str) -> str:
    """Why this install cannot run `plugin` whatever else is enabled; "" when it can."""
    if plugin.error:
        return plugin.error
    if not SpecifierSet(plugin.core).contains(core.__version__, prereleases=True):
        return f"It needs Maktab {plugin.core}; this is {core.__version__}."
    if not SpecifierSet(plugin.python).contains(platform.python_version(), prereleases=True):
        return f"It needs Python {plugin.python}; this is {platform.python_version()}."
    if database not in plugin.databases:
        return f"It does not run on {database}, only on {', '.join(plugin.databases)}."
    missing = [text for text in plugin.packages if not _installed(Requirement(text))]
    return f"Python packages are missing: {', '.join(missing)}. Install them, then enable it again." if missing else ""


def _installed(wanted: Requirement) -> bool:
    version = packages.version(wanted.name)
    return version is not None and wanted.specifier.contains(version, prereleases=True)
