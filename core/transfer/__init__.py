"""Import and export of any resource: any dialect in, dry run, resumable job, rollback; streaming out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.transfer.exporter import export_rows
from core.transfer.formats import DemoFile, Dialect, ImportFormat, Mapping, Preview
from core.transfer.importer import rollback, start
from core.transfer.models import Import, SavedMapping

if TYPE_CHECKING:
    from core.jobs import JobType

__all__ = [
    "DemoFile",
    "Dialect",
    "Import",
    "ImportFormat",
    "Mapping",
    "Preview",
    "SavedMapping",
    "export_rows",
    "inspect",
    "job_types",
    "rollback",
    "start",
]


def inspect(path: Path) -> Preview:
    raise NotImplementedError


def job_types() -> Sequence[JobType]:
    return []
