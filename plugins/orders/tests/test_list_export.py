"""The columns of the list as a file: what it says is what the list says."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core import db
from core.context import Actor
from core.errors import Forbidden
from core.resources import Column, Resource, Selection
from plugins.orders.models import Order
from plugins.orders.resources import ORDERS
from plugins.orders.services.documents import OrderService
from plugins.orders.tests.conftest import PLACED, doc, statements
from plugins.transfer import api as transfer


def exported(ctx: Any, resource: Resource = ORDERS, **chosen: Any) -> list[dict[str, str]]:
    out = io.BytesIO()
    selection = Selection("orders.order", everything=not chosen.get("ids"), **chosen)
    count = transfer.export_rows(ctx, resource, selection, "list", out)
    found = list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))
    assert len(found) == count
    return found


def test_cells_are_what_the_list_says(make_order: Callable[..., Order], ctx: Any) -> None:
    make_order("=1+1", customer_name="@Zoë", tags=["gift", "a b"])
    make_order("2", currency="KWD", customer_name="", customer_number="C-7", status="draft", lines=[])
    make_order("3", currency="JPY", adjustments=[{"kind": "discount", "amount_minor": -30, "label": "x"}])
    assert exported(ctx) == [
        {
            "Number": "'=1+1", "Placed": "2026-03-01T12:00:00Z", "Customer": "'@Zoë", "Status": "Open",
            "Payment": "Unpaid", "Fulfillment": "Unfulfilled", "Tags": "a b, gift", "Items": "1", "Total": "25.00",
            "Currency": "GBP",
        },
        {
            "Number": "2", "Placed": "2026-03-01T12:00:00Z", "Customer": "C-7", "Status": "Draft",
            "Payment": "Unpaid", "Fulfillment": "Unfulfilled", "Tags": "", "Items": "0", "Total": "0.000",
            "Currency": "KWD",
        },
        exported(ctx)[2] | {"Number": "3", "Total": "-5", "Currency": "JPY"},
    ]  # fmt: skip


def test_what_a_column_reads_is_all_that_its_value_needs(make_order: Callable[..., Order], ctx: Any) -> None:
    make_order("1", customer_name="", customer_number="C-7", kind="credit")
    shown = [replace(column, shown=True, label=column.name) for column in ORDERS.columns]
    with statements() as seen:
        (row,) = exported(ctx, replace(ORDERS, columns=shown))
    assert all("customer_phone" not in sql for sql in seen if "orders_order" in sql)
    order = Order.get()
    for column in shown:
        if column.value:
            value = column.value(order)
            assert row[column.name] == str(column.badges[value].label if value in column.badges else value)


def test_columns_that_only_a_loader_or_a_value_knows(make_order: Callable[..., Order], ctx: Any) -> None:
    make_order("1", customer_phone="123")

    def load(records: Any, _ctx: Any) -> None:
        for record in records:
            record.warehouse = f"W{record.id}"

    columns = [Column("warehouse", "Warehouse"), Column("phone", "Phone", value=lambda order: order.customer_phone)]
    assert exported(ctx, replace(ORDERS, columns=columns, loader=load)) == [
        {"Warehouse": f"W{Order.get().id}", "Phone": "123"}
    ]


def test_all_that_match_come_once_and_in_few_statements(
    service: OrderService, ctx: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.create(ctx, [doc(str(number)) for number in range(7)])
    monkeypatch.setattr("plugins.transfer.services.exporter.LISTED", 3)
    with statements() as seen:
        found = exported(ctx, filters={"status": "open"})
    assert [row["Number"] for row in found] == [str(number) for number in range(7)]
    assert sum("orders_order" in sql and sql.startswith("SELECT") for sql in seen) == 4  # 3 + 3 + 1 and the end
    assert [row["Number"] for row in exported(ctx, ids=(Order.get(number="4").id,))] == ["4"]
    assert exported(ctx, filters={"status": "draft"}) == []
    assert exported(ctx, filters={"placed_at__lte": PLACED.isoformat()}) == found


def test_a_role_without_the_permission_gets_nothing(make_order: Callable[..., Order], ctx: Any) -> None:
    make_order()
    with pytest.raises(Forbidden):
        exported(replace(ctx, actor=Actor(1, "someone")))
    assert db.database.in_transaction() is False
