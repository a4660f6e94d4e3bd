"""The generic service of flat models: documents in, one statement per set, audit and event through core.changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import peewee

from core import changes, db
from core.changes import Change
from core.context import Context
from core.db import bulk, search
from core.db.fields import is_storable
from core.errors import Conflict, Rejected
from core.i18n import _
from core.resources import references, traits
from core.resources.declaration import Resource
from core.resources.sets import Outcome

Document = dict[str, Any]
Key = tuple[Any, ...]
Item = TypeVar("Item")

UNFIT = (peewee.IntegrityError, peewee.DataError, OverflowError, UnicodeError)
"""What a database says against one bad document; anything else is a fault of ours and passes."""
# SQLite: "UNIQUE constraint failed: t.a, t.b"; PostgreSQL: "Key (a, b)=(…) already exists", 'null value in column "a"'.
_COLUMNS = re.compile(r"(?:failed: |Key \(|column \")([\w., ]+)")


class Service:
    """Reads and writes documents of one resource, at most 200 a call, in a number of statements that does not grow.

    An aggregate overrides the contract itself (with `each` and `by_id` around its work), or only `lists_of`, `insert`,
    `save`, `attach` and `remove`, which work on a set inside the caller's transaction and leave no trace, and `refuse`,
    `fixed_in` and `kept` for rules of its own. `fixed`: fields that no document writes; `lists`: those that hold names
    kept beside the row.
    """

    fixed = frozenset({"id", "version", "created_at", "updated_at"})
    lists = frozenset[str]()

    def __init__(self, resource: Resource) -> None:
        self.resource, self.model = resource, resource.model
        fields = self.model._meta.fields
        self.names = frozenset(fields) - self.fixed
        self.longest = {name: field.max_length for name, field in fields.items() if getattr(field, "max_length", None)}
        self.lists |= {"tags"} if resource.has_tags else frozenset()

    # The contract

    def documents(self, ids: Sequence[int]) -> list[Document]:
        """Documents in the order of `ids` (those that exist), as `schema.dump` takes them."""
        rows = {row["id"]: row for row in self.model.select().where(search.among(self.model.id, ids)).dicts()}
        lists = self.lists_of(list(rows)) if rows else {}
        return [rows[key] | {name: found[key] for name, found in lists.items()} for key in ids if key in rows]

    def find(self, keys: Iterable[Key]) -> dict[Key, int]:
        """{values of `resource.key`: id} of the records with these keys, in one statement."""
        fields = [getattr(self.model, name) for name in self.resource.key]
        columns = zip(fields, zip(*keys, strict=True), strict=False)
        parts = [field.in_(set(values)) for field, values in columns]
        rows: Any = self.model.select(self.model.id, *fields).where(*parts).tuples() if parts else ()
        return {tuple(row[1:]): row[0] for row in rows}

    def create(self, ctx: Context, docs: Sequence[Document]) -> list[Outcome]:
        """New records; outcomes in the order of `docs`."""
        return self.each(docs, lambda part: self._create(ctx, part))

    def update(
        self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int] | None = None
    ) -> list[Outcome]:
        """Change the fields that the documents name. Raises Conflict when a record has left its `versions` entry."""
        return self.by_id(docs, lambda part: self._update(ctx, part, versions or {}))

    def upsert(self, ctx: Context, docs: Sequence[Document], *, dry_run: bool = False) -> list[Outcome]:
        """Create, or update the record with the same `resource.key`; a dry run does it all and takes it back."""
        with db.transaction() as work:
            outcomes = self._upsert(ctx, docs)
            if dry_run:
                work.rollback()
        return [replace(one, id=None) if dry_run and one.status == "created" else one for one in outcomes]

    def restore(self, ctx: Context, docs: Mapping[int, Document | None], versions: Mapping[int, int]) -> list[Outcome]:
        """Bring back earlier documents (None: delete the record), only where the version is still the given one."""
        return self.by_id(docs, lambda part: self._restore(ctx, part, versions))

    def delete(self, ctx: Context, ids: Sequence[int]) -> list[Outcome]:
        """Delete records; one that others refer to is rejected."""
        return self.by_id(dict.fromkeys(ids), lambda part: self._delete(ctx, list(part)))

    # What is different for an aggregate

    def insert(self, ctx: Context, docs: Sequence[Document]) -> list[int]:
        """Insert, in one statement for the set; the ids in the order of `docs`."""
        ids = bulk.insert_returning(self.model, [self._row(doc) for doc in docs])
        self.attach(ctx, dict(zip(ids, docs, strict=True)), {})
        return ids

    def save(self, ctx: Context, changed: Mapping[int, Document], old: Mapping[int, Document]) -> None:
        """Write changed fields and raise the versions, in one guarded UPDATE for the set."""
        model, key = self.model, self.model.id
        sets = {name: self._case(name, changed) for doc in changed.values() for name in doc if name in self.names}
        unmoved = model.version == peewee.Case(key, [(one, old[one]["version"]) for one in changed])
        if model.change(**sets).where(search.among(key, list(changed)), unmoved).execute() != len(changed):
            raise _conflict()
        self.attach(ctx, changed, old)

    def lists_of(self, ids: Sequence[int]) -> Mapping[str, Mapping[int, list[str]]]:
        """{name: {id: names in order}} for every one of `lists` and of `ids`."""
        return {"tags": traits.tags_of(self.resource.name, ids)} if self.resource.has_tags else {}

    def attach(self, ctx: Context, docs: Mapping[int, Document], old: Mapping[int, Document]) -> None:
        """Write those of `lists` that the documents name, after their rows; `old` lacks new records."""
        tags = {key: doc["tags"] for key, doc in docs.items() if "tags" in doc}
        if tags:
            had = {key: old[key]["tags"] if key in old else [] for key in tags}
            gone = {key: [tag for tag in had[key] if tag not in tags[key]] for key in tags}
            traits.write_tags(self.resource.name, tags, gone)

    def remove(self, ctx: Context, ids: Sequence[int]) -> None:
        """Delete records and what hangs on them."""
        traits.forget(self.resource.name, ids)
        self.model.delete().where(search.among(self.model.id, ids)).execute()

    def refuse(self, ctx: Context, doc: Document, old: Document | None) -> Mapping[str, Sequence[str]]:
        """Why `doc` may not be written, by field; `old` is None for a new record."""
        errors: dict[str, list[str]] = {}
        for name, value in doc.items():
            longest = self.longest.get(name, 2**31)
            if not is_storable(value) or (isinstance(value, str) and len(value) > longest):
                errors[name] = [_("Write at most %(most)s letters, none of them a control sign.", most=longest)]
            elif name not in self.names | self.fixed | self.lists:
                errors[name] = [_("There is no such field.")]
        return errors

    def fixed_in(self, doc: Mapping[str, Any]) -> Mapping[str, str]:
        """Fields of a stored document that no edit may change now: {field: why}; a form shows them to be read."""
        return {}

    def kept(self, doc: Mapping[str, Any]) -> str:
        """Why the record of a stored document, or of its header alone, may not be deleted now; "" when it may."""
        return ""

    # How it is done

    def each(self, items: Sequence[Item], work: Callable[[Sequence[Item]], list[Outcome]]) -> list[Outcome]:
        """`work` on the set; when one item spoils it, on both halves, so that a bad one never loses the others."""
        if not items:
            return []
        try:
            with db.transaction():
                return work(items)
        except (*UNFIT, Rejected) as problem:
            if len(items) == 1:
                return [Outcome("rejected", errors=reason(problem))]
        half = len(items) // 2
        return self.each(items[:half], work) + self.each(items[half:], work)

    def by_id(self, docs: Mapping[int, Any], work: Callable[[dict[int, Any]], list[Outcome]]) -> list[Outcome]:
        """The same for documents by id."""
        outcomes = self.each(list(docs.items()), lambda part: work(dict(part)))
        return [replace(outcome, id=key) for key, outcome in zip(docs, outcomes, strict=True)]

    def _create(self, ctx: Context, docs: Sequence[Document]) -> list[Outcome]:
        unknown = references.refused(ctx, self.resource.schema, [(doc, None) for doc in docs])
        refused = {
            at: errors for at, doc in enumerate(docs) if (errors := {**unknown[at], **self.refuse(ctx, doc, None)})
        }
        good = [at for at in range(len(docs)) if at not in refused]
        ids = dict(zip(good, self.insert(ctx, [docs[at] for at in good]), strict=True)) if good else {}
        changes.record(ctx, self.resource.name, "created", [Change(key, {}, docs[at]) for at, key in ids.items()])
        return [Outcome("created", ids[at], after=doc) if at in ids else Outcome("rejected", errors=refused[at])
                for at, doc in enumerate(docs)]  # fmt: skip

    def _update(self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int]) -> list[Outcome]:
        old = self._locked(list(docs))
        if any(doc["version"] != versions.get(key, doc["version"]) for key, doc in old.items()):
            raise _conflict()
        unknown = references.refused(ctx, self.resource.schema, [(doc, old.get(key)) for key, doc in docs.items()])
        pairs = zip(docs.items(), unknown, strict=True)
        outcomes = {key: self._intent(ctx, doc, old.get(key), errors) for (key, doc), errors in pairs}
        changed = {key: dict(one.after or {}) for key, one in outcomes.items() if one.status == "updated"}
        if changed:
            self.save(ctx, changed, old)
        noted = [Change(key, {name: old[key].get(name) for name in doc}, doc) for key, doc in changed.items()]
        changes.record(ctx, self.resource.name, "updated", noted)
        return list(outcomes.values())

    def _intent(
        self, ctx: Context, doc: Document, old: Document | None, unknown: Mapping[str, Sequence[str]]
    ) -> Outcome:
        if old is None:
            return _missing()
        wanted = self._shaped(doc, old)
        changed = {name: value for name, value in wanted.items() if name not in self.fixed and value != old.get(name)}
        stuck = {name: [why] for name, why in self.fixed_in(old).items() if name in changed}
        if errors := {**unknown, **self.refuse(ctx, doc, old)} or stuck:
            return Outcome("rejected", errors=errors)
        return Outcome("updated" if changed else "unchanged", before=old, after=changed)

    def _upsert(self, ctx: Context, docs: Sequence[Document]) -> list[Outcome]:
        first: dict[Key, int] = {}
        for at, doc in enumerate(docs):
            first.setdefault(tuple(doc.get(name) for name in self.resource.key), at)
        named = {key: at for key, at in first.items() if key and None not in key}
        found = self.find(named)
        known = {at: found[key] for key, at in named.items() if key in found}
        new = [at for key, at in named.items() if key not in found]
        outcomes = dict(zip(new, self.create(ctx, [docs[at] for at in new]), strict=True))
        outcomes |= zip(known, self.update(ctx, {key: docs[at] for at, key in known.items()}), strict=True)
        unclear = {name: [_("This is needed, once in a set.")] for name in self.resource.key}
        return [outcomes.get(at) or Outcome("rejected", errors=unclear) for at in range(len(docs))]

    def _restore(self, ctx: Context, docs: Mapping[int, Any], versions: Mapping[int, int]) -> list[Outcome]:
        old = self._locked(list(docs))
        fresh = [key for key in docs if key in old and old[key]["version"] == versions.get(key)]
        back = {key: self._emptied(docs[key], old[key]) for key in fresh if docs[key]}
        gone = [key for key in fresh if key not in back]
        done = dict(zip(back, self._update(ctx, back, {}), strict=True))
        done |= zip(gone, self._delete(ctx, gone), strict=True)
        moved = Outcome("skipped", errors={"": [_("Changed or deleted since.")]})
        return [done.get(key, moved) for key in docs]

    def _delete(self, ctx: Context, ids: Sequence[int]) -> list[Outcome]:
        old = self._locked(ids)
        kept = {key: Outcome("rejected", errors={"": [why]}) for key, doc in old.items() if (why := self.kept(doc))}
        gone = {key: doc for key, doc in old.items() if key not in kept}
        if gone:
            self.remove(ctx, list(gone))
        changes.record(ctx, self.resource.name, "deleted", [Change(key, doc, {}) for key, doc in gone.items()])
        done = kept | {key: Outcome("deleted", before=doc) for key, doc in gone.items()}
        return [done.get(key) or _missing() for key in ids]

    def _locked(self, ids: Sequence[int]) -> dict[int, Document]:
        """Documents by id, nobody else writing them until the transaction ends."""
        if db.is_postgres() and ids:
            rows = self.model.select(self.model.id).where(search.among(self.model.id, ids)).order_by(self.model.id)
            list(rows.for_update().tuples())
        return {doc["id"]: doc for doc in self.documents(ids)}

    def _row(self, doc: Document) -> Document:
        """All columns of a new record: in one statement every row has the same ones."""
        blank: Document = dict.fromkeys(self.names) | self.model._meta.get_default_dict()
        return blank | {name: value for name, value in self._shaped(doc, {}).items() if name in self.names}

    def _case(self, name: str, changed: Mapping[int, Document]) -> Any:
        field = getattr(self.model, name)
        cases = [(key, field.to_value(doc[name])) for key, doc in changed.items() if name in doc]
        return peewee.Case(self.model.id, cases, field)

    def _shaped(self, doc: Document, old: Document) -> Document:
        """`doc` with its lists in order, and with the custom fields (`extra`) of before; None takes one away."""
        shaped = {name: sorted(set(value)) if name in self.lists else value for name, value in doc.items()}
        if "extra" in doc:
            extra = {**(old.get("extra") or {}), **(doc["extra"] or {})}
            shaped["extra"] = {name: value for name, value in extra.items() if value is not None}
        return shaped

    def _emptied(self, doc: Document, old: Document) -> Document:
        """An earlier document that also takes away the custom fields that came since."""
        since: Document = dict.fromkeys(old.get("extra") or {})
        return doc | {"extra": since | (doc.get("extra") or {})} if "extra" in self.names else doc


def service_of(resource: Resource) -> Service:
    """The service of `resource`: its own class, or the generic one."""
    return (resource.service or Service)(resource)


def _conflict() -> Conflict:
    return Conflict(_("Someone changed this in the meantime; load it again."))


def _missing() -> Outcome:
    return Outcome("rejected", errors={"": [_("This record does not exist.")]})


def reason(problem: Exception) -> Mapping[str, Sequence[str]]:
    """What a database or a hook says against one document, by field."""
    if isinstance(problem, Rejected):
        return problem.errors
    if not isinstance(problem, peewee.IntegrityError):
        return {"": [_("A value does not fit: too large, too long, or with signs that cannot be kept.")]}
    text, named = str(problem).lower(), _COLUMNS.search(str(problem))
    if "foreign key" in text:
        return {"": [_("Other records refer to this one, or it refers to one that does not exist.")]}
    said = _("This is needed.") if "null" in text else _("Another record has this value already.")
    return {name.strip().split(".")[-1]: [said] for name in (named[1] if named else "").split(",")}
