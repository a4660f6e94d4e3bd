"""Orders as documents: whole orders read, created, changed, imported, restored and deleted, in sets of at most 200.

What a document means is in `merge.py` (composition), `totals.py` (sums) and `axes.py` (computed states); what it looks
like in tables is in `records.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from core import changes, db, events, runtime
from core.context import Context
from core.errors import Conflict, Invalid
from core.i18n import _
from core.resources import Outcome, Service
from plugins.orders.models import Order
from plugins.orders.services import merge, records
from plugins.orders.services.merge import Document
from plugins.orders.services.records import RESOURCE
from plugins.orders.services.workflow import EVENT_OF_STATUS

OWN_CHANNEL = "manual"
NEW_STATES = ("draft", "pending", "open")
FIXED_WHEN_PLACED = (
    "number",
    "sales_channel",
    "kind",
    "currency",
    "rate",
    "tax_included",
    "placed_at",
    "lines",
    "adjustments",
)
NOT_TYPED_IN = ("status", "canceled_at", "facts", *merge.AXES)
Planned = tuple[Document | None, Document]


class OrderService(Service):
    """The service of `orders.order`. Documents are as `OrderSchema` loads them."""

    def documents(self, ids: Sequence[int]) -> list[Document]:
        """Whole orders, six statements whatever their number and size."""
        return records.read(ids)

    def create(self, ctx: Context, docs: Sequence[Document]) -> list[Outcome]:
        """New orders of our own. Without a number they get the next one; status is draft, pending or open."""
        with db.transaction():
            numbers = records.next_numbers(sum(1 for doc in docs if not doc.get("number")))
            filled = [_with_defaults(doc, numbers) for doc in docs]
            taken = set(records.find((doc["sales_channel"], doc["number"]) for doc in filled))
            return _carry_out(ctx, [_attempt(_new_order, doc, taken) for doc in filled])

    def update(
        self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int] | None = None
    ) -> list[Outcome]:
        """Change some fields. Drafts are open to everything; of a placed order lines and amounts stay.

        Raises Conflict when a record is no longer at its version in `versions`.
        """

        def edit(part: Mapping[int, Document]) -> list[Outcome]:
            before = _locked_documents(list(part))
            plans = [_attempt(_edit, order_id, doc, before, versions or {}) for order_id, doc in part.items()]
            return _carry_out(ctx, plans)

        return self.by_id(docs, edit)

    def upsert(self, ctx: Context, docs: Sequence[Document], *, dry_run: bool = False) -> list[Outcome]:
        """Import: by (sales_channel, number); absent fields keep, blank ones clear, unchanged orders stay alone."""
        with nullcontext() if dry_run else db.transaction():
            known = records.find((doc.get("sales_channel") or "", doc.get("number") or "") for doc in docs)
            before = {doc["id"]: doc for doc in records.read(list(known.values()))}
            return _carry_out(ctx, [_attempt(_import, doc, known, before) for doc in docs], dry_run=dry_run)

    def restore(self, ctx: Context, docs: Mapping[int, Document | None], versions: Mapping[int, int]) -> list[Outcome]:
        """Undo an import: back to the earlier document, or gone; orders that someone changed since are skipped."""
        with db.transaction():
            now = _locked_documents(list(docs))
            same = [i for i in docs if i in now and now[i]["version"] == versions.get(i)]
            _delete(ctx, {i: now[i] for i in same if docs[i] is None})
            _update(ctx, [(now[i], _restored(now[i], earlier)) for i in same if (earlier := docs[i]) is not None])
        return [
            Outcome("skipped" if i not in same else "deleted" if earlier is None else "updated", id=i)
            for i, earlier in docs.items()
        ]

    def delete(self, ctx: Context, ids: Sequence[int]) -> list[Outcome]:
        """Delete drafts; what was placed is canceled or archived instead."""
        with db.transaction():
            drafts = {i: doc for i, doc in _locked_documents(ids).items() if doc["status"] == "draft"}
            _delete(ctx, drafts)
        refusal = {"status": [_("Only drafts can be deleted. Cancel or archive this order instead.")]}
        return [Outcome("deleted", id=i) if i in drafts else Outcome("rejected", id=i, errors=refusal) for i in ids]


def _attempt(plan: Callable[..., Planned], *args: Any) -> Planned | Outcome:
    """What `plan` composes, or why it cannot; a refusal is the outcome of this one order only."""
    try:
        return plan(*args)
    except Invalid as problem:
        order_id = args[0] if isinstance(args[0], int) else None
        return Outcome("rejected", id=order_id, errors=problem.errors)


def _with_defaults(doc: Document, numbers: list[str]) -> Document:
    own = {"sales_channel": OWN_CHANNEL, "status": "draft", "placed_at": db.utcnow()}
    own["currency"] = runtime.current().settings.currency
    given = {name: value for name, value in doc.items() if value not in (None, "")}
    return own | given | {"number": given.get("number") or numbers.pop(0)}


def _new_order(doc: Document, taken: set[tuple[str, str]]) -> Planned:
    key = (doc["sales_channel"], doc["number"])
    if key in taken:
        raise Invalid({"number": [_("This sales channel already has an order with this number.")]})
    if doc["status"] not in NEW_STATES:
        raise Invalid({"status": [_("A new order is a draft, pending or open; only an import may bring others.")]})
    if doc["status"] != "draft" and not doc.get("lines"):
        raise Invalid({"lines": [_("An order needs at least one line.")]})
    order = merge.compose(None, doc, imported=False)
    taken.add(key)
    return None, order


def _edit(order_id: int, doc: Document, before: Mapping[int, Document], versions: Mapping[int, int]) -> Planned:
    old = before.get(order_id)
    if old is None:
        raise Invalid({"id": [_("There is no such order.")]})
    if versions.get(order_id, old["version"]) != old["version"]:
        raise Conflict(_("Someone changed this order in between; load it again."))
    new = merge.compose(old, {k: v for k, v in doc.items() if k not in NOT_TYPED_IN}, imported=False)
    refused = [name for name in NOT_TYPED_IN if name in doc and doc[name] != old[name]]
    if refused:
        raise Invalid({name: [_("This follows from what happens to the order; use its commands.")] for name in refused})
    fixed = [] if old["status"] == "draft" else [name for name in FIXED_WHEN_PLACED if new[name] != old[name]]
    if fixed:
        text = _("Lines and amounts of a placed order cannot be edited. Cancel it and place a new one.")
        raise Invalid({name: [text] for name in fixed})
    return old, new


def _import(doc: Document, known: Mapping[tuple[str, str], int], before: Mapping[int, Document]) -> Planned:
    missing = [name for name in ("sales_channel", "number") if not doc.get(name)]
    if missing:
        raise Invalid({name: [_("An imported order needs its sales channel and its number.")] for name in missing})
    order_id = known.get((doc["sales_channel"], doc["number"]))
    old = None if order_id is None else before[order_id]
    if old is None:
        if not doc.get("placed_at"):
            raise Invalid({"placed_at": [_("A new order needs the time when it was placed.")]})
        doc = {"status": "open", "currency": runtime.current().settings.currency, **doc}
    order = merge.compose(old, doc, imported=True)
    if not order["lines"]:
        raise Invalid({"lines": [_("An order needs at least one line.")]})
    return old, order


def _restored(now: Document, earlier: Document) -> Document:
    """`earlier` in full: what it lacks was blank, its states follow from its facts."""
    own = {name: now[name] for name in ("id", "version", "created_at", "updated_at")}
    return {**own, **merge.compose(None, earlier, imported=False)}


def _locked_documents(ids: Sequence[int]) -> dict[int, Document]:
    list(records.locked(Order.select(Order.id).where(Order.id.in_(ids))).tuples())
    return {doc["id"]: doc for doc in records.read(ids)}


def _carry_out(ctx: Context, plans: Sequence[Planned | Outcome], *, dry_run: bool = False) -> list[Outcome]:
    """Write what is planned (unless `dry_run`) and report in the same order."""
    planned = [plan for plan in plans if not isinstance(plan, Outcome)]
    created = [after for before, after in planned if before is None]
    updated = [
        (before, after) for before, after in planned if before is not None and merge.changed_fields(before, after)
    ]
    if not dry_run:
        _create(ctx, created)
        _update(ctx, updated)
    return [plan if isinstance(plan, Outcome) else _outcome(*plan) for plan in plans]


def _outcome(before: Document | None, after: Document) -> Outcome:
    if before is None:
        return Outcome("created", id=after.get("id"), after=_content(after))
    fields = merge.changed_fields(before, after)
    if not fields:
        return Outcome("unchanged", id=before["id"], before=before, after={})
    return Outcome("updated", id=before["id"], before=before, after={name: after[name] for name in fields})


def _content(doc: Mapping[str, Any]) -> Document:
    return {name: doc[name] for name in merge.FIELDS if name in doc}


def _create(ctx: Context, orders: Sequence[Document]) -> None:
    if not orders:
        return
    records.insert(orders)
    # Of a new order the entry keeps the header and how many lines it has; the lines themselves stand in the order.
    noted = [changes.Change(order["id"], after=_header_diff({}, order)) for order in orders]
    changes.record(ctx, RESOURCE, "created", noted, reindex=ctx.source != "import")  # an import indexes at its end


def _update(ctx: Context, pairs: Sequence[tuple[Document, Document]]) -> None:
    if not pairs:
        return
    records.update(pairs)
    noted = [changes.Change(old["id"], before=_diff(new, old), after=_diff(old, new)) for old, new in pairs]
    changes.record(ctx, RESOURCE, "updated", noted, reindex=ctx.source != "import")
    _tell_moves(ctx, pairs)


def _delete(ctx: Context, orders: Mapping[int, Document]) -> None:
    if not orders:
        return
    changes.record(
        ctx, RESOURCE, "deleted", [changes.Change(i, before=_header_diff({}, doc)) for i, doc in orders.items()]
    )
    records.delete(list(orders))


def _header_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    noted = {name: new[name] for name in (*merge.HEADER, "total_minor", "items") if new[name] != old.get(name)}
    return {name: value for name, value in noted.items() if value not in (None, "")}


def _diff(one: Document, other: Document) -> Document:
    """The fields of `other` that differ from `one`; of lists only the rows that do."""
    noted = {name: other[name] for name in merge.changed_fields(one, other)}
    for name in ("lines", "adjustments", "facts"):
        if name in noted:
            noted[name] = [row for row in other[name] if row not in one[name]]
    return noted


def _tell_moves(ctx: Context, pairs: Sequence[tuple[Document, Document]]) -> None:
    """A status that an import moved is an event like that of the command."""
    for status, event in EVENT_OF_STATUS.items():
        moved = [new["id"] for old, new in pairs if new["status"] == status != old["status"]]
        if moved:
            events.emit(ctx, event, {"resource": RESOURCE, "ids": moved})
