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

WINDOW_S, OFF_S, TIMES = scaled(60, 12), 60, 2


@pytest.fixture
def house(new_install: Settings) -> Iterator[House]:
    opened = House(new_install)
    yield opened
    opened.end()


def test_a_plugin_that_turns_bad_under_load_disturbs_nobody(house: House, figures: Callable[..., None]) -> None:
    # What a deploy's second web server, or one who looks round meanwhile, costs is not the plugin's doing.
    controls = {True: under_load(house, lambda: house.another_comes([])), False: under_load(house, house.look_round)}
    reached: dict[str, Any] = {}
    for poison in POISONS:
        off_s: list[float] = []
        asked = under_load(house, lambda poison=poison, off_s=off_s: off_s.append(turn_bad(house, poison)))  # type: ignore[misc]
        slower = p95_ms(asked) / p95_ms(controls[poison.at_start])
        reached[poison.name] = [round(off_s[0], 1), round(slower, 2), len(asked), dict(failures(asked))]
    figures(
        "R11", control_p95_list_ms=[round(p95_ms(control)) for control in controls.values()],
        control_failed=[sum(failures(control).values()) for control in controls.values()],
        off_s_slower_requests_failed={name: str(row) for name, row in reached.items()},
    )  # fmt: skip
    for name, (off, slower, _, failed) in reached.items():
        assert off <= OFF_S, name
        assert slower <= TIMES, name
        assert set(failed) <= {what for control in controls.values() for what in failures(control)}, name


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
