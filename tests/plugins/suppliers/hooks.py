"""What core asks of this plugin."""

from __future__ import annotations

from core.plugins import hookimpl
from suppliers.resources import SUPPLIER


@hookimpl
def register_resources():
    return [SUPPLIER]
