"""What core asks of this plugin."""

from __future__ import annotations

from core.plugins import hookimpl
from textiles.resources import FABRIC


@hookimpl
def register_resources():
    return [FABRIC]
