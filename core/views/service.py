"""Keeping views, and who may write which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core import runtime
from core.access import Role
from core.context import Context
from core.db import search
from core.errors import Rejected
from core.i18n import _
from core.resources import Resource
from core.resources.service import Document, Service
from core.views.models import EVERYBODY, SavedView
from core.views.setup import Setup, usual
from core.views.tabs import SHARE, fitting, may_edit


class ViewService(Service):
    """Views as documents. Its owner alone changes a private view; with `SHARE` others change one that is shared."""

    def insert(self, ctx: Context, docs: Sequence[Document]) -> list[int]:
        return super().insert(ctx, [doc | {"owner": ctx.actor.user_id} for doc in docs])

    def remove(self, ctx: Context, ids: Sequence[int]) -> None:
        rows = SavedView.select().where(search.among(SavedView.id, ids))
        for row in rows:
            if not may_edit(ctx.actor, row.owner_id, row.shared_with):
                raise Rejected(row.id, "", _not_yours())
        super().remove(ctx, ids)

    def fixed_in(self, doc: Mapping[str, Any]) -> Mapping[str, str]:
        return {"resource": _("A view stays with its list.")}

    def refuse(self, ctx: Context, doc: Document, old: Document | None) -> Mapping[str, Sequence[str]]:
        if ctx.actor.user_id is None and old is None:
            return {"": [_("A view belongs to a user.")]}
        if old and not may_edit(ctx.actor, old["owner"], old["shared_with"]):
            return {"": [_not_yours()]}
        whole = {**(old or {}), **doc}
        found = dict(super().refuse(ctx, doc, old))
        return found | self._unfit(ctx, whole, old) | self._unshared(ctx, whole, old)

    def _unfit(self, ctx: Context, doc: Document, old: Document | None) -> dict[str, list[str]]:
        """What the list of the view does not know, unless it was so before: a plugin may have gone."""
        resource = runtime.current().resources.get(doc["resource"])
        if resource is None or not ctx.actor.can(resource.permission("view")):
            return {"resource": [_("There is no such list.")]}
        base = usual(resource)
        columns = tuple(doc.get("columns") or base.columns)
        setup = Setup(doc.get("filters") or {}, sort=doc.get("sort") or base.sort, columns=columns)
        unknown = fitting(ctx, resource, setup, base)[1]
        if unknown and any(doc.get(name) != (old or {}).get(name) for name in ("filters", "sort", "columns")):
            return {"filters": [_("The list does not know this: %(names)s.", names=", ".join(unknown))]}
        return {}

    def _unshared(self, ctx: Context, doc: Document, old: Document | None) -> dict[str, list[str]]:
        wanted = doc.get("shared_with", "")
        if wanted == (old["shared_with"] if old else ""):
            return {}
        if not ctx.actor.can(SHARE):
            return {"shared_with": [_("You may not share views.")]}
        if wanted not in ("", EVERYBODY) and not Role.select().where(Role.name == wanted).exists():
            return {"shared_with": [_("There is no role %(name)s.", name=wanted)]}
        return {}


def document(resource: Resource, setup: Setup, **more: Any) -> Document:
    """What a view keeps of `setup`."""
    kept = {"filters": dict(setup.filters), "search": setup.search, "sort": setup.sort}
    return kept | {"resource": resource.name, "columns": list(setup.columns), "density": setup.density} | more


def _not_yours() -> str:
    return _("This view belongs to somebody else.")
