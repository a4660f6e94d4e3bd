"""Imports end to end, on both databases: what goes in, what is refused, what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import audit, db, jobs, transfer
from core.errors import Conflict, Forbidden, Invalid
from core.jobs import JobRun
from core.transfer.models import Import, ImportChange, Reject
from tests import transfer_kit as kit
from tests.transfer_kit import SALE, Sale, SaleLine, bring_in, documents, mapped, reasons

ORDERS = mapped(("No", "number"), ("Cur", "currency"), ("SKU", "lines.sku"), ("Qty", "lines.quantity"), ("Total", "lines.line_total"))


@pytest.fixture(autouse=True)
def shop(runtime: Any) -> Iterator[Any]:
    with kit.shop(runtime) as made:
        yield made


def test_rows_of_one_order_need_not_stand_together() -> None:
    made = bring_in("No,Cur,SKU,Qty,Total\n1,GBP,A,1,2.50\n2,JPY,B,2,300\n1,GBP,C,3,7.505\n", ORDERS)
    assert (made.state, made.created, made.rows, made.total) == ("completed", 2, 3, 2)
    first, second = documents()
    assert [(line["sku"], line["quantity"], line["line_total_minor"]) for line in first["lines"]] == [("A", 1, 250), ("C", 3, 750)]
    assert second["currency"] == "JPY" and second["lines"][0]["line_total_minor"] == 300
