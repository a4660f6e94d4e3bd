"""Kinds of job: the import, its rollback, the export."""

from core.i18n import __
from core.jobs import JobType
from plugins.transfer.services import exporter, intake

JOBS = (
    JobType("transfer.import", intake.run_import, __("Import")),
    JobType("transfer.import_rollback", intake.run_rollback, __("Rollback of an import")),
    JobType("transfer.export", exporter.run_export, __("Export")),
)
