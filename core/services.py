"""Services that plugins publish by name, for plugins that do not require them."""

from __future__ import annotations

from typing import Any

from core import runtime


def get(name: str) -> Any | None:
    """The service `<plugin>.<noun>`, None while its plugin is off."""
    return runtime.current().services.get(name)
