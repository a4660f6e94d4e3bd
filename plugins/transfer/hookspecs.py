"""The hooks that transfer offers: formats that it knows, and files for the demo shop."""

from __future__ import annotations

from collections.abc import Sequence

from core.plugins import hookspec
from plugins.transfer.formats import DemoFile, ImportFormat


@hookspec("build")
def register_import_formats() -> Sequence[ImportFormat]:  # type: ignore[empty-body]
    """File formats known by their header, and mapping presets that an importer can choose.

    When: once, while a generation is built.
    May: give `ImportFormat(name, resource, title, mapping, headers, prepare)`; docs/import.md says what a mapping is.
    With `headers` the format is recognised when a file has all of them; without, it is a preset to choose.
    Failure: the plugin that gave them is quarantined.
    """


@hookspec("build")
def register_demo() -> Sequence[DemoFile]:  # type: ignore[empty-body]
    """Files that `maktab demo` imports as if somebody had uploaded them.

    When: once, while a generation is built; the files are read when the command runs.
    May: give `DemoFile(resource, path, mapping, write)`; mapping: a `Mapping`, or the name of an `ImportFormat`;
    `write(path, target)` makes what is imported from the file, for instance with the dates of today.
    Failure: the plugin that gave them is quarantined.
    """
