"""Import plugins, register their hooks, collect what they declare: one generation."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from core import db
from core.plugins import hookspecs, state
from core.plugins.blame import PluginFailed, blaming
from core.plugins.discovery import discover
from core.plugins.hooks import Hooks
from core.plugins.manifest import Plugin
from core.plugins.resolver import resolve
from core.runtime import Runtime, bound
from core.settings import Settings

if TYPE_CHECKING:
    import flask

T = TypeVar("T")
_HUEY = re.compile(r"^\s*(from|import)\s+huey\b", re.MULTILINE)


def build(settings: Settings, *, trial: str = "") -> Runtime:
    """The present generation.

    `trial`: as if that plugin were enabled; then nothing is written, and PluginFailed comes through.
    """
    return _generation(settings, trial) if trial else _finished(settings, lambda runtime: runtime)


def assemble(settings: Settings, create_app: Callable[[Runtime], flask.Flask]) -> tuple[Runtime, flask.Flask]:
    """The present generation and its application."""
    return _finished(settings, lambda runtime: (runtime, create_app(runtime)))


def _finished(settings: Settings, finish: Callable[[Runtime], T]) -> T:
    """What `finish` makes of the present generation. A plugin that fails is quarantined; the others go on."""
    broken: dict[str, str] = {}
    while True:
        try:
            built = _generation(settings, broken=broken)
            with bound(built):
                return finish(built)
        except PluginFailed as failed:
            if failed.plugin == "core":
                raise
            broken[failed.plugin] = failed.reason
            quarantine(settings, failed.plugin, failed.reason)


def _generation(settings: Settings, trial: str = "", broken: Mapping[str, str] | None = None) -> Runtime:
    number, plugins = present(settings, trial, broken)
    running = [plugin for plugin in plugins.values() if plugin.status == "healthy"]
    hooks = _register(running)
    return Runtime(number, settings, plugins, hooks, **_declarations(hooks, running))


def quarantine(settings: Settings, name: str, reason: str) -> None:
    """As `state.quarantine`, in a process that has no generation yet."""
    with bound(Runtime(0, settings, {}, _register([]))):
        state.quarantine(name, reason)


def present(
    settings: Settings, trial: str = "", broken: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Plugin]]:
    """The generation and all plugins with their status, those that run first and in load order; imports none."""
    number, rows = state.load()
    plugins = discover(settings)
    for name, row in rows.items():
        found = plugins.get(name) or Plugin(name, settings.merchant_plugins / name, title=name, version=row.version)
        plugins[name] = replace(found, enabled=row.enabled, status="off" if found.module else "missing")
    reasons = {name: row.error for name, row in rows.items() if row.status == "quarantined" and name != trial}
    reasons |= broken or {}
    wanted = {
        name: plugin
        for name, plugin in plugins.items()
        if (plugin.enabled or name == trial) and name not in reasons and plugin.status != "missing"
    }
    order, unfit = resolve({} if settings.safe_mode else wanted, "postgresql" if db.is_postgres() else "sqlite")
    reasons |= unfit
    running = {name: replace(plugins[name], status="healthy") for name in order}
    rest = {name: _idle(plugin, reasons) for name, plugin in sorted(plugins.items()) if name not in running}
    return number, running | rest


def running(settings: Settings) -> dict[str, Plugin]:
    """The plugins that would run now, in load order; imports none."""
    return {name: plugin for name, plugin in present(settings)[1].items() if plugin.status == "healthy"}


def _idle(plugin: Plugin, reasons: Mapping[str, str]) -> Plugin:
    if plugin.status == "missing":
        return replace(plugin, error="Its folder or package is gone: put it back and enable it, or disable it.")
    if plugin.name in reasons:
        return replace(plugin, status="quarantined", error=reasons[plugin.name])
    return replace(plugin, error=plugin.error or ("Safe mode: core runs alone." if plugin.enabled else ""))


def _register(plugins: Sequence[Plugin]) -> Hooks:
    """All hook specs first, then all hooks: an implementation is checked against its spec as it is registered."""
    from core import builtin  # what core declares stands on all of its rooms

    pm = pluggy.PluginManager("maktab")
    pm.add_hookspecs(hookspecs)
    for plugin in plugins:
        with blaming(plugin.name, "It cannot be loaded"):
            _check_files(plugin.name, plugin.path)
            if (plugin.path / "hookspecs.py").exists():
                _add_specs(pm, plugin)
    pm.register(builtin, name="core")
    for plugin in plugins:
        with blaming(plugin.name, "It cannot be loaded"):
            pm.register(importlib.import_module(f"{plugin.module}.hooks"), name=plugin.name)
            _check_hooks(pm, plugin)
    return Hooks(pm)


def _add_specs(pm: pluggy.PluginManager, plugin: Plugin) -> None:
    module = importlib.import_module(f"{plugin.module}.hookspecs")
    for name in dir(module):
        if pm.parse_hookspec_opts(module, name) is None:
            continue
        if hasattr(pm.hook, name):
            raise PluginFailed(plugin.name, f"It offers the hook {name!r}, which another plugin offers already.")
        if not hasattr(getattr(module, name), "policy"):
            raise PluginFailed(plugin.name, f"Its hook {name!r} has no policy: mark it with core.plugins.hookspec.")
        if name.startswith("register_") and inspect.signature(getattr(module, name)).parameters:
            raise PluginFailed(plugin.name, f"Its hook {name!r} has arguments; a register_ hook is called without any.")
    pm.add_hookspecs(module)


def _check_hooks(pm: pluggy.PluginManager, plugin: Plugin) -> None:
    for caller in pm.get_hookcallers(pm.get_plugin(plugin.name)) or ():
        own = [impl for impl in caller.get_hookimpls() if impl.plugin_name == plugin.name]
        if any(impl.wrapper or impl.hookwrapper for impl in own):
            raise PluginFailed(plugin.name, f"Its hook {caller.name!r} is a wrapper, which nobody can guard.")
        if caller.spec is None and not all(impl.optionalhook for impl in own):
            raise PluginFailed(plugin.name, f"It implements the hook {caller.name!r}, which nobody offers (misspelt?).")


@functools.cache  # code that a process has loaded stays what it is
def _check_files(name: str, path: Path) -> None:
    for folder in sorted((path / "templates").glob("*")):
        if folder.name != name:
            raise PluginFailed(name, f"{folder} must lie in templates/{name}/: names are shared by all.")
    for file in path.rglob("*.py"):
        if _HUEY.search(file.read_text(encoding="utf-8")):
            raise PluginFailed(name, f"{file} imports huey, which loses jobs: declare them with register_jobs.")


def _declarations(hooks: Hooks, running: Sequence[Plugin]) -> dict[str, Any]:
    resources = {one.name: one for _, one in _declared(hooks, "register_resources", attrgetter("name"))}
    subscriptions: dict[str, tuple[Any, ...]] = {}
    for plugin, (event, handler) in _declared(hooks, "register_subscriptions"):
        subscriptions[event] = (*subscriptions.get(event, ()), (plugin, handler))
    permissions = {name: name for resource in resources.values() for name in resource.permissions()}
    for each in running:
        permissions |= each.permissions
    offered = [name for name in hooks.names if name.startswith("register_") and not hasattr(hookspecs, name)]
    return {
        "resources": resources,
        "jobs": {job.name: job for _, job in _declared(hooks, "register_jobs", attrgetter("name"))},
        "schedules": tuple(schedule for _, schedule in _declared(hooks, "register_schedules", attrgetter("job"))),
        "services": dict(service for _, service in _declared(hooks, "register_services", itemgetter(0))),
        "subscriptions": subscriptions,
        "commands": _commands(hooks),
        "declared": {name: tuple(item for _, item in _declared(hooks, name)) for name in offered},
        "permissions": permissions,
    }


def _commands(hooks: Hooks) -> dict[str, Any]:
    from core.cli import load  # commands stand on all other rooms

    owners: dict[str, str] = dict.fromkeys(load().commands, "core")
    found = {}
    for plugin, (name, function) in _declared(hooks, "register_commands"):
        owner = owners.setdefault(name.split()[0], plugin)
        if owner != plugin:
            raise PluginFailed(plugin, f"register_commands: `maktab {name}` is taken by {owner}.")
        found[name] = function
    return found


def _declared(hooks: Hooks, hook: str, name_of: Callable[[Any], str] | None = None) -> Iterator[tuple[str, Any]]:
    """(plugin, item) of a register_* hook; what `name_of` gives must begin with the plugin's name."""
    for plugin, declared in hooks.declared(hook):
        with blaming(plugin, hook):
            items = list(declared.items() if isinstance(declared, Mapping) else declared)
            names = [str(name_of(item)) for item in items] if name_of else []
        for name in names:
            if not name.startswith(f"{plugin}."):
                raise PluginFailed(plugin, f"{hook}: the name {name!r} must begin with {plugin!r} and a dot.")
        yield from ((plugin, item) for item in items)
