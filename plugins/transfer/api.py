"""What plugins that require transfer may import: what they declare, what they call, models for reading."""

from plugins.transfer.formats import DemoFile, ImportFormat, Mapping, Preview
from plugins.transfer.models import Import, Reject, SavedMapping
from plugins.transfer.reading.dialect import FileRefused
from plugins.transfer.reading.recognition import inspect, native_mapping, suggest
from plugins.transfer.services.exporter import export_rows, start_export
from plugins.transfer.services.importer import find_mapping, pause, rollback, run, save_mapping, start

__all__ = [
    "DemoFile", "FileRefused", "Import", "ImportFormat", "Mapping", "Preview", "Reject", "SavedMapping", "export_rows",
    "find_mapping", "inspect", "native_mapping", "pause", "rollback", "run", "save_mapping", "start", "start_export",
    "suggest",
]  # fmt: skip
