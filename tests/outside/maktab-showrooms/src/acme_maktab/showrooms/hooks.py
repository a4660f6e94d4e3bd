"""What core asks of this plugin."""

from __future__ import annotations

from acme_maktab.showrooms.resources import SHOWROOMS
from core.plugins import hookimpl


@hookimpl
def register_resources():
    return [SHOWROOMS]
