"""A small resource with a nested list, a nested object and money, and short ways to import and export it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import marshmallow as ma
import peewee

from core import db, files, jobs
from core import runtime as runtime_room
from core.context import Context, system_context
from core.db import ExactDecimalField, JSONField, MinorField, Model, Record, UTCDateTimeField
from core.resources import Column, Currency, ExactDecimal, Minor, Resource, Scope, Selection, Service, Tags, Utc
from plugins.transfer import api as transfer
from plugins.transfer.models import Import, Reject


class Sale(Record):
    channel = peewee.CharField(40, default="web")
    number = peewee.CharField(80)
    currency = peewee.CharField(3, default="GBP")
    total_minor = MinorField(null=True)
    placed_at = UTCDateTimeField(null=True)
    due_on = peewee.DateField(null=True)
    note = peewee.TextField(default="")
    is_paid = peewee.BooleanField(default=False)
    address = JSONField(null=True)
    labels = JSONField(default=list)
    extra = JSONField(default=dict)

    class Meta:
        table_name = "kit_sale"
        indexes = ((("channel", "number"), True),)


class SaleLine(Model):
    sale_id = peewee.BigIntegerField(index=True)
    place = peewee.IntegerField()
    sku = peewee.CharField(80)
    name = peewee.TextField(default="")
    quantity = peewee.BigIntegerField(default=1)
    unit_price = ExactDecimalField(null=True)
    line_total_minor = MinorField(null=True)
    extra = JSONField(default=dict)

    class Meta:
        table_name = "kit_sale_line"


class SaleLineSchema(ma.Schema):
    sku = ma.fields.String(
        required=True, validate=ma.validate.Length(1, 80), metadata={"aliases": ["Lineitem sku", "رمز المنتج"]}
    )
    name = ma.fields.String()
    quantity = ma.fields.Integer(metadata={"aliases": ["Qty"]})
    unit_price = ExactDecimal(allow_none=True)
    line_total_minor = Minor(allow_none=True)
    extra = ma.fields.Dict()


class SaleAddressSchema(ma.Schema):
    name = ma.fields.String()
    city = ma.fields.String()
    zip = ma.fields.String()


class SaleSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    channel = ma.fields.String(validate=ma.validate.Length(1, 40))
    number = ma.fields.String(
        required=True, validate=ma.validate.Length(1, 80), metadata={"aliases": ["Order no", "رقم الطلب"]}
    )
    currency = Currency()
    total_minor = Minor(allow_none=True)
    placed_at = Utc(allow_none=True)
    due_on = ma.fields.Date(allow_none=True)
    note = ma.fields.String()
    is_paid = ma.fields.Boolean()
    address = ma.fields.Nested(SaleAddressSchema, allow_none=True)
    labels = Tags()
    lines = ma.fields.List(ma.fields.Nested(SaleLineSchema))
    extra = ma.fields.Dict()


_LINE = ("sku", "name", "quantity", "unit_price", "line_total_minor", "extra")


class SaleService(Service):
    lists = frozenset({"lines"})

    def documents(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        docs = super().documents(ids)
        lines: dict[int, list[dict[str, Any]]] = {doc["id"]: [] for doc in docs}
        rows = SaleLine.select().where(SaleLine.sale_id.in_(list(lines))).order_by(SaleLine.sale_id, SaleLine.place)
        for row in rows:
            lines[row.sale_id].append({name: getattr(row, name) for name in _LINE})
        return [doc | {"lines": lines[doc["id"]]} for doc in docs]

    def _shaped(self, doc: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        lines = {"lines": [self._line(line) for line in doc["lines"]]} if "lines" in doc else {}
        return super()._shaped({name: value for name, value in doc.items() if name != "lines"}, old) | lines

    def _line(self, line: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "", "quantity": 1, "unit_price": None, "line_total_minor": None, "extra": {}} | dict(line)

    def insert(self, ctx: Context, docs: Sequence[dict[str, Any]]) -> list[int]:
        ids = super().insert(ctx, [{name: value for name, value in doc.items() if name != "lines"} for doc in docs])
        self._lines(dict(zip(ids, docs, strict=True)))
        return ids

    def save(self, ctx: Context, changed: Mapping[int, dict[str, Any]], old: Mapping[int, dict[str, Any]]) -> None:
        super().save(ctx, {key: {n: v for n, v in doc.items() if n != "lines"} for key, doc in changed.items()}, old)
        again = {key: doc for key, doc in changed.items() if "lines" in doc}
        SaleLine.delete().where(SaleLine.sale_id.in_(list(again))).execute()
        self._lines(again)

    def remove(self, ctx: Context, ids: Sequence[int]) -> None:
        SaleLine.delete().where(SaleLine.sale_id.in_(list(ids))).execute()
        super().remove(ctx, ids)

    def _lines(self, docs: Mapping[int, dict[str, Any]]) -> None:
        rows = [
            self._line(line) | {"sale_id": key, "place": place}
            for key, doc in docs.items()
            for place, line in enumerate(doc.get("lines", ()))
        ]
        for start in range(0, len(rows), 1000):
            SaleLine.insert_many(rows[start : start + 1000]).execute()


SALE = Resource(
    "kit.sale", "sales", Sale, SaleSchema, "Sale", "Sales", [Column("number", "Number")], key=("channel", "number"),
    search_text=lambda ids: {row.id: row.number for row in Sale.select().where(Sale.id.in_(list(ids)))},
    service=SaleService, scopes=(Scope("channel", "Channel"),),
)  # fmt: skip


@contextmanager
def shop(runtime: Any, formats: Sequence[transfer.ImportFormat] = ()) -> Iterator[Any]:
    """A generation that has sales, and these formats."""
    db.database.create_tables([Sale, SaleLine])
    db.search.ensure(SALE)
    made = replace(
        runtime,
        plugins={**runtime.plugins, "kit": replace(runtime.plugins["transfer"], name="kit")},  # jobs need a healthy one
        resources={**runtime.resources, SALE.name: SALE},
        permissions={**runtime.permissions, **dict.fromkeys(SALE.permissions(), "")},
        declared={**runtime.declared, "register_import_formats": tuple(formats)},
    )
    runtime_room.install(made)
    with runtime_room.bound(made):
        yield made


CTX = system_context("cli")


def store(content: bytes, name: str = "file.csv") -> int:
    return int(files.store(CTX, io.BytesIO(content), name).id)


def execute(job_id: int) -> jobs.Job:
    """Run a job as the worker does, to its end."""
    from core.jobs import lease
    from core.jobs import run as runner

    jobs.Job.update(status="running", token="t" * 32, due_at=lease.lease_end(), attempts=jobs.Job.attempts + 1).where(
        jobs.Job.id == job_id
    ).execute()
    runner.execute(jobs.Job.get_by_id(job_id))
    return jobs.Job.get_by_id(job_id)


def mapped(*columns: tuple[str, str], **more: Any) -> transfer.Mapping:
    return transfer.Mapping(columns=columns, constants={"channel": "web", **more.pop("constants", {})}, **more)


def bring_in(
    content: bytes | str, mapping: transfer.Mapping, *, dry_run: bool = False, format: str = "", ctx: Context = CTX
) -> Import:
    """Import `content` to the end; the import as it is then."""
    data = content.encode() if isinstance(content, str) else content
    made = transfer.start(ctx, SALE.name, store(data), mapping, dry_run, file_name="sales.csv", format=format)
    execute(made.job_id)
    return Import.get_by_id(made.id)


def export(format: str = "csv", ids: Sequence[int] = ()) -> bytes:
    out = io.BytesIO()
    selection = Selection(SALE.name, ids=tuple(ids), everything=not ids)
    transfer.export_rows(CTX, SALE, selection, format, out)
    return out.getvalue()


def native(content: bytes, tmp_path: Path) -> transfer.Mapping:
    path = tmp_path / "native"
    path.write_bytes(content)
    found = transfer.native_mapping(SALE, transfer.inspect(path))
    assert found is not None
    return found


def documents() -> list[dict[str, Any]]:
    found = SaleService(SALE).documents([row.id for row in Sale.select().order_by(Sale.number)])
    hidden = {"id", "version", "created_at", "updated_at"}
    return [{name: value for name, value in doc.items() if name not in hidden} for doc in found]


def reasons(made: Import) -> dict[int, str]:
    return dict(Reject.select(Reject.line, Reject.reason).where(Reject.import_id == made.id).tuples())


def rejected_rows(made: Import) -> list[str]:
    with files.open_file(made.rejects_file_id) as stream:
        return stream.read().decode("utf-8-sig").splitlines()


def packed(text: str) -> bytes:
    return gzip.compress(text.encode())
