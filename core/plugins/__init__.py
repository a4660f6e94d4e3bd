"""Plugins: what they declare, how they are found, loaded, guarded, and switched on and off at run time."""

from core.plugins.blame import PluginFailed
from core.plugins.hookspecs import hookimpl, hookspec
from core.plugins.lifecycle import PluginRefused, disable, enable, install_defaults, migrate_tables, status, take_back
from core.plugins.loader import assemble, build, running
from core.plugins.state import generation

__all__ = [
    "PluginFailed", "PluginRefused", "assemble", "build", "disable", "enable", "generation", "hookimpl", "hookspec",
    "install_defaults", "migrate_tables", "running", "status", "take_back",
]  # fmt: skip
