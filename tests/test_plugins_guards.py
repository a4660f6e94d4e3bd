"""A failing plugin costs its own contribution, is counted over all processes, and is switched off at five."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

import pytest
import structlog

from core import db, plugins
from core.context import NOBODY, SYSTEM
from core.db import utcnow
from core.errors import Rejected
from core.plugins import guards
from core.plugins.blame import PluginFailed
from core.plugins.models import PluginFailure, PluginState
from tests.plugin_kit import MerchantFolder

FAILING = "@hookimpl\ndef nav_items(actor): raise {error}"


@pytest.mark.parametrize("error", ["RuntimeError('boom')", "SystemExit(1)"])
def test_collect_goes_on_without_the_failing_one(merchant: MerchantFolder, error: str) -> None:
    merchant.on("bad", hooks=FAILING.format(error=error))
    merchant.on("good", hooks="@hookimpl\ndef nav_items(actor): return ['good']")
    hooks = merchant.build().hooks
    assert hooks.call("nav_items", actor=NOBODY) == [["good"]]
    guards.flush()
    assert PluginFailure.get().plugin == "bad"


def test_collect_drops_none(merchant: MerchantFolder) -> None:
    merchant.on("quiet", hooks="@hookimpl\ndef nav_items(actor): return None")
    assert merchant.build().hooks.call("nav_items", actor=NOBODY) == []


def test_deny_takes_a_failure_as_no(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks="@hookimpl\ndef authorize(actor): raise RuntimeError('boom')")
    merchant.on("good", hooks="@hookimpl\ndef authorize(ids): return ids[:1]")
    answers = merchant.build().hooks.call("authorize", actor=SYSTEM, permission="p", resource="r", ids=(1, 2))
    assert answers == [[1, 2], (1,)]


def test_abort_lets_a_refusal_through_and_counts_nothing(merchant: MerchantFolder) -> None:
    hooks = "from core.errors import Rejected\n@hookimpl\ndef before_change(changes): raise Rejected(1, 'name', 'no')"
    merchant.on("strict", hooks=hooks)
    built = merchant.build()
    with pytest.raises(Rejected, match="no"), db.transaction():
        built.hooks.call("before_change", ctx=None, resource="r", action="updated", changes=())
    guards.flush()
    assert not PluginFailure.select().exists()


@pytest.mark.parametrize(("error", "raised"), [("ValueError('x')", ValueError), ("SystemExit(1)", PluginFailed)])
def test_abort_lets_a_failure_through_and_counts_it(
    merchant: MerchantFolder, error: str, raised: type[Exception]
) -> None:
    merchant.on("bad", hooks=f"@hookimpl\ndef before_change(): raise {error}")
    built = merchant.build()
    with pytest.raises(raised), db.transaction():
        built.hooks.call("before_change", ctx=None, resource="r", action="updated", changes=())
    guards.flush()
    assert PluginFailure.get().hook == "before_change"


def test_a_refused_change_leaves_the_callers_transaction_usable(merchant: MerchantFolder) -> None:
    """PostgreSQL refuses every statement after a failed one, unless a savepoint lies between."""
    hooks = """
        from core import db
        @hookimpl
        def before_change():
            db.database.execute_sql("SELECT * FROM no_such_table")
    """
    merchant.on("bad", hooks=hooks)
    built = merchant.build()
    with db.transaction():
        with pytest.raises(Exception, match="no_such_table"):
            built.hooks.call("before_change", ctx=None, resource="r", action="updated", changes=())
        assert PluginState.select().count() == 1


def test_five_failures_in_a_minute_quarantine_with_the_reason(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks=FAILING.format(error="RuntimeError('boom')"))
    before = merchant.build()
    for _ in range(5):
        before.hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    assert plugins.generation() == before.generation + 1
    after = merchant.build()
    assert "nav_items: RuntimeError: boom" in after.plugins["bad"].error
    assert after.hooks.call("nav_items", actor=NOBODY) == []


def test_a_database_that_refuses_is_not_the_plugins_fault(merchant: MerchantFolder) -> None:
    raising = "peewee.OperationalError('database or disk is full')"
    merchant.on("unlucky", hooks=f"import peewee\n{FAILING.format(error=raising)}")
    built = merchant.build()
    for _ in range(6):
        assert built.hooks.call("nav_items", actor=NOBODY) == []
    guards.flush()
    assert not PluginFailure.select().exists()
    assert plugins.generation() == built.generation


def test_four_failures_or_old_ones_do_not(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks=FAILING.format(error="RuntimeError('boom')"))
    old = utcnow() - timedelta(seconds=61)
    for _ in range(4):
        PluginFailure.create(plugin="bad", hook="x", error="x", at=old)
    before = merchant.build()
    for _ in range(4):
        before.hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    assert plugins.generation() == before.generation


def test_failures_of_several_processes_add_up(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks=FAILING.format(error="RuntimeError('boom')"))
    for _ in range(4):
        PluginFailure.create(plugin="bad", hook="x", error="seen by another process")
    merchant.build().hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    assert PluginState.get(PluginState.name == "bad").status == "quarantined"


def test_counting_does_not_wait_for_the_write_lock_of_the_page(merchant: MerchantFolder) -> None:
    merchant.on("bad", hooks=FAILING.format(error="RuntimeError('boom')"))
    hooks = merchant.build().hooks
    with db.transaction():
        PluginState.update(error="").execute()
        began = time.monotonic()
        hooks.call("nav_items", actor=NOBODY)
        assert time.monotonic() - began < 0.5
    guards.flush()
    assert PluginFailure.select().count() == 1


def test_counting_that_fails_is_logged_and_breaks_nothing(
    merchant: MerchantFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    merchant.on("bad", hooks=FAILING.format(error="RuntimeError('boom')"))
    hooks = merchant.build().hooks
    monkeypatch.setattr(PluginFailure, "create", refuse)
    logging.getLogger().handlers.clear()
    assert hooks.call("nav_items", actor=NOBODY) == []
    guards.flush()
    assert not PluginFailure.select().exists()


def test_a_call_over_its_budget_is_logged(merchant: MerchantFolder) -> None:
    merchant.on("slow", hooks="import time\n@hookimpl\ndef nav_items(actor): time.sleep(0.06); return [1]")
    hooks = merchant.build().hooks
    with structlog.testing.capture_logs() as lines:
        assert hooks.call("nav_items", actor=NOBODY) == [[1]]
    (line,) = lines
    assert (line["plugin"], line["hook"]) == ("slow", "nav_items")
    assert "its budget is 50 ms" in line["event"]


def test_a_call_far_over_its_budget_counts_after_the_first_of_a_generation_and_five_end_the_plugin(
    merchant: MerchantFolder,
) -> None:
    merchant.on("slow", hooks="import time\n@hookimpl\ndef nav_items(actor): time.sleep(0.51); return [1]")
    hooks = merchant.build().hooks
    assert hooks.call("nav_items", actor=NOBODY) == [[1]]
    guards.flush()
    assert not PluginFailure.select().exists()
    for _ in range(4):
        assert hooks.call("nav_items", actor=NOBODY) == [[1]]
    guards.flush()
    assert PluginState.get(PluginState.name == "slow").status == "healthy"
    assert {row.error.partition(" took")[0] for row in PluginFailure.select()} == {"Slow:"}
    hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    row = PluginState.get(PluginState.name == "slow")
    assert row.status == "quarantined"
    assert "ms, its budget is 50 ms" in row.error


def test_a_call_somewhat_over_its_budget_is_no_failure(merchant: MerchantFolder) -> None:
    merchant.on("slow", hooks="import time\n@hookimpl\ndef nav_items(actor): time.sleep(0.06)")
    merchant.build().hooks.call("nav_items", actor=NOBODY)
    guards.flush()
    assert not PluginFailure.select().exists()


def test_a_hook_that_nobody_implements_costs_nothing_to_speak_of(merchant: MerchantFolder) -> None:
    hooks = merchant.build().hooks
    began = time.perf_counter()
    for _ in range(10_000):
        hooks.call("before_change", ctx=None, resource="r", action="a", changes=())
    assert (time.perf_counter() - began) / 10_000 < 20e-6


def test_a_misspelt_call_is_an_error(merchant: MerchantFolder) -> None:
    with pytest.raises(KeyError):
        merchant.build().hooks.call("nav_itms", actor=NOBODY)
