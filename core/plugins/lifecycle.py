"""Enable and disable plugins while everything runs; each change is one new generation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from core import db, runtime
from core.context import Context, system_context
from core.db import migrate, schema, search
from core.errors import Conflict, NotFound
from core.i18n import _
from core.plugins import loader, state
from core.plugins.blame import where
from core.plugins.discovery import discover, is_ours
from core.plugins.manifest import Plugin
from core.plugins.resolver import dependents, resolve
from core.runtime import Runtime
from core.settings import Settings

TRIAL_S = 120


class PluginRefused(Conflict):
    """The plugin cannot be switched so; the text names the reason and what to do first."""


def status() -> list[Plugin]:
    """All plugins as they are now, running ones first, in load order."""
    built = runtime.current()
    number, found = loader.present(built.settings)
    then = built.plugins if built.generation == number else {}
    return [_as_built(plugin, then.get(plugin.name, plugin)) for plugin in found.values()]


def _as_built(now: Plugin, then: Plugin) -> Plugin:
    """What came back after this generation was built is not running: enabling it builds the next one."""
    if now.status != "healthy" or then.status == "healthy":
        return now
    return replace(now, status=then.status, error=then.error)


def enable(ctx: Context, name: str) -> None:
    """Check `name` in a child process, migrate its tables and let every process build the next generation with it.

    Also when it is on: a process that was started while its package was missing runs without it.
    Raises NotFound or PluginRefused with the reason; then nothing has changed but migrations already applied.
    """
    settings = runtime.current().settings
    before = loader.present(settings)[1]
    if name not in before or before[name].status == "missing":
        folder = settings.merchant_plugins
        raise NotFound(
            _("There is no plugin %(name)s in our folder, in %(folder)s or installed.", name=name, folder=folder)
        )
    after = loader.present(settings, trial=name)[1]
    for other, plugin in after.items():
        if plugin.status != "healthy" and (other == name or before[other].status == "healthy"):
            raise _refused(name, f"{other}: {plugin.error}")
    _try_out(settings, name)
    built = loader.build(settings, trial=name)
    try:
        migrate_tables(built, name)
    except (Exception, SystemExit) as error:
        text = f"{type(error).__name__}: {error}{where(name, error)}"
        raise _refused(name, _("Its migration failed: %(why)s", why=text)) from error
    _refuse_lacking(built, name)
    state.change(ctx, name, "enabled", enabled=True, status="healthy", error="", version=after[name].version)


def disable(ctx: Context, name: str, *, with_dependents: bool = False) -> list[str]:
    """Take `name` out from the next generation on; returns the names that went, dependents first.

    Raises PluginRefused naming the enabled plugins that require it, unless `with_dependents`.
    """
    plugins = {plugin.name: plugin for plugin in status() if plugin.enabled}
    if name not in plugins:
        raise NotFound(_("There is no enabled plugin %(name)s.", name=name))
    first = dependents(name, plugins)
    if first and not with_dependents:
        text = _(
            "%(name)s is required by %(others)s: disable those first, or all of them together.",
            name=name,
            others=", ".join(first),
        )
        raise PluginRefused(text)
    with db.transaction():
        for one in (*first, name):
            state.change(ctx, one, "disabled", enabled=False, status="off", error="")
    return [*first, name]


def migrate_tables(built: Runtime, name: str) -> list[str]:
    """Bring the tables of plugin `name`, and what searches its resources, to this version; returns what was applied."""
    applied = migrate.apply(name, built.plugins[name].path / "migrations")
    with runtime.bound(built):
        for resource in built.resources_of(name):
            search.ensure(resource)
    return [f"{name}.{step}" for step in applied]


def _refuse_lacking(built: Runtime, name: str) -> None:
    for resource in built.resources_of(name):
        if text := schema.lacking(resource.model):
            raise _refused(name, f"{resource.name}: {text}, which the model has.")


def take_back(built: Runtime, step: str) -> None:
    """Undo the newest migration of a plugin, `<plugin>.NNNN_name`. Raises NotFound or migrate.MigrationRefused."""
    name, _, migration = step.partition(".")
    if name not in built.plugins:
        raise NotFound(f"There is no plugin {name!r}: name its migration, like shelves.0002_height.")
    migrate.take_back(name, built.plugins[name].path / "migrations", migration)


def install_defaults() -> None:
    """Enable our own plugins in a database that has never seen one."""
    settings = runtime.current().settings
    if state.load()[1]:
        return
    ours = {name: plugin for name, plugin in discover(settings).items() if is_ours(plugin)}
    order, _ = resolve(ours, "postgresql" if db.is_postgres() else "sqlite")
    with db.transaction():
        for name in order:
            version = ours[name].version
            state.change(system_context(), name, "enabled", enabled=True, status="healthy", version=version)


def tell_enabled(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Subscriber of the event of `enable`: the plugin's own `plugin_enabled` hook."""
    runtime.current().hooks.only(payload["name"], "plugin_enabled", ctx=ctx)


def _try_out(settings: Settings, name: str) -> None:
    """Assemble it in a child process: an import that fails half-way would leave its traces in this one."""
    environ = os.environ | {f"MAKTAB_{key.upper()}": str(value) for key, value in asdict(settings).items()}
    command = [sys.executable, "-P", "-m", "core.cli", "plugin", "check", name]
    try:
        child = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=TRIAL_S, check=False)
    except subprocess.TimeoutExpired:
        raise _refused(name, _("Loading it took more than %(s)s s.", s=TRIAL_S)) from None
    why = child.stderr.strip().rpartition("maktab: ")[2]  # what the plugin itself may have printed stands before it
    if child.returncode not in (0, 1):
        why = _("Loading it ended the process (%(code)s):", code=child.returncode) + f" {child.stderr[-500:]}"
    if child.returncode:
        raise _refused(name, why)


def _refused(name: str, why: str) -> PluginRefused:
    """What the child, a manifest or a database say of it is technical, and English."""
    return PluginRefused(_("%(name)s cannot be enabled. %(why)s", name=name, why=why))
