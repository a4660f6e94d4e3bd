"""Users as a resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def resources() -> Sequence[Any]:
    """`core.user`."""
    return []
