"""Builders for orders; the databases, users and browsers come from the project's own test bench."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from core import db, files
from core.jobs.worker import Worker
from core.resources import service_of
from plugins.orders.models import Order
from plugins.orders.resources import ORDERS
from plugins.transfer import api as transfer
from tests.conftest import *  # noqa: F403
from tests.conftest import confirmed, csrf_of

PLACED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def doc(number: str = "1001", **fields: Any) -> dict[str, Any]:
    """An order as the schema loads it: 2 × 12.50. A draft has all that it needs to be placed."""
    line = {"sku": "MUG", "title": "Mug", "quantity": Decimal(2), "unit_price": Decimal("12.50")}
    head = {"number": number, "sales_channel": "web", "currency": "GBP", "status": "open", "placed_at": PLACED}
    buyer = {"customer_name": "Omar Khan", "shipping_address": {"line1": "1 High St", "city": "Leeds", "country": "GB"}}
    return {**head, "lines": [line], **(buyer if fields.get("status") == "draft" else {}), **fields}


@pytest.fixture
def service(runtime: Any) -> Any:
    return service_of(ORDERS)


@pytest.fixture
def make_order(service: Any, ctx: Any) -> Callable[..., Order]:
    """make_order(number="1001", status="open", lines=[…], …) -> the stored order."""

    def make(number: str = "1001", **fields: Any) -> Order:
        outcome = service.create(ctx, [doc(number, **fields)])[0]
        assert outcome.ok, outcome.reason
        return Order.get_by_id(outcome.id)

    return make


@pytest.fixture
def import_file(runtime: Any, ctx: Any, settings: Any) -> Callable[..., Any]:
    """import_file(path, mapping, format="") -> the ended import; without a mapping the header must tell the format."""

    def take_in(path: Path, mapping: Any = None, format: str = "") -> Any:
        if mapping is None:
            mapping, format = transfer.suggest(ORDERS, transfer.inspect(path))
        with path.open("rb") as stream:
            stored = files.store(ctx, stream, path.name)
        started = transfer.start(ctx, "orders.order", stored.id, mapping, file_name=path.name, format=format)
        Worker(settings).drain()
        return transfer.Import.get_by_id(started.id)

    return take_in


@pytest.fixture
def take_in(import_file, tmp_path):
    """take_in(text, format="") -> the ended import; without a format the header must tell it."""

    def run(text, format=""):
        path = tmp_path / "file.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(path, *(transfer.find_mapping("orders.order", format) if format else ()))

    return run


def table(header, rows, delimiter=","):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, delimiter=delimiter, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def counts(done):
    return done.created, done.updated, done.unchanged, done.rejected


class _Inputs(HTMLParser):
    """What a browser would send for the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.templates, self.open = 0, ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        name, kind = given.get("name") or "", given.get("type", "")
        self.templates += tag == "template"
        if self.templates or (not name and tag != "option"):
            return
        if tag in ("select", "textarea"):
            self.open = name
            self.values[name] = ""
        elif tag == "option" and "selected" in given:
            self.values[self.open] = given.get("value", "")
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in given):
            self.values[name] = given.get("value") or ""

    def handle_data(self, data):
        if self.open and self.get_starttag_text().startswith("<textarea"):
            self.values[self.open] += data

    def handle_endtag(self, tag):
        self.templates -= tag == "template"
        self.open = "" if tag in ("select", "textarea") else self.open


def inputs_of(page: str) -> dict[str, str]:
    parser = _Inputs()
    parser.feed(page)
    return parser.values


def send(browser: Any, url: str, **data: Any) -> Any:
    """POST with the token of a page that the user has open; a question that comes back is answered with yes."""
    token = csrf_of(browser.get("/admin/orders/new").get_data(as_text=True))
    asked = browser.post(url, data={"csrf_token": token, **data}, headers={"Referer": "http://localhost/"})
    return confirmed(browser, url, asked, **data)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that runs inside."""
    seen: list[str] = []
    real = db.database.obj.execute_sql

    def spy(sql: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(sql)
        return real(sql, *args, **kwargs)

    db.database.obj.execute_sql = spy
    try:
        yield seen
    finally:
        db.database.obj.execute_sql = real
