"""The computed axes: what follows from facts, in any order, told once or many times."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.orders.api import Fact, record_facts
from plugins.orders.models import Order, OrderFact
from plugins.orders.services import axes
from plugins.orders.tests.conftest import PLACED, doc

TOTAL, UNITS = 2500, Decimal(2)


def fact(axis, kind, amount=None, quantity=None, key="", minutes=0, **more):
    given = {"amount_minor": amount, "quantity": quantity, "at": PLACED + timedelta(minutes=minutes), "state": ""}
    return {"axis": axis, "kind": kind, "source": "test", "key": key or kind, **given, **more}


def payment(*facts):
    return axes.derive(TOTAL, UNITS, [fact("payment", *one) for one in facts])["payment_status"]


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([], "unpaid"),
        ([("require_action",)], "requires_action"),
        ([("fail",)], "failed"),
        ([("authorize", 1000)], "partially_authorized"),
        ([("authorize", 2500)], "authorized"),
        ([("authorize", 2500), ("void", 2500)], "voided"),
        ([("authorize", 2500), ("capture", 1000)], "partially_paid"),
        ([("capture", 2500)], "paid"),
        ([("capture", 2501)], "overpaid"),
        ([("capture", 2500), ("refund", 100)], "partially_refunded"),
        ([("capture", 2500), ("refund", 2500)], "refunded"),
        ([("capture", 2500), ("dispute", 1)], "disputed"),
        ([("capture", 2500), ("dispute", 1), ("dispute_closed", 1)], "paid"),
    ],
)
def test_payment_follows_from_its_facts(facts, state):
    assert payment(*facts) == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([], "unfulfilled"),
        ([("schedule",)], "scheduled"),
        ([("start",)], "in_progress"),
        ([("start",), ("hold",)], "on_hold"),
        ([("start",), ("hold",), ("release",)], "in_progress"),
        ([("fulfill", 1)], "partially_fulfilled"),
        ([("fulfill", 2)], "fulfilled"),
        ([("fulfill", 2), ("deliver", 1)], "partially_delivered"),
        ([("fulfill", 2), ("deliver", 2)], "delivered"),
        ([("fulfill", 2), ("restock", 2)], "restocked"),
    ],
)
def test_fulfillment_follows_from_its_facts(facts, state):
    made = [fact("fulfillment", kind, quantity=Decimal(size[0]) if size else None) for kind, *size in facts]
    assert axes.derive(TOTAL, UNITS, made)["fulfillment_status"] == state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ([], "none"),
        ([("request",)], "requested"),
        ([("request",), ("approve",)], "in_progress"),
        ([("approve",), ("receive", 1)], "partially_returned"),
        ([("approve",), ("receive", 2)], "returned"),
        ([("request",), ("receive", 2), ("close",)], "closed"),
    ],
)
def test_return_follows_from_its_facts(facts, state):
    made = [fact("return", kind, quantity=Decimal(size[0]) if size else None) for kind, *size in facts]
    assert axes.derive(TOTAL, UNITS, made)["return_status"] == state


def test_a_credit_is_paid_by_money_that_flows_back():
    facts = [fact("payment", "capture", -2500)]
    assert axes.derive(-2500, Decimal(-2), facts)["payment_status"] == "paid"


def test_a_stated_state_shows_until_a_movement_comes():
    stated = fact("payment", "stated", state="partially_refunded")
    assert axes.derive(TOTAL, UNITS, [stated])["payment_status"] == "partially_refunded"
    assert axes.derive(TOTAL, UNITS, [stated, fact("payment", "capture", 2500)])["payment_status"] == "paid"


def _one_fact(axis):
    return st.fixed_dictionaries(
        {
            "axis": st.just(axis),
            "kind": st.sampled_from(axes.KINDS[axis]),
            "key": st.text("abc", min_size=1, max_size=2),
            "amount_minor": st.integers(-50, 3000),
            "quantity": st.integers(0, 3).map(Decimal),
            "state": st.sampled_from(axes.STATES[axis]),
            "source": st.sampled_from(["import", "payments"]),
            "at": st.integers(0, 5).map(lambda minutes: PLACED + timedelta(minutes=minutes)),
        }
    )


def _facts():
    some = st.sampled_from(sorted(axes.STATES)).flatmap(_one_fact)
    return st.lists(some, max_size=12, unique_by=lambda fact: (fact["source"], fact["key"]))


@given(_facts(), st.randoms(use_true_random=False), st.integers(-3000, 3000))
def test_order_of_arrival_and_repetition_change_nothing(facts, chance, total):
    shuffled = facts + chance.sample(facts, len(facts) // 2)
    chance.shuffle(shuffled)
    assert axes.derive(total, UNITS, shuffled) == axes.derive(total, UNITS, facts)


@given(_facts(), st.integers(-3000, 3000))
def test_every_state_is_a_known_one(facts, total):
    states = axes.derive(total, UNITS, facts)
    assert all(states[f"{axis}_status"] in known for axis, known in axes.STATES.items())


def test_kept_axes_equal_a_recount_after_random_facts(service, ctx, make_order):
    """Sets of facts in random order, with repetitions, over several orders: cached = derived from scratch."""
    chance = random.Random(7)
    orders = [make_order(str(number)) for number in range(5)]
    for _ in range(25):
        batch = []
        for _ in range(chance.randint(1, 6)):
            axis = chance.choice(list(axes.STATES))
            kind = chance.choice([kind for kind in axes.KINDS[axis] if kind != "stated"])
            at, key = PLACED + timedelta(minutes=chance.randint(0, 9)), f"{axis}:{kind}:{chance.randint(1, 4)}"
            size = {"amount_minor": chance.choice([500, 2500])} if axis == "payment" else {"quantity": Decimal(1)}
            batch.append(Fact(chance.choice(orders).id, axis, kind, at, "test", key, **size))
        record_facts(ctx, batch)
    for row in Order.select().dicts():
        facts = OrderFact.select().where(OrderFact.order == row["id"]).dicts()
        fresh = axes.derive(row["total_minor"], row["units"], facts)
        assert {name: row[name] for name in fresh} == fresh


def test_a_fact_counts_once(ctx, make_order):
    order = make_order()
    paid = Fact(order.id, "payment", "capture", PLACED, "payments", "tx-1", amount_minor=1000)
    assert record_facts(ctx, [paid]) == [order.id]
    assert record_facts(ctx, [paid]) == []
    assert Order.get_by_id(order.id).payment_status == "partially_paid"


def test_paid_and_delivered_completes_an_open_order(ctx, make_order):
    order = make_order()
    record_facts(ctx, [Fact(order.id, "payment", "capture", PLACED, "payments", "1", amount_minor=2500)])
    assert Order.get_by_id(order.id).status == "open"
    record_facts(ctx, [Fact(order.id, "fulfillment", "deliver", PLACED, "carriers", "2", quantity=Decimal(2))])
    assert Order.get_by_id(order.id).status == "completed"


def test_a_growing_refund_is_appended_as_a_difference(service, ctx):
    for refunded in (500, 500, 1200):
        service.upsert(ctx, [doc(payment_status="partially_refunded", refunded_minor=refunded)])
    assert [
        one.amount_minor for one in OrderFact.select().where(OrderFact.kind == "refund").order_by(OrderFact.id)
    ] == [500, 700]
    assert Order.get().refunded_minor == 1200


def test_a_later_file_takes_back_what_an_earlier_one_said(service, ctx):
    told = []
    for state in ("failed", "unpaid", "authorized", "paid", "disputed", "paid", "unpaid"):
        service.upsert(ctx, [doc(payment_status=state)])
        told.append(Order.get().payment_status)
    assert told == ["failed", "unpaid", "authorized", "paid", "disputed", "paid", "unpaid"]


def test_an_amount_without_a_state_leaves_the_other_amounts(service, ctx):
    service.upsert(ctx, [doc(payment_status="paid")])
    service.upsert(ctx, [doc(refunded_minor=700)])
    assert (Order.get().paid_minor, Order.get().refunded_minor) == (2500, 700)
    assert Order.get().payment_status == "partially_refunded"
