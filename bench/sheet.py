"""CSV files of orders for imports: as many rows as asked, three lines an order, some of them wrong on purpose."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

HEADER = (
    "sales_channel", "number", "status", "currency", "placed_at", "customer_name", "customer_email", "lines.sku",
    "lines.title", "lines.quantity", "lines.unit_price", "lines.line_total",
)  # fmt: skip
LINES, BAD_EVERY = 3, 1_000


def bad_orders(rows: int) -> int:
    """How many orders of a sheet of `rows` rows an importer must reject."""
    return len(range(BAD_EVERY, rows // LINES, BAD_EVERY))


def write(target: Path, rows: int, channel: str) -> Path:
    """A sheet of `rows` rows (a multiple of three) in the sales channel `channel`; the same call, the same bytes."""
    with target.open("w", encoding="utf-8", newline="") as out:
        sheet = csv.writer(out)
        sheet.writerow(HEADER)
        sheet.writerows(_rows(rows, channel))
    return target


def _rows(rows: int, channel: str) -> Iterator[tuple[object, ...]]:
    chance = random.Random(11)
    for order in range(rows // LINES):
        is_bad = order and order % BAD_EVERY == 0
        placed = f"2026-{1 + order % 9:02d}-{1 + order % 28:02d}T{order % 24:02d}:{order % 60:02d}:00Z"
        head = (
            channel,
            f"IM-{order:08d}",
            "open",
            "GBP",
            placed,
            f"Buyer {order % 5000}",
            f"b{order % 5000}@example.com",
        )
        for line in range(LINES):
            quantity, cents = chance.randrange(1, 5), chance.randrange(300, 20_000)
            unit, total = f"{cents // 100}.{cents % 100:02d}", quantity * cents
            sku = f"SKU-{chance.randrange(1, 5001):06d}"
            amount = "many" if is_bad and line == 1 else quantity
            yield *head, sku, f"item {line}", amount, unit, f"{total // 100}.{total % 100:02d}"
