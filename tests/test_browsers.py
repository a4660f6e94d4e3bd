"""Browsers have names."""

from __future__ import annotations

import pytest

from core.i18n import speaking
from core.web.browsers import named

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
SAID = {
    CHROME: "Chrome on Linux",
    CHROME.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64") + " Edg/141.0": "Edge on Windows",
    CHROME.replace("X11; Linux x86_64", "Linux; Android 10; K"): "Chrome on Android",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15": "Safari on macOS",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0": "Firefox on Linux",
    "curl/8.5.0": "curl/8.5.0",
    "": "Unknown browser",
    "x" * 200: "x" * 60,
}


@pytest.mark.parametrize("agent", SAID)
def test_a_browser_is_called_by_its_name(agent: str) -> None:
    with speaking("en"):
        assert named(agent) == SAID[agent]
