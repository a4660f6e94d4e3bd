"""Which of the wanted plugins can run together, and in which order they load."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from packaging.specifiers import SpecifierSet

from core.plugins.manifest import Plugin, misfit


def resolve(wanted: Mapping[str, Plugin], database: str) -> tuple[list[str], dict[str, str]]:
    """Names in load order (a plugin after all it requires), and {name: reason} of those that cannot run."""
    reasons = {name: reason for name, plugin in wanted.items() if (reason := misfit(plugin, database))}
    reasons |= _cycles({name: plugin for name, plugin in wanted.items() if name not in reasons})
    while True:  # each round removes the plugins that stood on those of the round before
        left = {name: plugin for name, plugin in wanted.items() if name not in reasons}
        unmet = {name: reason for name, plugin in left.items() if (reason := _unmet(plugin, left))}
        if not unmet:
            return _order(left), reasons
        reasons |= unmet


def dependents(name: str, plugins: Mapping[str, Plugin]) -> list[str]:
    """Plugins that require `name`, directly or not, in the order in which they must go before it."""
    order = _order(plugins)
    gone = {name}
    for other in order:
        if gone & set(plugins[other].requires):
            gone.add(other)
    return [other for other in reversed(order) if other in gone and other != name]


def _unmet(plugin: Plugin, others: Mapping[str, Plugin]) -> str:
    for name, wanted in plugin.requires.items():
        if name not in others:
            return f"It requires the plugin {name!r}, which is not enabled or cannot run."
        if not _fits(others[name], wanted):
            return f"It requires {name} {wanted}; there is {others[name].version}."
    for name, wanted in plugin.optional.items():
        if name in others and not _fits(others[name], wanted):
            return f"It works with {name} {wanted} or without it; there is {others[name].version}."
    for name, range_ in plugin.conflicts.items():
        if name in others and _fits(others[name], range_):
            return f"It conflicts with {name} {others[name].version}, which is enabled."
    provided = {contract for other in others.values() for contract in other.provides}
    for contract in plugin.implements:
        if contract not in provided:
            return f"It implements {contract}, which no enabled plugin provides."
    return ""


def _fits(plugin: Plugin, wanted: str) -> bool:
    return SpecifierSet(wanted).contains(plugin.version, prereleases=True)


def _order(plugins: Mapping[str, Plugin]) -> list[str]:
    graph = {name: sorted(set(plugin.requires) & set(plugins)) for name, plugin in sorted(plugins.items())}
    return list(TopologicalSorter(graph).static_order())


def _cycles(plugins: Mapping[str, Plugin]) -> dict[str, str]:
    """{name: reason} for the members of every circle of `requires`."""
    reasons: dict[str, str] = {}
    while True:
        try:
            _order({name: plugin for name, plugin in plugins.items() if name not in reasons})
            return reasons
        except CycleError as error:
            circle = error.args[1]
            reasons |= dict.fromkeys(circle, f"Plugins require each other in a circle: {' → '.join(circle)}.")
