"""A plugin goes on and off 20 times while two web processes and a worker are at work: no request fails by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.load_kit import failures, p95_ms
from tests.prove.conftest import scaled
from tests.test_generations import Install, install, toggle_under_load

pytestmark = [pytest.mark.prove, pytest.mark.slow]
__all__ = ["install"]

TOGGLES = scaled(20, 4)  # on each of the two databases


def test_toggles_under_load_fail_no_request(install: Install, figures: Callable[..., None]) -> None:
    control, toggled = toggle_under_load(install, TOGGLES, 2.5 * TOGGLES)
    assert set(failures(toggled)) <= set(failures(control))
    figures(
        "toggles", toggles=TOGGLES, requests=len(toggled), failed=sum(failures(toggled).values()),
        control_requests=len(control), control_failed=sum(failures(control).values()),
        p95_list_ms=round(p95_ms(toggled)), control_p95_list_ms=round(p95_ms(control)),
    )  # fmt: skip
