"""How often a plugin is called and fails: counted in memory, written now and then, shown on its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import peewee
import pytest

from core import db
from core.context import NOBODY
from core.plugins import calls, guards
from core.plugins.models import PluginCalls
from tests.helpers import count_statements
from tests.plugin_kit import MerchantFolder

GOOD = "@hookimpl\ndef nav_items(actor): return []"
BAD = "@hookimpl\ndef nav_items(actor): raise RuntimeError('boom')"


@pytest.fixture(autouse=True)
def counted_from_nothing() -> Iterator[None]:
    calls._calls.clear()
    calls._failures.clear()
    yield
    calls._calls.clear()
    calls._failures.clear()


def kept() -> dict[str, tuple[int, int]]:
    return {row.plugin: (row.calls, row.failures) for row in PluginCalls.select()}


def test_calls_cost_no_statement_and_are_added_up_by_the_day(merchant: MerchantFolder) -> None:
    merchant.on("good", hooks=GOOD)
    hooks = merchant.build().hooks
    with count_statements() as seen:
        for _time in range(50):
            hooks.call("nav_items", actor=NOBODY)
    assert seen == []
    calls.write()
    hooks.call("nav_items", actor=NOBODY)
    calls.write()
    calls.write()
    assert kept() == {"good": (51, 0)}


def test_a_failure_is_a_call_that_failed(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks=BAD)
    hooks = merchant.build().hooks
    for _time in range(3):
        hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    calls.write()
    assert kept() == {"bad": (3, 3)}


def test_when_it_is_time_a_call_has_them_written_behind_its_back(
    merchant: MerchantFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.on("good", hooks=GOOD)
    hooks = merchant.build().hooks
    monkeypatch.setattr(calls, "EVERY_S", 0)
    hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    assert kept() == {"good": (1, 0)}


def test_what_the_database_does_not_take_is_written_the_next_time(
    merchant: MerchantFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant.on("good", hooks=GOOD)
    merchant.build().hooks.call("nav_items", actor=NOBODY)
    with monkeypatch.context() as full:
        full.setattr(PluginCalls, "insert", lambda row: (_ for _ in ()).throw(peewee.OperationalError("disk full")))
        calls.write()
    assert kept() == {}
    calls.write()
    assert kept() == {"good": (1, 0)}


def test_the_manager_says_how_often_a_plugin_was_called_and_failed(signed_in: Any) -> None:
    today = db.utcnow().date()
    PluginCalls.insert(plugin="orders", day=today, calls=318, failures=2).execute()
    PluginCalls.insert(plugin="orders", day=date(2020, 1, 1), calls=9, failures=9).execute()
    owner = signed_in("owner")
    for page in ("/admin/plugins/", "/admin/plugins/orders"):
        assert "318 calls today · 2 failed" in owner.get(page).get_data(as_text=True)
