"""Exports of any resource as CSV, XLSX or JSON lines, streamed."""

from __future__ import annotations

from typing import BinaryIO

from core.context import Context
from core.resources import Resource, Selection


def export_rows(ctx: Context, resource: Resource, selection: Selection, format: str, out: BinaryIO) -> int:
    raise NotImplementedError
