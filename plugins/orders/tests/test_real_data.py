"""Real files: every order, line and penny against a recount from the raw file that shares no code with the import."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from peewee import fn

from core.db import utcnow
from core.jobs.worker import Worker
from plugins.orders.formats import DEMO
from plugins.orders.models import Order, OrderLine
from plugins.transfer import api as transfer
from plugins.transfer.api import Mapping

MAPPINGS = Path(__file__).resolve().parents[3] / "docs" / "mappings"
PENNY = Decimal("0.01")


def recount(path, key, amount):
    """{number: (total in pence, lines)} with csv and Decimal alone."""
    sums, lines = defaultdict(Decimal), defaultdict(int)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            sums[row[key]] += amount(row).quantize(PENNY, ROUND_HALF_EVEN)
            lines[row[key]] += 1
    return {number: (int(total * 100), lines[number]) for number, total in sums.items()}


def kept():
    return {
        number: (total, items)
        for number, total, items in Order.select(Order.number, Order.total_minor, Order.items).tuples()
    }


def retail(row):
    return Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])


def mapping(name):
    return Mapping.from_json(json.loads((MAPPINGS / f"{name}.json").read_text(encoding="utf-8")))


@pytest.mark.slow
def test_the_demo_shop_comes_in_whole_once_and_goes_again(import_file, ctx, settings, tmp_path):
    assert DEMO.path.stat().st_size < 2_000_000
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    DEMO.write(DEMO.path, first)
    done = import_file(first, DEMO.mapping)
    assert (done.state, done.rejected) == ("completed", 0)
    assert kept() == recount(DEMO.path, "InvoiceNo", retail)
    newest = Order.select().order_by(Order.placed_at.desc()).first()
    assert timedelta(0) <= utcnow() - newest.placed_at < timedelta(days=1, hours=1)
    assert {order.fulfillment_status for order in Order.select()} == {
        "unfulfilled", "partially_fulfilled", "fulfilled", "delivered",
    }  # fmt: skip
    assert (
        Order.select().where(Order.customer_name == "").count()
        == Order.select().where(Order.customer_number == "").count()
    )
    taken_back = Order.get(Order.number == "581483")  # its credit followed twelve minutes later
    assert (taken_back.payment_status, taken_back.fulfillment_status) == ("paid", "delivered")
    assert Order.select().count() >= 2_000
    assert Order.select().where(Order.kind == "credit", Order.number.startswith("C"), Order.total_minor < 0).exists()
    assert Order.select().where(Order.customer_number == "").exists()
    assert Order.select().where(Order.total_minor == 0).exists()
    days = Order.select(fn.COUNT(fn.DISTINCT(fn.SUBSTR(Order.placed_at.cast("text"), 1, 10)))).scalar()
    assert days > 250
    # The same file again changes nothing, a rollback takes all away; one test, for the import is the dear part.
    DEMO.write(DEMO.path, second)
    again = import_file(second, DEMO.mapping)
    assert (again.created, again.updated, again.unchanged) == (0, 0, done.created)
    transfer.rollback(ctx, done)
    Worker(settings).drain()
    assert (Order.select().count(), OrderLine.select().count()) == (0, 0)


@pytest.mark.prove
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=False)
def test_the_whole_online_retail_file_comes_in_by_a_mapping(import_file, shared):
    path = shared / "data" / "orders" / "online_retail_uci.csv.gz"
    done = import_file(path, mapping("online_retail"))
    assert (done.created, done.rejected) == (25_900, 0)
    assert kept() == recount(path, "InvoiceNo", retail)
    assert Order.select(fn.SUM(Order.total_minor)).scalar() == 974_774_793
    assert OrderLine.select().count() == 541_909
    credits = OrderLine.select().join(Order).where(Order.kind == "credit")
    assert credits.count() == 9_288
    assert Order.select(fn.SUM(Order.items)).where(Order.customer_number == "").scalar() == 135_080
    assert Order.select(Order.customer_number).where(Order.customer_number != "").distinct().count() == 4_372


@pytest.mark.prove
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=False)
def test_the_complete_journey_sample_comes_in_by_a_mapping(import_file, shared):
    path = shared / "data" / "orders" / "completejourney_transactions_sample.csv.gz"
    done = import_file(path, mapping("complete_journey"))
    assert (done.created, done.rejected) == (47_243, 0)
    assert kept() == recount(path, "basket_id", lambda row: Decimal(row["sales_value"]))
    assert OrderLine.select().count() == 75_000
