"""docs/orders.md says what other plugins may rely on."""

from __future__ import annotations

import re
from pathlib import Path

from plugins.orders import api
from plugins.orders.services import facts
from plugins.orders.services.workflow import EVENT_OF_STATUS, ORDER_WORKFLOW

PAGE = (Path(__file__).parents[3] / "docs" / "orders.md").read_text(encoding="utf-8")


def test_every_event_of_orders_stands_in_the_manual() -> None:
    emitted = {step.event for step in ORDER_WORKFLOW.transitions} | set(EVENT_OF_STATUS.values()) | {facts._MOVED}
    emitted |= {f"orders.order_{what}.v1" for what in ("created", "updated", "deleted", "tagged", "noted")}
    assert set(re.findall(r"`(orders\.\w+\.v1)`", PAGE)) == emitted


def test_every_name_of_its_api_stands_in_the_manual() -> None:
    named = PAGE.partition("| name | is |")[2].partition("\n\n")[0]
    assert set(re.findall(r"(\w+)(?:\(|`)", "".join(re.findall(r"^\| (`.+?`) \|", named, re.MULTILINE)))) == set(
        api.__all__
    )
