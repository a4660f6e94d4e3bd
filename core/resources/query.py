"""Reading a resource: filters, search, sorts, keyset pages, one record, a selection, a capped count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.context import Context
from core.resources.declaration import Resource, Selection


@dataclass(frozen=True)
class ListState:
    """What a list shows. `filters`: {argument: value} as in the URL; `sort`: a sortable column, `-` first for descending."""

    filters: Mapping[str, str] = field(default_factory=dict)
    search: str = ""
    sort: str = ""
    cursor: str | None = None
    limit: int = 50

    @classmethod
    def of(cls, resource: Resource, args: Mapping[str, str], limit: int = 50) -> ListState:
        """From URL arguments: those of the filters, `q`, `sort`, `cursor`, `limit`; others are left alone."""
        raise NotImplementedError


@dataclass(frozen=True)
class Page:
    """Records in order, joined by the resource's loader, and the cursors around them."""

    records: list[Any]
    next: str | None = None
    previous: str | None = None


def page(ctx: Context, resource: Resource, state: ListState, permission: str | None = None) -> Page:
    raise NotImplementedError


def get(ctx: Context, resource: Resource, record_id: int, permission: str | None = None) -> Any:
    raise NotImplementedError


def select(ctx: Context, resource: Resource, selection: Selection, permission: str | None = None) -> Any:
    raise NotImplementedError


def count(ctx: Context, resource: Resource, state: ListState, cap: int = 10_000, permission: str | None = None) -> int:
    raise NotImplementedError
