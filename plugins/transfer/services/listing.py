"""The columns of a list as a table for people: one select for each set of rows, a column at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from core import runtime
from core.context import Context
from core.db import bulk, money
from core.db.fields import plain
from core.errors import Invalid
from core.i18n import _
from core.resources import Column, Resource, references, tags_of
from plugins.transfer.reading.values import escape
from plugins.transfer.services import table

_WRITERS: dict[str, Callable[[Any], str]] = {
    "date": plain,
    "datetime": plain,
    "number": table.number,
    "tags": table.tags_text,
    "bool": table.truth,
}


class Listing:
    """Rows of the columns that the list of `resource` shows, badges in words, and the currency beside money.

    `columns`: names of others, in their order. Raises Invalid for one that the list does not have.
    """

    def __init__(self, ctx: Context, resource: Resource, columns: Sequence[str] = ()) -> None:
        self.ctx, self.resource, self.model = ctx, resource, resource.model
        self.columns = chosen(resource, columns)
        has_money = any(column.kind == "money" for column in self.columns)
        if has_money and "currency" in self.model._meta.fields and all(one.name != "currency" for one in self.columns):
            self.columns.append(resource.column("currency") or Column("currency", _("Currency")))
        names = {"id", "currency"}.union([column.name for column in self.columns], *map(self._reads, self.columns))
        self.fields = [field for field in self.model._meta.sorted_fields if field.name in names]
        self.needs_records = bool(resource.loader) or any(map(self._is_computed, self.columns))
        self.shop_currency = runtime.current().settings.currency
        self.writers = [_writer(column) for column in self.columns]

    def header(self) -> list[str]:
        return [escape(str(column.label)) for column in self.columns]

    def rows(self, chosen: Any) -> tuple[list[int], Iterator[tuple[str, ...]]]:
        """The ids and the rows that the select `chosen` finds."""
        names, found = [field.name for field in self.fields], bulk.columns(chosen, self.fields)
        values = dict(zip(names, found, strict=True))
        records = self._records(found) if self.needs_records else ()
        cells = [self._cells(*pair, values, records) for pair in zip(self.columns, self.writers, strict=True)]
        return list(values["id"]), zip(*cells, strict=True)

    def _reads(self, column: Column) -> Iterable[str]:
        """The fields that a column needs beside its own; all of them where it does not say."""
        known = self.model._meta.fields
        if self.resource.loader or (column.value and column.reads is None):
            return known  # type: ignore[no-any-return]
        return column.reads or (() if column.name in known or column.kind == "tags" else known)

    def _is_computed(self, column: Column) -> bool:
        return column.kind != "tags" and (column.value is not None or column.name not in self.model._meta.fields)

    def _records(self, found: Sequence[Sequence[Any]]) -> list[Any]:
        records = bulk.records(self.model, self.fields, found)
        if self.resource.loader and records:
            self.resource.loader(records, self.ctx)
        return records

    def _cells(self, column: Column, write: Callable[[Any], str], values: Any, records: Sequence[Any]) -> list[str]:
        found = self._values(column, values, records)
        if column.kind == "money" and "currency" in values:
            amounts = {code: money.writer(code or self.shop_currency) for code in set(values["currency"])}
            pairs = zip(found, values["currency"], strict=True)
            return ["" if value is None else amounts[code](value) for value, code in pairs]
        if column.kind == "reference":
            return self._titles(column, found)
        return ["" if value is None else write(value) for value in found]

    def _titles(self, column: Column, found: Sequence[int | None]) -> list[str]:
        """What the records are called that `found` names; the number of one that the actor may not open."""
        target = references.targets(self.resource.schema)[column.name]
        titles = references.titles(self.ctx, {(target, key) for key in found if key is not None})
        return ["" if key is None else escape(titles.get((target, key), str(key))) for key in found]

    def _values(self, column: Column, values: Any, records: Sequence[Any]) -> Sequence[Any]:
        if column.kind == "tags":
            tags = tags_of(self.resource.name, values["id"])
            return [tags[key] for key in values["id"]]
        if not self._is_computed(column):
            return values[column.name]  # type: ignore[no-any-return]
        if column.value:
            return [column.value(record) for record in records]
        return [getattr(record, column.name, None) for record in records]


def chosen(resource: Resource, names: Sequence[str]) -> list[Column]:
    """The columns of these names; without any, those that a list shows by itself. Raises Invalid."""
    if not names:
        return [column for column in resource.columns if column.shown]
    found = {column.name: column for column in resource.columns}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise Invalid({"columns": [_("The list has no column %(name)s.", name=unknown[0][:50])]})
    return [found[name] for name in dict.fromkeys(names)]


class _Words(dict[Any, str]):
    """Texts of badges by value; a value that has none is shown itself."""

    def __missing__(self, value: Any) -> str:
        return table.text(value)


def _writer(column: Column) -> Callable[[Any], str]:
    if column.kind == "badge":
        return _Words({code: escape(str(badge.label)) for code, badge in column.badges.items()}).__getitem__
    return _WRITERS.get(column.kind, table.text)
