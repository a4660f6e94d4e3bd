"""The sums of orders on the page Home are those that a count of the orders gives, whatever happened to them."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import auth, db, jobs
from core import runtime as runtime_room
from core.errors import Conflict
from core.jobs.worker import Worker
from plugins.orders.api import ORDER_WORKFLOW, Fact, record_facts
from plugins.orders.models import Order, OrderFact, Tally, TallyState
from plugins.orders.services import tally
from plugins.orders.tests.conftest import PLACED, doc, statements


def counted(timezone="UTC"):
    """All sums, from the orders themselves."""
    found = Counter()
    for order in Order.select():
        keys = [
            (measure, "", order.sales_channel, order.currency)
            for measure, wanted in tally.STATES.items()
            if all(getattr(order, name) in values for name, values in wanted.items())
        ]
        day = order.placed_at.astimezone(ZoneInfo(timezone)).date().isoformat()
        placed = order.status in ("open", "completed", "archived")
        for key in keys + [("placed", day, order.sales_channel, order.currency)] * placed:
            found[(*key, "orders")] += order.kind == "sale" or key[0] != "placed"
            found[(*key, "amount")] += order.total_minor
    return {key: value for key, value in found.items() if value}


def kept():
    found = Counter()
    for row in Tally.select():
        key = (row.measure, row.day, row.sales_channel, row.currency)
        found[(*key, "orders")] += row.orders
        found[(*key, "amount")] += row.amount_minor
    return {key: value for key, value in found.items() if value}


STEP = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(["draft", "pending", "open"]), st.sampled_from(["web", "pos"])),
    st.tuples(st.just("import"), st.sampled_from(["open", "completed", "canceled"]), st.integers(0, 5)),
    st.tuples(
        st.just("run"),
        st.sampled_from([step.command for step in ORDER_WORKFLOW.transitions]),
        st.integers(0, 5),
    ),
    st.tuples(st.just("fact"), st.sampled_from(["capture", "fail", "dispute", "refund"]), st.integers(0, 5)),
    st.tuples(st.just("ship"), st.sampled_from(["hold", "fulfill", "deliver"]), st.integers(0, 5)),
    st.tuples(st.just("edit"), st.integers(0, 48), st.integers(0, 5)),
    st.tuples(st.just("delete"), st.none(), st.integers(0, 5)),
    st.tuples(st.just("fold"), st.none(), st.none()),
    st.tuples(st.just("recount"), st.none(), st.none()),
    st.tuples(st.just("count"), st.none(), st.none()),
)


def carry_out(service, ctx, number, step):
    verb, what, which = step
    ids = [row.id for row in Order.select(Order.id).order_by(Order.id)]
    one = [ids[which % len(ids)]] if ids and isinstance(which, int) else []
    if verb == "create":
        currency = "GBP" if number % 2 else "EUR"
        service.create(ctx, [doc(f"n{number}", status=what, sales_channel=which, currency=currency)])
    elif verb == "import":
        kind = "credit" if which == 5 else "sale"
        days = timedelta(days=which)
        service.upsert(ctx, [doc(f"i{which}", status=what, kind=kind, placed_at=PLACED + days, payment_status="paid")])
    elif verb == "run":
        with db.transaction():
            ORDER_WORKFLOW.run(ctx, what, one)
    elif verb in ("fact", "ship") and one:
        axis, amount = ("payment", {"amount_minor": 2500}) if verb == "fact" else ("fulfillment", {})
        record_facts(ctx, [Fact(one[0], axis, what, PLACED, "test", f"{number}", **amount)])
    elif verb == "edit" and one:
        service.update(ctx, {one[0]: {"placed_at": PLACED + timedelta(hours=what), "customer_name": f"{number}"}})
    elif verb == "delete" and one:
        service.delete(ctx, one)
    elif verb == "fold":
        tally.fold()
    elif verb == "recount":
        tally.recount()
    elif verb == "count":
        tally.count_more()


@pytest.fixture
def empty(runtime):
    def clear():
        for model in (OrderFact, Order, Tally):
            model.delete().execute()
        TallyState.update(counted_to=2**62).execute()

    return clear


def test_sums_are_those_of_a_count_after_anything_that_happens(service, ctx, empty, monkeypatch):
    monkeypatch.setattr(tally, "_CHUNK", 2)  # a count in the midst of it all

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(STEP, max_size=14))
    def check(steps):
        empty()
        for number, step in enumerate(steps):
            carry_out(service, ctx, number, step)
        while tally.count_more():
            pass
        assert kept() == counted()
        while tally.fold():
            pass
        assert kept() == counted()
        assert Tally.select().count() == Tally.select(*tally._KEY).distinct().count()

    check()


def test_an_install_with_another_clock_counts_by_its_days(service, ctx, runtime, settings):
    service.create(ctx, [doc("1", placed_at=datetime(2026, 3, 1, 22, 30, tzinfo=UTC))])
    riyadh = replace(runtime, settings=replace(settings, timezone="Asia/Riyadh"))
    with runtime_room.bound(riyadh):
        assert tally.percent_counted() is None  # nobody has counted by another clock yet
        tally.recount()
        assert tally.percent_counted() == 0
        while tally.count_more():
            pass
        assert kept() == counted("Asia/Riyadh") != counted()
    assert tally.needs_recount()


def test_a_set_costs_three_more_statements_whatever_its_size(service, ctx):
    sizes = []
    for size in (2, 100):
        with statements() as seen:
            service.create(ctx, [doc(f"{size}-{n}") for n in range(size)])
        sizes.append(sum("orders_tally" in sql for sql in seen))
    assert sizes in ([1, 1], [2, 2])


def test_the_job_counts_and_folds(service, ctx, settings):
    for n in range(3):
        service.create(ctx, [doc(f"{n}")])
    tally.recount()
    jobs.enqueue(ctx, "orders.tally", {})
    Worker(settings).drain()
    assert tally.percent_counted() is None
    assert kept() == counted()


def test_who_sees_one_sales_channel_sees_its_sums_alone(service, ctx, make_user):
    now = db.utcnow()
    service.create(ctx, [doc("1", placed_at=now), doc("2", placed_at=now, sales_channel="pos")])
    user = make_user("manager", {"orders.order": {"sales_channel": ["pos"]}})
    for asking, orders in ((ctx, 2), (auth.context_for(user, "ui"), 1)):
        found = tally.by_day(asking, tally.today(), tally.today())
        assert found["GBP"][tally.today()].orders == orders
        assert tally.states(asking, ["to_ship"]) == {"to_ship": orders}


def test_writers_at_once_and_what_they_take_back_keep_the_sums_exact(service, ctx, runtime, monkeypatch):
    """Orders are made, changed, imported, restored and deleted, some of it is rolled back, and meanwhile somebody folds
    and counts anew."""
    monkeypatch.setattr(tally, "_CHUNK", 3)
    service.create(ctx, [doc(f"s{n}", status=["draft", "pending", "open"][n % 3]) for n in range(6)])

    def writes(chance, number):
        with db.transaction() as work:
            write(service, ctx, chance, f"{threading.get_ident()}-{number}")
            time.sleep(0.005)  # what is written is not yet seen: here a count that waits for nobody would pass by
            if chance.random() < 0.3:
                work.rollback()

    def keeps(chance, number):
        chance.choice([tally.fold, tally.recount])()
        while tally.count_more():
            pass

    for turn in range(4):
        assert at_once(runtime, [writes, writes, writes, keeps], times=5) == []
        service.create(ctx, [doc(f"turn{turn}")])  # they may have taken all away
        while tally.count_more():
            pass
        assert kept() == counted() != {}
    while tally.fold():
        pass
    assert kept() == counted()


def at_once(runtime, works, times):
    """Each of `works(chance, number)` so often in a thread of its own; what they raised but for lost races."""
    problems, start = [], threading.Barrier(len(works))

    def run(work, seed):
        chance = random.Random(f"{seed} {Order.select().count()}")
        with runtime_room.bound(runtime):
            start.wait()
            for number in range(times):
                try:
                    work(chance, number)
                except Conflict:
                    pass  # the other one was first, and all of this is taken back
                except Exception as problem:
                    problems.append(problem)
            db.database.close()

    threads = [threading.Thread(target=run, args=(work, seed)) for seed, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def write(service, ctx, chance, step):
    """One change of orders, as a page, a job, an import or an undo makes it."""
    ids = [row.id for row in Order.select(Order.id).order_by(Order.id)]
    some = sorted(chance.sample(ids, min(3, len(ids))))
    verb = chance.choice(["create", "import", "run", "undo", "fact", "edit", "delete", "restore"])
    if verb == "create":
        service.create(ctx, [doc(f"n{step}-{n}", status=chance.choice(["draft", "open"])) for n in range(2)])
    elif verb == "import":
        status, channel = chance.choice(["open", "completed", "canceled"]), chance.choice(["web", "pos"])
        service.upsert(ctx, [doc(f"i{n}", status=status, sales_channel=channel) for n in range(3)])
    elif verb in ("run", "undo"):
        command = chance.choice(
            ["archive", "unarchive"] if verb == "undo" else ["place", "confirm", "cancel", "complete"]
        )
        ORDER_WORKFLOW.run(ctx, command, some)
    elif verb == "fact":
        kind, amount = chance.choice(["capture", "refund", "dispute"]), chance.choice([2500, 1000])
        record_facts(ctx, [Fact(one, "payment", kind, PLACED, "test", step, amount_minor=amount) for one in some])
    elif verb == "edit":
        service.update(ctx, {one: {"placed_at": PLACED + timedelta(hours=chance.randrange(48))} for one in some})
    elif verb == "delete":
        service.delete(ctx, some)
    elif verb == "restore":
        before = {row["id"]: row for row in service.documents(some)}
        service.update(ctx, {one: {"customer_name": step} for one in some})
        now = {row.id: row.version for row in Order.select().where(Order.id.in_(some))}
        service.restore(ctx, {one: chance.choice([None, before[one]]) for one in some if one in before}, now)
