"""A hook that does not end, or eats the memory, is stopped where it stands; its plugin goes off at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import db
from core.context import NOBODY
from core.db import utcnow
from core.plugins import guards, watch
from core.plugins.models import PluginState
from tests.plugin_kit import MerchantFolder

ENDLESS = "@hookimpl\ndef nav_items(actor):\n    while True: pass"
STUBBORN = """
@hookimpl
def nav_items(actor):
    for _ in range(3):
        try:
            while True: pass
        except BaseException:
            pass
    return []
"""


@pytest.fixture
def looking() -> Iterator[None]:
    """Somebody who looks fifty times as often as in a real process."""
    ended = threading.Event()

    def watch_on() -> None:
        while not ended.wait(0.01):
            watch.look()

    thread = threading.Thread(target=watch_on)
    thread.start()
    yield
    ended.set()
    thread.join()


def state(name: str) -> PluginState:
    guards.flush()
    return PluginState.get(PluginState.name == name)


@pytest.mark.parametrize("hooks", [ENDLESS, STUBBORN], ids=["endless", "catches everything"])
def test_an_endless_hook_is_stopped_and_once_is_enough(merchant: MerchantFolder, hooks: str, looking: None) -> None:
    merchant.on("bad", hooks=hooks)
    merchant.on("good", hooks="@hookimpl\ndef nav_items(actor): return ['good']")
    built = merchant.build()
    assert ["good"] in built.hooks.call("nav_items", actor=NOBODY)
    assert state("bad").status == "quarantined"
    assert "nav_items: it did not end in time" in state("bad").error
    assert db.database.execute_sql("SELECT 1").fetchone() == (1,)
    assert not watch._running


def test_a_stop_inside_a_transaction_leaves_it_usable(merchant: MerchantFolder, looking: None) -> None:
    hooks = """
        from core.plugins.models import PluginState
        @hookimpl
        def before_change():
            PluginState.update(error="half").where(PluginState.name == "bad").execute()
            while True: pass
    """
    merchant.on("bad", hooks=hooks)
    built = merchant.build()
    with db.transaction():
        with pytest.raises(TimeoutError, match="did not end"):
            built.hooks.call("before_change", ctx=None, resource="r", action="updated", changes=())
        assert PluginState.get(PluginState.name == "bad").error == ""
        PluginState.update(changed_at=utcnow()).where(PluginState.name == "bad").execute()
    assert state("bad").status == "quarantined"


def test_an_endless_import_is_stopped(merchant: MerchantFolder, looking: None) -> None:
    merchant.on("bad", hooks="while True: pass")
    assert "It cannot be loaded: TimeoutError: it did not end in time" in merchant.reason("bad")


def test_nobody_is_stopped_outside_his_call(merchant: MerchantFolder) -> None:
    """Thousands of calls that end in the moment in which they are stopped: nothing comes after them."""

    def ends_when_stopped(_: int) -> int:
        stopped = 0
        for _ in range(300):
            try:
                with watch.watched("bad", "a hook", -1):
                    time.sleep(0.0003)
            except TimeoutError:
                stopped += 1
            sum(range(200))  # here it would be raised
        return stopped

    merchant.on("bad", hooks="")
    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(ends_when_stopped, number) for number in range(4)]
        while not all(one.done() for one in working):
            watch.look()
    assert sum(one.result() for one in working) > 50
    assert not watch._running


def test_only_the_innermost_call_of_a_thread_is_at_fault(merchant: MerchantFolder, looking: None) -> None:
    merchant.on("bad", hooks="")
    merchant.on("good", hooks="")
    with watch.watched("good", "outer", 5), pytest.raises(TimeoutError), watch.watched("bad", "inner", 10):
        while True:
            pass
    assert (state("good").status, state("bad").status) == ("healthy", "quarantined")


def test_who_took_half_of_the_memory_goes_off(merchant: MerchantFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant.on("eater", hooks="KEPT = []\n@hookimpl\ndef nav_items(actor): KEPT.append(b'x' * (40 << 20)); return []")
    merchant.on("good", hooks="@hookimpl\ndef nav_items(actor): return []")
    hooks = merchant.build().hooks
    monkeypatch.setattr(watch, "_grown", type(watch._grown)())
    assert not watch._blame_memory(32)
    for _ in range(2):  # each larger than any block that malloc would take from what was given back
        hooks.call("nav_items", actor=NOBODY)
    assert watch._blame_memory(32)
    assert "MB of memory" in state("eater").error
    assert state("good").status == "healthy"
