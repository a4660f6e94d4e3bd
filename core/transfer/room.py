"""What this room gives to a generation."""

from __future__ import annotations

from core.i18n import __
from core.jobs import JobType
from core.transfer.exporter import run_export
from core.transfer.intake import run_import, run_rollback


def job_types() -> list[JobType]:
    return [
        JobType("core.import", run_import, __("Import")),
        JobType("core.import_rollback", run_rollback, __("Rollback of an import")),
        JobType("core.export", run_export, __("Export")),
    ]
