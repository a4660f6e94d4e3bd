"""The status machine: what may follow what, said as a table, and the traces that a move leaves."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from core import db, jobs
from core.audit import Entry
from core.db.fields import iso
from core.events import Event
from core.resources import Selection
from plugins.orders.actions import ACTIONS
from plugins.orders.api import ORDER_WORKFLOW, Fact, record_facts
from plugins.orders.labels import STATUS
from plugins.orders.models import Order
from plugins.orders.services.workflow import expire_unconfirmed
from plugins.orders.tests.conftest import PLACED, doc, statements

COMMANDS = [step.command for step in ORDER_WORKFLOW.transitions]
ALLOWED = {
    ("draft", "place"): "open",
    ("draft", "submit"): "pending",
    ("pending", "confirm"): "open",
    ("pending", "expire"): "expired",
    ("pending", "cancel"): "canceled",
    ("open", "cancel"): "canceled",
    ("open", "complete"): "completed",
    ("completed", "reopen"): "open",
    ("completed", "archive"): "archived",
    ("archived", "unarchive"): "completed",
}


def test_every_state_takes_exactly_the_commands_of_the_table(service, ctx):
    cases = list(itertools.product(STATUS, COMMANDS))
    made = service.upsert(ctx, [doc(f"{state}-{command}", status=state) for state, command in cases])
    for (state, command), outcome in zip(cases, made, strict=True):
        refused = ORDER_WORKFLOW.guard([Order.get_by_id(outcome.id)])[command]
        assert (not refused) == ((state, command) in ALLOWED), (state, command, refused)
        result = ORDER_WORKFLOW.run(ctx, command, [outcome.id])[outcome.id]
        now = Order.get_by_id(outcome.id).status
        assert (result.ok, now) == ((state, command) in ALLOWED, ALLOWED.get((state, command), state)), (state, command)


def test_a_refusal_names_the_state_that_is_needed_and_the_one_there_is(ctx, make_order):
    order = make_order(status="draft")
    reason = ORDER_WORKFLOW.run(ctx, "archive", [order.id])[order.id].reason
    assert reason == "This needs the state Completed; now it is Draft."


def test_the_guard_says_what_the_command_then_answers(service, ctx, make_order):
    empty = service.create(ctx, [doc("1", status="draft", lines=[])])[0]
    shipped = make_order("2")
    record_facts(ctx, [Fact(shipped.id, "fulfillment", "fulfill", PLACED, "carriers", "1", quantity=Decimal(1))])
    for command, order_id in (("place", empty.id), ("submit", empty.id), ("cancel", shipped.id)):
        refused = ORDER_WORKFLOW.guard([Order.get_by_id(order_id)])[command]
        assert refused == {order_id: ORDER_WORKFLOW.run(ctx, command, [order_id])[order_id].reason}


def test_the_log_has_what_stood_in_every_field_that_a_command_writes(ctx, make_order):
    order = make_order(status="draft")
    begun = order.placed_at
    assert ORDER_WORKFLOW.run(ctx, "place", [order.id])[order.id].ok
    entry = Entry.get(Entry.action == "place")
    now = Order.get_by_id(order.id).placed_at
    assert entry.changes == {"status": ("draft", "open"), "placed_at": (iso(begun), iso(now))}


def test_guarding_a_set_takes_one_statement(service, make_order):
    drafts = [make_order(str(number), status="draft") for number in range(5)]
    with statements() as seen:
        assert ORDER_WORKFLOW.guard(drafts)["place"] == {}
    assert len(seen) == 1


def test_each_transition_leaves_one_event_and_one_audit_entry_per_order(ctx, make_order):
    ids = [make_order(str(number)).id for number in range(3)]
    before, noted = Event.select().count(), Entry.select().count()
    ORDER_WORKFLOW.run(ctx, "complete", ids)
    event = Event.select().order_by(Event.id.desc()).get()
    assert Event.select().count() == before + 1
    assert (event.name, event.payload["ids"]) == ("orders.order_completed.v1", ids)
    assert Entry.select().count() == noted + 3


def test_statements_do_not_grow_with_the_set(ctx, make_order):
    def count(ids):
        with statements() as seen:
            ORDER_WORKFLOW.run(ctx, "complete", ids)
        return len(seen)

    few, many = [make_order(f"a{i}").id for i in range(2)], [make_order(f"b{i}").id for i in range(20)]
    assert count(few) == count(many)


def test_an_empty_draft_is_not_placed(service, ctx):
    made = service.create(ctx, [doc(status="draft", lines=[])])[0]
    assert "line" in ORDER_WORKFLOW.run(ctx, "place", [made.id])[made.id].reason


@pytest.mark.parametrize(
    ("lacking", "said"),
    [({"customer_name": ""}, "names no customer"), ({"shipping_address": None}, "shipping address")],
)
def test_a_draft_without_buyer_or_address_is_not_placed(make_order, ctx, lacking, said):
    order = make_order(status="draft", **lacking)
    for command in ("place", "submit"):
        assert said in ORDER_WORKFLOW.run(ctx, command, [order.id])[order.id].reason
    assert Order.get_by_id(order.id).status == "draft"


def test_placing_stamps_the_time(ctx, make_order):
    order = make_order(status="draft")
    ORDER_WORKFLOW.run(ctx, "place", [order.id])
    assert db.utcnow() - Order.get_by_id(order.id).placed_at < timedelta(minutes=1)


def test_what_was_shipped_is_not_canceled(ctx, make_order):
    order = make_order()
    record_facts(ctx, [Fact(order.id, "fulfillment", "fulfill", PLACED, "carriers", "1", quantity=Decimal(1))])
    assert not ORDER_WORKFLOW.run(ctx, "cancel", [order.id])[order.id].ok
    record_facts(ctx, [Fact(order.id, "return", "receive", PLACED, "returns", "1", quantity=Decimal(2))])
    assert ORDER_WORKFLOW.run(ctx, "cancel", [order.id])[order.id].ok
    assert Order.get_by_id(order.id).canceled_at is not None


def test_archive_is_undone_by_its_action(ctx, make_order):
    order = make_order()
    ORDER_WORKFLOW.run(ctx, "complete", [order.id])
    archive = next(action for action in ACTIONS if action.name == "archive")
    done = archive.run(ctx, [order.id], {})
    archive.undo(ctx, {order.id: done[order.id].undo})
    assert Order.get_by_id(order.id).status == "completed"


def test_the_reason_stands_in_the_audit_log(ctx, make_order):
    order = make_order()
    jobs.start_action(
        ctx, "orders.order", "cancel", Selection("orders.order", [order.id]), {"reason": "Buyer changed their mind"}
    )
    entry = Entry.select().order_by(Entry.id.desc()).get()
    assert (entry.action, entry.reason) == ("cancel", "Buyer changed their mind")


@pytest.mark.parametrize("reason", ["", "  ", "ok", None])
def test_a_reason_says_something(reason):
    cancel = next(action for action in ACTIONS if action.name == "cancel")
    assert cancel.schema().validate({"reason": reason})


def test_unconfirmed_orders_expire(service, ctx):
    old = service.upsert(ctx, [doc("1", status="pending", placed_at=PLACED - timedelta(days=900))])[0]
    new = service.upsert(ctx, [doc("2", status="pending", placed_at=db.utcnow())])[0]
    assert expire_unconfirmed(ctx) == 1
    assert [Order.get_by_id(one.id).status for one in (old, new)] == ["expired", "pending"]


@limits(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(COMMANDS), max_size=12))
def test_any_sequence_of_commands_follows_the_table(service, ctx, commands):
    made = service.create(ctx, [doc(None, status="draft")])[0]
    state = "draft"
    events = Event.select().count()
    for command in commands:
        outcome = ORDER_WORKFLOW.run(ctx, command, [made.id])[made.id]
        expected = ALLOWED.get((state, command))
        assert outcome.ok == (expected is not None)
        events += outcome.ok
        state = expected or state
    assert Order.get_by_id(made.id).status == state
    assert Event.select().count() == events
