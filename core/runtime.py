"""One generation: everything that plugins registered, frozen. A change of plugins builds a new one and swaps it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.errors import NoResource

if TYPE_CHECKING:
    from core.context import Context
    from core.jobs import JobType, Schedule
    from core.plugins.hooks import Hooks
    from core.plugins.manifest import Plugin
    from core.resources import Resource
    from core.settings import Settings

Handler = Callable[["Context", Mapping[str, Any]], None]


@dataclass(frozen=True)
class Runtime:
    """What one generation knows.

    `subscriptions`: event name -> ((plugin, handler), …). `permissions`: name -> label. `declared`: for each register_*
    hook that a plugin offers, what all others gave, in load order.
    """

    generation: int
    settings: Settings
    plugins: Mapping[str, Plugin]
    hooks: Hooks
    resources: Mapping[str, Resource] = field(default_factory=dict)
    jobs: Mapping[str, JobType] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    subscriptions: Mapping[str, tuple[tuple[str, Handler], ...]] = field(default_factory=dict)
    services: Mapping[str, Any] = field(default_factory=dict)
    commands: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    declared: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    permissions: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def running(self) -> Mapping[str, Plugin]:
        """Those of `plugins` that are part of this generation, in load order."""
        return {name: plugin for name, plugin in self.plugins.items() if plugin.status == "healthy"}

    @cached_property
    def texts(self) -> dict[tuple[str, str], Any]:
        """What `core.i18n` has found: the texts of a language for who asked."""
        return {}

    @cached_property
    def daily(self) -> frozenset[str]:
        """The permissions of the actions that are declared as everyday work."""
        found = [(one, action) for one in self.resources.values() for action in one.actions if action.daily]
        return frozenset(resource.permission(action.name) for resource, action in found)

    def resources_of(self, plugin: str) -> list[Resource]:
        """What the plugin of this name has declared."""
        return [one for one in self.resources.values() if one.plugin == plugin]

    def resource(self, name: str) -> Resource:
        """The resource `name`; NoResource when its plugin is off."""
        if name not in self.resources:
            raise NoResource(name)
        return self.resources[name]


_installed: Runtime | None = None
_bound: ContextVar[Runtime | None] = ContextVar("runtime", default=None)


def install(runtime: Runtime) -> None:
    """Make `runtime` the process's present generation."""
    global _installed
    _installed = runtime


def current() -> Runtime:
    """The generation of the running request or job; outside of both, the process's present one."""
    runtime = _bound.get() or _installed
    if runtime is None:
        raise RuntimeError("No runtime yet: core.plugins.build(settings) and core.runtime.install come first.")
    return runtime


@contextmanager
def bound(runtime: Runtime) -> Iterator[Runtime]:
    """Everything inside sees `runtime`, also when the process swaps meanwhile."""
    token = _bound.set(runtime)
    try:
        yield runtime
    finally:
        _bound.reset(token)
