"""Where the time of a page goes: CPU, statements with their plans, and the functions that cost most, in one process.

    .venv/bin/python bench/inside.py SCRATCH ROWS [--pg DSN] [--page list] [--plans] [--profile]

Reads an install that load.py filled. CPU is the process's own time, so a busy machine changes little.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import pstats
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import load
from flask.testing import FlaskClient

from core import db, plugins, runtime
from core.app import create_app
from plugins.orders.resources import ORDERS

REPEAT = 40


def pages(rows: int, middles: dict[str, str]) -> dict[str, str]:
    """Address of each page by name. `middles`: cursors of the rows at half depth by column."""
    lists: dict[str, dict[str, str]] = {"list": {}}
    lists |= {f"sort {one.name}": {"sort": one.name} for one in ORDERS.columns if one.sortable}
    lists |= {f"middle {name}": {"sort": f"-{name}", "cursor": cursor} for name, cursor in middles.items()}
    filters = {"status": "open", "payment_status": "unpaid", "tags": "gift", "sales_channel": "marketplace"}
    filters |= {"placed_at__gte": "2025-06-01", "total_minor__gte": "50000", "customer_key": "nobody@example.com"}
    lists |= {f"filter {name}": {name: value} for name, value in filters.items()}
    lists["filter two"] = {"status": "open", "payment_status": "unpaid"}
    lists["filter status, sort total"] = {"status": "open", "sort": "-total_minor"}
    lists["filter rare"] = {"fulfillment_status": "in_progress", "sales_channel": "marketplace"}
    lists["filter nothing"] = {"status": "pending", "sales_channel": "nowhere"}
    terms = {"name": "Omar Khalil", "part of name": "mar Khal", "number": f"SO-{rows // 2:08d}"}
    terms |= {"part of number": f"{rows // 2:08d}"[2:], "part of e-mail": f"{rows // 8}@example", "common": "example"}
    terms |= {"three letters": "oma", "two letters": "so", "sku": "SKU-004999", "nothing": "zzzxqy"}
    lists |= {f"search {name}": {"q": term} for name, term in terms.items()}
    lists["search name, sort total"] = {"q": "Omar Khalil", "sort": "-total_minor"}
    found = {name: f"/admin/orders/?{urlencode(args)}" for name, args in lists.items()}
    found |= {
        f"count {name}": f"/admin/orders/count?{urlencode(args)}" for name, args in lists.items() if "sort" not in args
    }
    asked = terms | {"one letter": "o", "two that none has": "zq", "nothing asked": "", "a page": "audit"}
    found |= {f"palette {name}": f"/admin/palette/?{urlencode({'q': term})}" for name, term in asked.items()}
    return found | {
        "order": f"/admin/orders/{rows // 2}",
        "home": "/admin/",
        "pill": "/admin/jobs/pill",
        "healthz": "/healthz",
    }


class Statements(logging.Handler):
    """What peewee sends while it listens."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.msg)  # type: ignore[arg-type] # peewee logs (statement, parameters)

    @contextmanager
    def listening(self) -> Iterator[None]:
        log, self.found = logging.getLogger("peewee"), []
        log.addHandler(self)
        log.setLevel(logging.DEBUG)
        yield
        log.setLevel(logging.WARNING)
        log.removeHandler(self)


def sign_in(client: FlaskClient) -> None:
    page = client.get("/admin/sign-in").get_data(as_text=True)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    form = {"username": load.USER, "password": load.PASSWORD, "csrf_token": token}
    assert client.post("/admin/sign-in", data=form).status_code == 302


def look(client: FlaskClient, name: str, address: str, plans: bool, profile: bool) -> None:
    client.get(address)
    statements = Statements()
    with statements.listening():
        answer = client.get(address)
    assert answer.status_code == 200, (name, answer.status_code)
    assert "This is the whole list instead" not in answer.get_data(as_text=True), name
    repeat = 3 if _seconds(client, address) > 0.2 else REPEAT
    began, wall = time.process_time(), time.perf_counter()
    for _ in range(repeat):
        client.get(address)
    cpu, wall = (time.process_time() - began) * 1000 / repeat, (time.perf_counter() - wall) * 1000 / repeat
    rows = answer.get_data(as_text=True).count('class="mk-key"')
    print(f"{name:28} {cpu:7.2f} ms CPU {wall:8.2f} ms {len(statements.found):3} statements {rows:3} rows", flush=True)
    if plans:
        for statement, bound in statements.found:
            _explain(statement, bound)
    if profile:
        _profile(client, address)


def _seconds(client: FlaskClient, address: str) -> float:
    began = time.perf_counter()
    client.get(address)
    return time.perf_counter() - began


def _explain(statement: str, bound: Any) -> None:
    began = time.perf_counter()
    if statement.startswith("SELECT"):
        db.database.execute_sql(statement, bound).fetchall()
    took = (time.perf_counter() - began) * 1000
    print(f"    {took:8.2f} ms  {statement[:1000]}  {str(bound)[:200]}")
    if not statement.startswith("SELECT"):
        return
    prefix = "EXPLAIN (ANALYZE, BUFFERS) " if db.is_postgres() else "EXPLAIN QUERY PLAN "
    for line in db.database.execute_sql(prefix + statement, bound).fetchall():
        print(f"             {line[-1]}")


def _profile(client: FlaskClient, address: str) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(REPEAT):
        client.get(address)
    profiler.disable()
    for order in ("tottime", "cumtime"):
        pstats.Stats(profiler).sort_stats(order).print_stats(45)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scratch", type=Path)
    options.add_argument("rows", type=int)
    options.add_argument("--pg", default="")
    options.add_argument("--page", default="", help="only pages whose name begins so")
    options.add_argument("--plans", action="store_true", help="each statement with its time and plan")
    options.add_argument("--profile", action="store_true", help="the most expensive functions")
    given = options.parse_args()
    place = load.Place(given.scratch, given.rows, given.pg)
    settings, middles = place.settings, load.middle_cursors(place)
    db.connect(settings.url)
    built, app = plugins.assemble(settings, create_app)
    runtime.install(built)
    client = app.test_client()
    with runtime.bound(built):
        sign_in(client)
        for name, address in pages(given.rows, middles).items():
            if name.startswith(given.page):
                look(client, name, address, given.plans, given.profile)


if __name__ == "__main__":
    main()
