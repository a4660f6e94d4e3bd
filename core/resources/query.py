"""Reading a resource: filters, search, sorts, keyset pages, one record, a selection, a capped count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from peewee import fn

from core import access, runtime
from core.context import Context
from core.db import bulk, is_postgres, keyset, search
from core.errors import Forbidden, Invalid, NotFound
from core.i18n import _, noun
from core.resources import filtering
from core.resources.declaration import Resource
from core.resources.sets import Selection

_MOST = 200
_MANY = 5_000
CAP = 10_000
"""Nobody waits for the exact number of more records than this."""
_LIMITS = frozenset(map(str, range(1, _MOST + 1)))


@dataclass(frozen=True)
class ListState:
    """What a list shows. `filters`: {argument: value} as in the URL; `sort`: a sortable column, `-` for descending."""

    filters: Mapping[str, str] = field(default_factory=dict)
    search: str = ""
    sort: str = ""
    cursor: str | None = None
    limit: int = 50

    @classmethod
    def of(cls, resource: Resource, args: Mapping[str, str]) -> ListState:
        """From URL arguments: those of the filters, `q`, `sort`, `cursor`, `limit`; others are left alone."""
        names, limit = {one.name for one in resource.filters}, args.get("limit") or "50"
        if limit not in _LIMITS:
            raise Invalid({"limit": [_("Ask for 1 to %(most)s records a page.", most=_MOST)]})
        filters = {name: value for name, value in args.items() if name.split("__")[0] in names and value != ""}
        return cls(filters, args.get("q", ""), args.get("sort", ""), args.get("cursor") or None, int(limit))


@dataclass(frozen=True)
class Page:
    """Records in order, joined by the resource's loader, and the cursors around them."""

    records: list[Any]
    next: str | None = None
    previous: str | None = None


def page(ctx: Context, resource: Resource, state: ListState) -> Page:
    """One page: ids by key over an index, then the rows in one statement, then the loader's joins."""
    ids, after, before = page_ids(ctx, resource, state)
    return Page(load(ctx, resource, ids), after, before)


def page_ids(ctx: Context, resource: Resource, state: ListState) -> tuple[list[int], str | None, str | None]:
    """The ids of one page and the cursors of the next and the previous one.

    Without those that a plugin takes away from the actor, by which the page is shorter. Cursors are signed, so that
    their values fit the column. Raises Invalid (by argument) for what cannot be asked.
    """
    sort, descending = _sort(resource, state.sort or resource.default_sort)
    query = _matching(ctx, resource, state, "view", in_order=True)
    signer = URLSafeSerializer(runtime.current().settings.key("session"), f"{resource.name} {sort.name}")
    try:
        at = keyset.Cursor(*signer.loads(state.cursor)) if state.cursor else None
    except BadSignature:
        text = _("This cursor belongs to another list; start again at the first page.")
        raise Invalid({"cursor": [text]}) from None
    found = keyset.page(query, sort, descending, at, min(state.limit, _MOST))
    after, before = (cursor and str(signer.dumps(cursor)) for cursor in (found.next, found.previous))
    return open_to(ctx, resource, found.ids), after, before


def named(ctx: Context, resource: Resource, term: str, limit: int) -> list[int]:
    """The ids of records of which an exact field is `term`: what may be asked of any table, however short the term."""
    key = resource.model.id
    query = _scoped(ctx, resource, "view").where(search.equals(resource, term)).select(key)
    return open_to(ctx, resource, [row[0] for row in query.order_by(key.desc()).limit(limit).tuples()])


def open_to(ctx: Context, resource: Resource, ids: Sequence[int], verb: str = "view") -> list[int]:
    """Those of `ids` that no plugin takes away from the actor for `verb`, by its hook `authorize`."""
    denied = access.denied(ctx.actor, resource.permission(verb), resource.name, ids) if ids else ()
    return [one for one in ids if one not in denied]


def beside(ctx: Context, resource: Resource, state: ListState, record: Any) -> tuple[int | None, int | None]:
    """The ids before and after `record` in a list, whether or not it is (still) in it; two short reads of an index."""
    sort, descending = _sort(resource, state.sort or resource.default_sort)
    query = _matching(ctx, resource, state, "view", in_order=True)
    at = keyset.cursor(sort, record)
    found = [keyset.page(query, sort, descending, at._replace(backward=way), 1).ids for way in (True, False)]
    before, after = (ids[0] if ids else None for ids in found)
    return before, after


def place(ctx: Context, resource: Resource, state: ListState, record: Any) -> tuple[int, int] | None:
    """The place of `record` in a list and how many are there; `CAP` + 1 means more than `CAP`. None: not in it."""
    sort, descending = _sort(resource, state.sort or resource.default_sort)
    query = _matching(ctx, resource, state, "view")
    if not query.where(resource.model.id == record.id).exists():
        return None
    at = keyset.before(query, sort, descending, keyset.cursor(sort, record), CAP) + 1
    return min(at, CAP + 1), count(ctx, resource, state)


def load(ctx: Context, resource: Resource, ids: Sequence[int]) -> list[Any]:
    """The records of `ids` in that order, with what the loader joins; no check of rights."""
    rows = {row.id: row for row in bulk.by_ids(resource.model, ids)} if ids else {}
    return _joined(ctx, resource, [rows[key] for key in ids if key in rows])


def get(ctx: Context, resource: Resource, record_id: int, verb: str = "view") -> Any:
    """The record as `reach` finds it, joined by the loader."""
    return _joined(ctx, resource, [reach(ctx, resource, record_id, verb)])[0]


def reach(ctx: Context, resource: Resource, record_id: int, verb: str = "view") -> Any:
    """The bare record. NotFound when there is none or outside the actor's rows; Forbidden when a hook denies it."""
    permission, query = resource.permission(verb), _scoped(ctx, resource, verb)
    found = query.where(resource.model.id == record_id).first()
    if found is None:
        raise NotFound(_("There is no %(label)s with the number %(id)s.", label=noun(resource.label), id=record_id))
    if access.denied(ctx.actor, permission, resource.name, [record_id]):
        raise Forbidden(permission)
    return found


def titles(ctx: Context, resource: Resource, ids: Sequence[int]) -> dict[int, str]:
    """{id: title} of those of `ids` that exist and that the actor may open; a statement, and what the loader does."""
    if not ids or not ctx.actor.can(resource.permission("view")):
        return {}
    return {record.id: resource.title(record) for record in some(ctx, resource, ids)}


def some(ctx: Context, resource: Resource, ids: Sequence[int]) -> list[Any]:
    """Those of `ids` that exist and that the actor may open, joined by the loader. Raises Forbidden."""
    found = _joined(ctx, resource, list(_scoped(ctx, resource, "view").where(search.among(resource.model.id, ids))))
    reached = set(open_to(ctx, resource, [record.id for record in found]))
    return [record for record in found if record.id in reached]


def select(ctx: Context, resource: Resource, selection: Selection, verb: str = "view") -> Any:
    """A select of the ids that `selection` means and the actor may reach for `verb`, in order of id."""
    key = resource.model.id
    if not selection.everything:
        query = _scoped(ctx, resource, verb).where(search.among(key, selection.ids))
    else:
        query = _matching(ctx, resource, ListState(selection.filters, selection.search), verb)
        if selection.max_id is not None:
            query = query.where(key <= selection.max_id)
        if selection.excluded:
            query = query.where(~search.among(key, selection.excluded))
    return query.select(key).order_by(key)


def newest(resource: Resource) -> int:
    """The highest id that there is, 0 of none: what comes later has a higher one."""
    key = resource.model.id
    return resource.model.select(fn.MAX(key)).scalar() or 0


def count(ctx: Context, resource: Resource, state: ListState, cap: int = CAP, verb: str = "view") -> int:
    """How many match; `cap` + 1 means more than `cap`: "10,000+"."""
    query = _matching(ctx, resource, state, verb)
    return int(query.select(resource.model.id).order_by().limit(cap + 1).count())


def _joined(ctx: Context, resource: Resource, records: list[Any]) -> list[Any]:
    if resource.loader and records:
        resource.loader(records, ctx)
    return records


def _scoped(ctx: Context, resource: Resource, verb: str) -> Any:
    """The records that the actor reaches for `verb`: every reading of a resource begins here."""
    rows = access.rows(ctx.actor, resource.permission(verb), resource)
    query = resource.model.select()
    return query if rows is None else query.where(rows)


def _walks(ctx: Context, resource: Resource, state: ListState) -> bool:
    """Whether so many match that a page is found along the index of its sort, not by sorting them; a statement.

    PostgreSQL knows by its statistics.
    """
    if not state.filters or is_postgres() or _is_in_order(resource, state):
        return False
    return count(ctx, resource, ListState(state.filters), _MANY) > _MANY


def _is_in_order(resource: Resource, state: ListState) -> bool:
    """Whether an index gives what matches in the order asked for: one value, newest first; or a period of the sort."""
    sort, (argument, text) = state.sort or resource.default_sort, next(iter(state.filters.items()))
    if all(_is_about(one, sort) for one in state.filters):
        return True
    kinds = {one.name: one.kind for one in resource.filters}
    has_index = kinds.get(argument) in ("choice", "text", "bool") and "," not in text
    return has_index and len(state.filters) == 1 and sort == resource.default_sort


def _is_about(argument: str, sort: str) -> bool:
    return argument.partition("__")[0] == sort.removeprefix("-")


def _matching(ctx: Context, resource: Resource, state: ListState, verb: str, in_order: bool = False) -> Any:
    """The records that match; `in_order`: in a form that finds the first ones of the order fast."""
    query, rows = _scoped(ctx, resource, verb), access.rows(ctx.actor, resource.permission(verb), resource)
    walks, sort = in_order and _walks(ctx, resource, state), state.sort or resource.default_sort
    for name, value in state.filters.items():
        condition = filtering.condition(ctx, resource, name, value, walks)
        query = query.where(search.unindexed(condition) if walks and not _is_about(name, sort) else condition)
    return query.where(search.condition(resource, state.search, rows, in_order)) if state.search.strip() else query


def _sort(resource: Resource, name: str) -> tuple[Any, bool]:
    field_name = name.removeprefix("-")
    column = resource.column(field_name)
    if field_name != "id" and not (column and column.sortable):
        raise Invalid({"sort": [_("Lists cannot be sorted by %(name)s.", name=field_name[:50])]})
    return getattr(resource.model, field_name), name.startswith("-")
