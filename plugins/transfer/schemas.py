"""Bodies of the API's calls."""

from __future__ import annotations

import marshmallow as ma

from core.api import Chosen


class ExportOrder(Chosen):
    """What to export, and as what."""

    format = ma.fields.String(load_default="csv", validate=ma.validate.OneOf(["csv", "xlsx", "jsonl", "list"]))
    columns = ma.fields.List(
        ma.fields.String(),
        load_default=list,
        validate=ma.validate.Length(max=100),
        metadata={"description": "Of the format list: names of columns, in order; without any, those that it shows."},
    )


class ImportOrder(ma.Schema):
    """Fields of the form; without `mapping` the file must have a header that is known."""

    file = ma.fields.Raw(metadata={"type": "string", "format": "binary", "description": "CSV, XLSX or JSON lines."})
    mapping = ma.fields.String(load_default="")
    dry_run = ma.fields.Boolean(load_default=False)
