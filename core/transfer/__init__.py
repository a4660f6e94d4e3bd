"""Import and export of any resource: any dialect in, dry run, resumable job, rollback; streaming out."""

from core.transfer.dialect import FileRefused
from core.transfer.exporter import export_rows, start_export
from core.transfer.formats import DemoFile, Dialect, ImportFormat, Mapping, Preview
from core.transfer.importer import check, find_mapping, pause, rollback, run, save_mapping, set_mapping, start, upload
from core.transfer.models import Import, SavedMapping
from core.transfer.recognition import inspect, native_mapping, suggest
from core.transfer.room import job_types

__all__ = [
    "DemoFile",
    "Dialect",
    "FileRefused",
    "Import",
    "ImportFormat",
    "Mapping",
    "Preview",
    "SavedMapping",
    "check",
    "export_rows",
    "find_mapping",
    "inspect",
    "job_types",
    "native_mapping",
    "pause",
    "rollback",
    "run",
    "save_mapping",
    "set_mapping",
    "start",
    "start_export",
    "suggest",
    "upload",
]
