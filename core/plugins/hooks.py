"""Calling hooks: each implementation is guarded by the policy of its spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from time import perf_counter
from typing import Any, NamedTuple, NoReturn, TypeVar

import pluggy

from core import db
from core.errors import MaktabError
from core.plugins import guards, watch
from core.plugins.blame import PluginFailed, blaming

T = TypeVar("T")


class _Impl(NamedTuple):
    plugin: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def __call__(self, given: dict[str, Any]) -> Any:
        return self.function(*[given[name] for name in self.arguments])


class _Hook(NamedTuple):
    policy: str
    budget_ms: int
    impls: tuple[_Impl, ...]
    warm: set[str]  # plugins that have answered it; a first answer may wait for imports and empty caches


class Hooks:
    """All hooks of one generation; frozen, so that a call of a hook that nobody implements is one look-up."""

    def __init__(self, pm: pluggy.PluginManager) -> None:
        self.pm = pm
        self._hooks = {name: _frozen(caller) for name, caller in vars(pm.hook).items() if caller.spec}

    def is_implemented(self, name: str) -> bool:
        return bool(self._hooks[name].impls)

    def call(self, name: str, **given: Any) -> list[Any]:
        """Results of all implementations that gave one, in load order; KeyError when no spec is called `name`.

        collect and deliver: a failing one yields nothing. deny: it denies all `ids`. abort: its exception passes.
        """
        return self.read(name, lambda result: result, **given)

    def read(self, name: str, use: Callable[[Any], T], **given: Any) -> list[T]:
        """What `use` makes of each result. A result of which nothing can be made is its plugin's failure too."""
        hook = self._hooks[name]
        if not hook.impls:
            return []
        results = [_ask(name, hook, impl, given, use) for impl in hook.impls]
        return [result for result in results if result is not None]

    def only(self, plugin: str, name: str, **given: Any) -> None:
        """Call hook `name` of one plugin alone; its exceptions pass."""
        for impl in self._hooks[name].impls:
            if impl.plugin == plugin:
                impl(given)

    @property
    def names(self) -> list[str]:
        """All hooks that core and plugins offer."""
        return list(self._hooks)

    def answering(self, name: str) -> tuple[Any, ...]:
        """The functions behind a hook: equal in two generations in which the same ones answer."""
        return self._hooks[name].impls

    def declared(self, name: str, **given: Any) -> Iterator[tuple[str, Any]]:
        """(plugin, result) of a hook that is called while a generation is built: PluginFailed names who failed."""
        for impl in self._hooks[name].impls:
            with blaming(impl.plugin, name):
                result = impl(given)
            if result is not None:
                yield impl.plugin, result


def _frozen(caller: Any) -> _Hook:
    marks = vars(caller.spec.function)
    # In load order, so that a plugin comes after those it requires (pluggy itself would call the last one first).
    ordered = sorted(caller.get_hookimpls(), key=lambda impl: impl.trylast - impl.tryfirst)
    impls = tuple(_Impl(impl.plugin_name, impl.function, tuple(impl.argnames)) for impl in ordered)
    return _Hook(marks["policy"], marks["budget_ms"], impls, set())


def _ask(name: str, hook: _Hook, impl: _Impl, given: dict[str, Any], use: Callable[[Any], Any]) -> Any:
    """What `use` makes of the answer of one implementation; when that fails, what the hook's policy says."""
    began = perf_counter()
    guards.called(impl.plugin)
    try:
        # Inside a caller's transaction a failed statement must not spoil it; a page view has none and gets none.
        savepoint = db.transaction() if db.database.in_transaction() else nullcontext()
        with savepoint, watch.watched(impl.plugin, name, watch.PAGE_S if hook.budget_ms else watch.CHANGE_S):
            answer = impl(given)
            result = None if answer is None else use(answer)
    except (Exception, SystemExit) as error:
        if hook.policy == "abort":
            _abort(name, impl.plugin, error)
        guards.failed(impl.plugin, name, error)
        return list(given["ids"]) if hook.policy == "deny" else None
    took_ms = (perf_counter() - began) * 1000
    if hook.budget_ms and took_ms > hook.budget_ms:
        guards.slow(impl.plugin, name, took_ms, hook.budget_ms, impl.plugin not in hook.warm)
    hook.warm.add(impl.plugin)
    return result


def _abort(name: str, plugin: str, error: Exception | SystemExit) -> NoReturn:
    if isinstance(error, MaktabError):
        raise error  # a refusal, which is what the hook is for
    guards.failed(plugin, name, error)
    if isinstance(error, SystemExit):
        raise PluginFailed(plugin, f"The plugin tried to end the process in {name}.") from error
    raise error
