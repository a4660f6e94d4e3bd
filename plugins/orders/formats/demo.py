"""The demo shop: real orders of an online shop (see ../README.md), moved to the present and given people.

What the source has stays: numbers, articles, quantities, prices, customer numbers, countries, times of day. Moved by
whole days, its last order is today's or yesterday's; the newest ones are still to be paid and sent. Names are made up
from the customer numbers, and two tags from amounts and countries.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zlib import crc32
from zoneinfo import ZoneInfo

from core.db import utcnow
from plugins.orders.formats.common import RESOURCE
from plugins.orders.models import Order
from plugins.transfer.api import DemoFile, Mapping

_HOME = Path(__file__).parents[1] / "demo"
_ZONE = ZoneInfo("Europe/London")
_GIVEN = (
    "Amina Oliver Layla Harry Mona George Sara Jack Noura Emily Omar Grace Yusuf Lily Hana Thomas Dana Sophie Khalid "
    "Ruby Salma William Reem Alice Tariq Emma Huda James Faisal Ella"
).split()  # fmt: skip
_FAMILY = (
    "Hughes Haddad Khan Taylor Farouk Wright Mansour Evans Siddiqui Walker Rahman Green Aziz Clarke Nasser Wood Qasim "
    "Turner Saleh Cooper Hamdan Ward Bakr Hill Younis Moore Darwish Shaw Khoury"
).split()
_LARGE = 1_000
_DONE = ("completed", "paid", "delivered")
_ADDED = ("customer_name", "customer_email", "status", "payment_status", "fulfillment_status", "tags")


def present(source: Path, target: Path) -> None:
    """Write the shop's orders as they would stand today; run again later, as it wrote them the first time."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    last = max(rows, key=lambda row: row["InvoiceDate"])
    newest = datetime.fromisoformat(last["InvoiceDate"])
    moved = _days_since(last["InvoiceNo"], newest)
    taken_back = _taken_back(rows)
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, [*rows[0], *_ADDED])
        writer.writeheader()
        writer.writerows(_moved(rows, newest, moved, taken_back, _tags(rows)))


def _days_since(number: str, newest: datetime) -> timedelta:
    """How far the shop is moved: as the order that is there already says, else so that the last order has just been."""
    known = Order.select(Order.placed_at).where(Order.sales_channel == "online", Order.number == number).first()
    if known is not None:
        return timedelta(days=(known.placed_at.astimezone(_ZONE).date() - newest.date()).days)
    return timedelta(days=(utcnow().astimezone(_ZONE).replace(tzinfo=None) - newest).days)


def _taken_back(rows: list[dict[str, str]]) -> set[str]:
    """The numbers of sales of which a credit takes a line back: they were paid and sent."""
    credited = {(row["CustomerID"], row["StockCode"], row["Quantity"][1:]) for row in rows if row["Quantity"][0] == "-"}
    return {row["InvoiceNo"] for row in rows if (row["CustomerID"], row["StockCode"], row["Quantity"]) in credited}


def _tags(rows: list[dict[str, str]]) -> dict[str, str]:
    """{number: its tags}: large sales, and what goes abroad."""
    totals: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        totals[row["InvoiceNo"]] += float(row["UnitPrice"]) * int(row["Quantity"])  # to be compared, not to be kept
    abroad = {row["InvoiceNo"] for row in rows if row["Country"] != "United Kingdom"}
    known = {"wholesale": {number for number in totals if totals[number] >= _LARGE}, "abroad": abroad}
    return {number: ", ".join(tag for tag, some in known.items() if number in some) for number in totals}


def _moved(
    rows: list[dict[str, str]], newest: datetime, by: timedelta, done: Collection[str], tags: dict[str, str]
) -> Iterator[dict[str, str]]:
    for row in rows:
        placed = datetime.fromisoformat(row["InvoiceDate"])
        age = (newest.date() - placed.date()).days
        states = _DONE if row["InvoiceNo"] in done else _states(row["InvoiceNo"], age)
        person = _person(row["CustomerID"].removesuffix(".0"))
        yield {
            **row,
            "InvoiceDate": str(placed + by),
            **dict(zip(_ADDED, (*person, *states, tags[row["InvoiceNo"]]), strict=True)),
        }


def _states(number: str, age: int) -> tuple[str, str, str]:
    """(status, payment, fulfillment) of an order that is `age` days older than the newest one."""
    luck = crc32(number.encode()) % 20
    if number.startswith("C") or age > 7:
        return _DONE
    if age > 3 and luck:
        return "open", "paid", "fulfilled"
    payment = "unpaid" if luck < 3 else "authorized" if luck < 6 else "paid"
    return "open", payment, "partially_fulfilled" if luck > 16 else "unfulfilled"


def _person(number: str) -> tuple[str, str]:
    """(name, e-mail) of a customer; nobody for a sale over the counter."""
    if not number:
        return "", ""
    luck = crc32(number.encode())
    given, family = _GIVEN[luck % len(_GIVEN)], _FAMILY[luck // len(_GIVEN) % len(_FAMILY)]
    return f"{given} {family}", f"{given}.{family}{number}@example.com".lower()


def _mapping() -> Mapping:
    given = json.loads((_HOME / "online_retail.json").read_text(encoding="utf-8"))
    given["columns"] += [[name, name] for name in _ADDED]
    given["constants"] = {name: value for name, value in given["constants"].items() if name not in _ADDED}
    return Mapping.from_json(given)


DEMO = DemoFile(RESOURCE, _HOME / "online_retail.csv.gz", _mapping(), present)
