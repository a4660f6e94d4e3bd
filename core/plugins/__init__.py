"""Plugins: what they declare, how they are found, loaded, guarded, and switched on and off at run time."""

from core.plugins.hookspecs import hookimpl, hookspec
from core.plugins.manifest import Plugin, PluginFailed

from core.plugins.hooks import Hooks  # isort: skip
from core.plugins.assembly import assemble
from core.plugins.discovery import discover
from core.plugins.lifecycle import PluginRefused, disable, enable, install_defaults, status
from core.plugins.loader import build
from core.plugins.state import generation, quarantine

__all__ = [
    "Hooks",
    "Plugin",
    "PluginFailed",
    "PluginRefused",
    "assemble",
    "build",
    "disable",
    "discover",
    "enable",
    "generation",
    "hookimpl",
    "hookspec",
    "install_defaults",
    "quarantine",
    "status",
]
