"""Imports: upload, mapping, dry run, the job that takes the rows in, rollback."""

from __future__ import annotations

from core.context import Context
from core.transfer.formats import Mapping
from core.transfer.models import Import


def start(
    ctx: Context, resource: str, file_id: int, mapping: Mapping, dry_run: bool = False, *, file_name: str = "", format: str = ""
) -> Import:
    raise NotImplementedError


def rollback(ctx: Context, import_: Import) -> None:
    raise NotImplementedError
