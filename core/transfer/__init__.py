"""Import and export of any resource: any dialect in, dry run, resumable job, rollback; streaming out."""
# ruff: noqa: I001 -- names in lines, not one a line
# fmt: off

from core.transfer.dialect import FileRefused
from core.transfer.exporter import export_rows, start_export
from core.transfer.formats import DemoFile, Dialect, ImportFormat, Mapping, Preview
from core.transfer.importer import (
    check, drop, find_mapping, local_copy, pause, rollback, run, save_mapping, set_mapping, start, upload,
)
from core.transfer.intake import job_types
from core.transfer.models import Import, SavedMapping
from core.transfer.recognition import inspect, native_mapping, suggest
from core.transfer.reports import expiry

__all__ = [
    "DemoFile", "Dialect", "FileRefused", "Import", "ImportFormat", "Mapping", "Preview", "SavedMapping", "check",
    "drop", "expiry", "export_rows", "find_mapping", "inspect", "job_types", "local_copy", "native_mapping", "pause",
    "rollback", "run", "save_mapping", "set_mapping", "start", "start_export", "suggest", "upload",
]
