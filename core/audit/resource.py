"""The audit log as a read-only resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.resources import Resource


def resources() -> Sequence[Resource]:
    """`core.audit_entry`."""
    return []
