"""What of a file a role may not touch, found before anything is written or compared, so that nothing is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import access, runtime
from core.context import Actor
from core.db import search
from core.resources import Resource, service_of


class Scope:
    """The rows that `actor` may import into."""

    def __init__(self, actor: Actor, resource: Resource) -> None:
        self.actor, self.resource, self.permission = actor, resource, resource.permission("import")
        self.names = [scope.name for scope in resource.scopes]
        self.has_hooks = runtime.current().hooks.is_implemented("authorize")

    def outside(self, documents: Sequence[Mapping[str, Any]]) -> list[bool]:
        """For each document whether its record lies outside, or would lie there afterwards; whatever it holds."""
        rows = access.rows(self.actor, self.permission, self.resource)
        if rows is None and not self.has_hooks:
            return [False] * len(documents)
        keys = [tuple(document.get(name) for name in self.resource.key) for document in documents]
        known = service_of(self.resource).find({key for key in keys if None not in key})
        reached = self._reached(list(known.values()), rows)
        present = [reached.get(known[key]) if key in known else self._blank() for key in keys]
        return [
            values is None or not self._admits(values | self._own(document))
            for values, document in zip(present, documents, strict=True)
        ]

    def _admits(self, values: Mapping[str, Any]) -> bool:
        return access.admits(self.actor, self.permission, self.resource, values)

    def _reached(self, ids: Sequence[int], rows: Any) -> dict[int, dict[str, Any]]:
        """{id: values of the scopes' fields} of the records within."""
        model = self.resource.model
        fields = [getattr(model, name) for name in self.names]
        query = model.select(model.id, *fields).where(search.among(model.id, ids), True if rows is None else rows)
        away = access.denied(self.actor, self.permission, self.resource.name, ids) if ids else ()
        return {row[0]: dict(zip(self.names, row[1:], strict=True)) for row in query.tuples() if row[0] not in away}

    def _own(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {name: document[name] for name in self.names if name in document}

    def _blank(self) -> dict[str, Any]:
        """What a new record holds where its document is silent."""
        given = {name: self.resource.model._meta.fields[name].default for name in self.names}
        return {name: value() if callable(value) else value for name, value in given.items()}
