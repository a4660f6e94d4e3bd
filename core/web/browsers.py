"""What a browser says of itself, in words that people know."""

from __future__ import annotations

from core.i18n import _

# In this order: a later one stands in what an earlier one says, too.
_BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "CrOS": "ChromeOS",
    "Mac OS X": "macOS", "Linux": "Linux",
}  # fmt: skip


def named(agent: str) -> str:
    """Firefox on Windows; of one that is not known the begin of what it said."""
    browser, system = (
        next((name for mark, name in known.items() if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)
    )
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or agent[:60] or _("Unknown browser")
