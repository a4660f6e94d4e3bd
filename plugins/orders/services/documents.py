"""Orders as documents: whole orders read, created, changed, imported, restored and deleted, in sets of at most 200.

What a document means is in `merge.py` (composition), `totals.py` (sums) and `axes.py` (computed states); what it looks
like in tables is in `records.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core import changes, db, events, runtime
from core.changes import Change
from core.context import Context
from core.errors import Conflict, Invalid
from core.i18n import _
from core.resources import Outcome, Service
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
        return self.each(docs, lambda part: self._create_set(ctx, part))

    def update(
        self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int] | None = None
    ) -> list[Outcome]:
        """Change some fields. Drafts are open to everything; of a placed order lines and amounts stay.

        Raises Conflict when a record is no longer at its version in `versions`.
        """
        return self.by_id(docs, lambda part: self._update_set(ctx, part, versions or {}))

    def upsert(self, ctx: Context, docs: Sequence[Document], *, dry_run: bool = False) -> list[Outcome]:
        """Import: by (sales_channel, number); absent fields keep, blank ones clear, unchanged orders stay alone."""
        if dry_run:
            return [_outcome(plan) for plan in self._import_plans(docs)]
        return self.each(docs, lambda part: _carry_out(ctx, self._import_plans(part)))

    def restore(self, ctx: Context, docs: Mapping[int, Document | None], versions: Mapping[int, int]) -> list[Outcome]:
        """Undo an import: back to the earlier document, or gone; orders that someone changed since are skipped."""
        return self.by_id(docs, lambda part: self._restore_set(ctx, part, versions))

    def delete(self, ctx: Context, ids: Sequence[int]) -> list[Outcome]:
        """Delete drafts; what was placed is canceled or archived instead."""
        return self.by_id(dict.fromkeys(ids), lambda part: self._delete_set(ctx, list(part)))

    def fixed_in(self, doc: Mapping[str, Any]) -> Mapping[str, str]:
        return _fixed_in(doc)

    def kept(self, doc: Mapping[str, Any]) -> str:
        if doc["status"] == "draft":
            return ""
        return _("Only drafts can be deleted. Cancel or archive this order instead.")

    def _create_set(self, ctx: Context, docs: Sequence[Document]) -> list[Outcome]:
        numbers = records.next_numbers(sum(1 for doc in docs if not doc.get("number")))
        filled = [_with_defaults(doc, numbers) for doc in docs]
        taken = set(records.find((doc["sales_channel"], doc["number"]) for doc in filled))
        plans = [_attempt(_new_order, doc, taken) for doc in filled]
        outcomes = _carry_out(ctx, plans)
        _tell_moves(ctx, [({"status": "draft"}, plan[1]) for plan in plans if not isinstance(plan, Outcome)])
        return outcomes

    def _update_set(self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int]) -> list[Outcome]:
        before = self._locked(list(docs))
        renamed = [{**before[i], **doc} for i, doc in docs.items() if i in before and {*self.resource.key} & set(doc)]
        taken = records.find((doc["sales_channel"], doc["number"]) for doc in renamed)
        plans = [_attempt(_edit, i, doc, before.get(i), versions.get(i), taken) for i, doc in docs.items()]
        return _carry_out(ctx, plans)

    def _import_plans(self, docs: Sequence[Document]) -> list[Planned | Outcome]:
        known = records.find((doc.get("sales_channel") or "", doc.get("number") or "") for doc in docs)
        before = {doc["id"]: doc for doc in records.read(list(known.values()))}
        return [_attempt(_import, doc, known, before) for doc in docs]

    def _restore_set(
        self, ctx: Context, docs: Mapping[int, Document | None], versions: Mapping[int, int]
    ) -> list[Outcome]:
        now = self._locked(list(docs))
        same = {i: doc for i, doc in docs.items() if i in now and now[i]["version"] == versions.get(i)}
        self._delete_orders(ctx, [now[i] for i, earlier in same.items() if earlier is None])
        _update(ctx, [(now[i], _restored(now[i], earlier)) for i, earlier in same.items() if earlier is not None])
        done = {i: Outcome("deleted" if earlier is None else "updated") for i, earlier in same.items()}
        moved = Outcome("skipped", errors={"": [_("This order was changed or deleted since.")]})
        return [done.get(i, moved) for i in docs]

    def _delete_set(self, ctx: Context, ids: Sequence[int]) -> list[Outcome]:
        orders = self._locked(ids)
        kept = {i: why for i in ids if (why := self.kept(orders[i]) if i in orders else _("There is no such order."))}
        self._delete_orders(ctx, [order for i, order in orders.items() if i not in kept])
        return [Outcome("rejected", errors={"": [kept[i]]}) if i in kept else Outcome("deleted") for i in ids]

    def _delete_orders(self, ctx: Context, orders: Sequence[Document]) -> None:
        if orders:
            changes.record(ctx, RESOURCE, "deleted", [Change(doc["id"], _header({}, doc), {}) for doc in orders])
            self.remove(ctx, [doc["id"] for doc in orders])


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
    if doc.get("facts"):
        raise Invalid({"facts": [_("This follows from what happens to the order; use its commands.")]})
    if doc["status"] != "draft" and not doc.get("lines"):
        raise Invalid({"lines": [_("Only a draft may be without lines; placing it needs at least one.")]})
    order = merge.compose(None, doc, imported=False)
    taken.add(key)
    return None, order


def _edit(
    order_id: int, doc: Document, old: Document | None, version: int | None, taken: Mapping[tuple[str, str], int]
) -> Planned:
    if old is None:
        raise Invalid({"": [_("There is no such order.")]})
    if version not in (None, old["version"]):
        raise Conflict(_("Someone changed this order in between; load it again."))
    new = merge.compose(old, {k: v for k, v in doc.items() if k not in NOT_TYPED_IN}, imported=False)
    refused = [name for name in NOT_TYPED_IN if name in doc and doc[name] != old[name]]
    if refused:
        raise Invalid({name: [_("This follows from what happens to the order; use its commands.")] for name in refused})
    fixed = {name: [why] for name, why in _fixed_in(old).items() if new[name] != old[name]}
    if fixed:
        raise Invalid(fixed)
    if taken.get((new["sales_channel"], new["number"]), order_id) != order_id:
        raise Invalid({"number": [_("This sales channel already has an order with this number.")]})
    return old, new


def _fixed_in(order: Mapping[str, Any]) -> dict[str, str]:
    """What the buyer agreed to stays as it is: lines and amounts of every order but a draft."""
    if order["status"] == "draft":
        return {}
    text = _("Lines and amounts of a placed order cannot be edited. Cancel it and place a new one.")
    return dict.fromkeys(FIXED_WHEN_PLACED, text)


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


def _carry_out(ctx: Context, plans: Sequence[Planned | Outcome]) -> list[Outcome]:
    """Write what is planned and report in the same order."""
    planned = [plan for plan in plans if not isinstance(plan, Outcome)]
    _create(ctx, [after for before, after in planned if before is None])
    _update(ctx, [(old, new) for old, new in planned if old is not None and merge.changed_fields(old, new)])
    return [_outcome(plan) for plan in plans]


def _outcome(plan: Planned | Outcome) -> Outcome:
    if isinstance(plan, Outcome):
        return plan
    before, after = plan
    if before is None:
        return Outcome("created", id=after.get("id"), after={name: after[name] for name in merge.FIELDS})
    fields = merge.changed_fields(before, after)
    changed = {name: after[name] for name in fields}
    return Outcome("updated" if fields else "unchanged", id=before["id"], before=before, after=changed)


def _create(ctx: Context, orders: Sequence[Document]) -> None:
    if orders:
        records.insert(orders)
        # The entry of a new order keeps its header and how many lines it has; the lines themselves stand in the order.
        changes.record(ctx, RESOURCE, "created", [Change(order["id"], {}, _header({}, order)) for order in orders])


def _update(ctx: Context, pairs: Sequence[tuple[Document, Document]]) -> None:
    if pairs:
        records.update(pairs)
        noted = [Change(old["id"], _diff(new, old), _diff(old, new)) for old, new in pairs]
        changes.record(ctx, RESOURCE, "updated", noted)
        _tell_moves(ctx, pairs)


def _header(old: Mapping[str, Any], new: Mapping[str, Any]) -> Document:
    noted = {name: new[name] for name in (*merge.HEADER, "total_minor", "items") if new[name] != old.get(name)}
    return {name: value for name, value in noted.items() if value not in (None, "")}


def _diff(one: Document, other: Document) -> Document:
    """The fields of `other` that differ from `one`; of lists only the rows that do."""
    noted = {name: other[name] for name in merge.changed_fields(one, other)}
    for name in ("lines", "adjustments", "facts"):
        if name in noted:
            noted[name] = [row for row in other[name] if row not in one[name]]
    return noted


def _tell_moves(ctx: Context, pairs: Sequence[tuple[Mapping[str, Any], Document]]) -> None:
    """A status that came without a command, by import or with a new order, is an event like that of the command."""
    for status, event in EVENT_OF_STATUS.items():
        moved = [new["id"] for old, new in pairs if new["status"] == status != old["status"]]
        if moved:
            events.emit(ctx, event, {"resource": RESOURCE, "ids": moved})
