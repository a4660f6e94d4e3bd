"""Orders of the last weeks, the same at each run but for their days: the demo data of the shop is years old."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

PEOPLE = [
    ("Huda Al-Qahtani", "Riyadh", "SA", "+966 55 010 2244"), ("Mona Weber", "Hamburg", "DE", "+49 40 555 0142"),
    ("James Okafor", "Leeds", "GB", "+44 113 496 0018"), ("سارة بن علي", "الدار البيضاء", "MA", "+212 522 000 119"),
    ("Yuki Tanaka", "Osaka", "JP", "+81 6 5550 0139"), ("Amélie Laurent", "Lyon", "FR", "+33 4 55 50 01 77"),
    ("خالد منصور", "دبي", "AE", "+971 50 010 7781"), ("Priya Raman", "Pune", "IN", "+91 20 5550 0121"),
]  # fmt: skip
GOODS = [
    ("LIN-DVT-SND", "Linen duvet cover, sand", 14900), ("STN-MUG-CLY", "Stoneware mug, set of 4", 5200),
    ("COT-ROB-WHT", "Cotton robe, white, M", 4800), ("OAK-TRY-LRG", "Oak tray, large", 3650),
    ("GLS-CRF-1L", "Glass carafe, 1 l", 2400), ("WOL-THR-GRY", "Wool throw, grey", 8900),
]  # fmt: skip
STATES = [
    ("open", "paid", "unfulfilled"), ("open", "paid", "partially_fulfilled"), ("open", "authorized", "unfulfilled"),
    ("completed", "paid", "delivered"), ("completed", "paid", "delivered"), ("open", "paid", "fulfilled"),
    ("pending", "unpaid", "unfulfilled"), ("completed", "partially_refunded", "delivered"),
    ("open", "paid", "on_hold"), ("open", "failed", "unfulfilled"),
]  # fmt: skip
TAGS = [[], [], [], ["gift"], ["loyal"], ["wholesale"], ["gift", "loyal"]]


def recent(number: int = 160) -> str:
    """JSON lines as the import takes them, the newest one of this hour."""
    chance, now = Random(8), datetime.now(UTC).replace(second=0, microsecond=0)  # noqa: S311 - no secret
    placed = sorted(now - timedelta(minutes=chance.randint(5, 58 * 24 * 60)) for _ in range(number - 8))
    placed += sorted(now - timedelta(minutes=chance.randint(5, 600)) for _ in range(8))
    orders = [_order(10_300 + place, at, chance) for place, at in enumerate(placed)]
    return "\n".join(json.dumps(one) for one in orders)


def _order(number: int, at: datetime, chance: Random) -> dict[str, Any]:
    name, city, country, phone = chance.choice(PEOPLE)
    status, payment, fulfillment = chance.choice(STATES)
    lines = [_line(*good, chance.randint(1, 3)) for good in chance.sample(GOODS, chance.randint(1, 3))]
    return {
        "number": str(number), "sales_channel": chance.choice(["web", "web", "shop"]), "currency": "GBP",
        "status": status, "payment_status": payment, "fulfillment_status": fulfillment, "placed_at": at.isoformat(),
        "customer_name": name, "customer_email": f"buyer{number % 97}@example.com", "customer_phone": phone,
        "tags": chance.choice(TAGS), "lines": lines,
        "shipping_address": {"name": name, "line1": f"{number % 90 + 1} High Street", "city": city, "country": country},
        "adjustments": [{"kind": "shipping", "label": "Standard delivery", "amount_minor": 495}],
    }  # fmt: skip


def _line(sku: str, title: str, price_minor: int, quantity: int) -> dict[str, Any]:
    price = f"{price_minor / 100:.2f}"
    return {
        "sku": sku,
        "title": title,
        "quantity": str(quantity),
        "unit_price": price,
        "line_total_minor": price_minor * quantity,
    }
