"""The generic service of flat models: documents in, one statement per set, audit and event through core.changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.context import Context
from core.resources.declaration import Outcome, Resource

Document = dict[str, Any]


class Service:
    """Reads and writes documents of one resource; plugins subclass it for aggregates."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    def documents(self, ids: Sequence[int]) -> list[Document]:
        raise NotImplementedError

    def create(self, ctx: Context, docs: Sequence[Document]) -> list[Outcome]:
        raise NotImplementedError

    def update(self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int] | None = None) -> list[Outcome]:
        raise NotImplementedError

    def upsert(self, ctx: Context, docs: Sequence[Document], *, dry_run: bool = False) -> list[Outcome]:
        raise NotImplementedError

    def restore(self, ctx: Context, docs: Mapping[int, Document | None], versions: Mapping[int, int]) -> list[Outcome]:
        raise NotImplementedError

    def delete(self, ctx: Context, ids: Sequence[int]) -> list[Outcome]:
        raise NotImplementedError


def service_of(resource: Resource) -> Service:
    """The service of `resource`: its own class, or the generic one."""
    return (resource.service or Service)(resource)
