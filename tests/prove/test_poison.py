"""R11: a plugin turns bad under load. Every page stays, the list is at most twice as slow, it is off within 60 s."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.settings import Settings
from tests.load_kit import Asked, Load, failures, p95_ms
from tests.poison_kit import POISONS, Poison
from tests.prove.conftest import scaled
from tests.test_poison import House

pytestmark = [pytest.mark.prove, pytest.mark.slow]

WINDOW_S, OFF_S, TIMES = scaled(60, 20), 60, 2


@pytest.fixture
def house(new_install: Settings) -> Iterator[House]:
    opened = House(new_install)
    yield opened
    opened.end()


def test_a_plugin_that_turns_bad_under_load_disturbs_nobody(house: House, figures: Callable[..., None]) -> None:
    reached: dict[str, dict[str, Any]] = {}
    for poison in POISONS:
        control, asked, off_s = with_and_without(house, poison)
        slower = p95_ms(asked) / p95_ms(control)
        failed = set(failures(asked)) - set(failures(control))
        reached[poison.name] = {
            "off_s": round(off_s, 1),
            "p95_times": round(slower, 2),
            "failed": sorted(map(str, failed)),
        }
        reached[poison.name] |= {"p95_ms": round(p95_ms(asked)), "requests": len(asked)}
    figures("R11", window_s=WINDOW_S, **reached)
    for name, row in reached.items():
        assert row["failed"] == [], name
        assert row["off_s"] <= OFF_S, name
        assert row["p95_times"] <= TIMES, name


def with_and_without(house: House, poison: Poison) -> tuple[list[Asked], list[Asked], float]:
    """What was asked just before and while `poison` turned bad, and when it was off. What a deploy's second web server
    costs, or one who looks round, is not the plugin's doing: the control has both."""
    control = under_load(house, lambda: house.another_comes([]) if poison.at_start else house.look_round())
    off_s: list[float] = []
    asked = under_load(house, lambda: off_s.append(turn_bad(house, poison)))
    return control, asked, off_s[0]


def under_load(house: House, meanwhile: Callable[[], None]) -> list[Asked]:
    """What two people and a program asked in a window in which `meanwhile` begins."""
    load = Load([house.served.port] * 2, "owner")
    end = time.monotonic() + WINDOW_S
    meanwhile()
    time.sleep(max(0.0, end - time.monotonic()))
    return load.end()


def turn_bad(house: House, poison: Poison) -> float:
    """Seconds until the list of plugins says that it is off."""
    poison.turn(house.merchant)
    began = time.monotonic()
    if poison.at_start:
        house.another_comes([poison])
    else:
        house.goes_off(poison)
    return time.monotonic() - began
