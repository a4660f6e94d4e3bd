"""The hooks that transfer offers: formats that it knows, and files for the demo shop."""

from __future__ import annotations

from collections.abc import Sequence

from core.plugins import hookspec
from plugins.transfer.formats import DemoFile, ImportFormat


@hookspec("collect")
def register_import_formats() -> Sequence[ImportFormat]:  # type: ignore[empty-body]
    """File formats known by their header, and mapping presets that an importer can choose."""


@hookspec("collect")
def register_demo() -> Sequence[DemoFile]:  # type: ignore[empty-body]
    """Files that `maktab demo` imports as if somebody had uploaded them."""
