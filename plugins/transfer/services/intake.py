"""The jobs of imports: stage, then document by document into the resource, exactly once whoever is killed when."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from typing import Any

import marshmallow as ma
import peewee

from core import access, db, files, jobs, runtime
from core.cards import masked
from core.db import bulk, search
from core.errors import Forbidden, MaktabError
from core.i18n import _
from core.resources import Outcome, Resource, service_of
from plugins.transfer.formats import Dialect, Mapping
from plugins.transfer.models import Import, ImportChange, Reject
from plugins.transfer.reading import readers
from plugins.transfer.reading.dialect import FileRefused, sniff
from plugins.transfer.reading.mapping import Draft, Plan
from plugins.transfer.reading.staging import MOST_ROWS, Staging, staged
from plugins.transfer.services import reports
from plugins.transfer.services.importer import check, clear, format_named, local_copy, note
from plugins.transfer.services.keys import Keys
from plugins.transfer.services.scope import Scope

COUNTS = ("created", "updated", "unchanged", "rejected")
_REFUSALS = (MaktabError, peewee.IntegrityError, peewee.DataError, OverflowError, ValueError)
_SCRATCH_S = 2 * 86_400


def run_import(run: jobs.JobRun) -> dict[str, Any]:
    """The job `transfer.import`: a dry run or the import itself, from its checkpoint on."""
    import_ = Import.get_by_id(run.args["import_id"])
    resource = runtime.current().resource(import_.resource)
    access.demand(run.ctx.actor, resource.permission("import"))
    if import_.state in ("failed", "canceled"):  # its job was started again
        Import.update(state="running", error="").where(Import.id == import_.id).execute()
    try:
        keys = Keys(run.ctx)
        with _opened(import_, resource, keys) as (plan, staging):
            Intake(run, import_, resource, plan, staging, keys).run()
    except FileRefused as refusal:
        clear(import_)
        Import.update(state="failed", error=str(refusal)).where(Import.id == import_.id).execute()
        raise
    if not import_.dry_run and import_.state != "paused":
        clear(import_)
    return {"import_id": import_.id, "rejects_file_id": import_.rejects_file_id} | _counts(import_)


def _counts(import_: Import) -> dict[str, int]:
    return {name: getattr(import_, name) for name in COUNTS}


@contextmanager
def _opened(import_: Import, resource: Resource, keys: Keys) -> Iterator[tuple[Plan, Staging]]:
    """The file of `import_`, staged in this machine's scratch folder, with the plan of its mapping."""
    source, mapping = local_copy(import_), Mapping.from_json(import_.mapping)
    for old in source.parent.parent.iterdir():
        if old.stat().st_mtime < time.time() - _SCRATCH_S:
            shutil.rmtree(old, ignore_errors=True)
    seen = sniff(source)
    dialect = Dialect(seen.kind, mapping.encoding or seen.encoding, mapping.delimiter or seen.delimiter, seen.packed)
    columns = readers.flat_header(source, dialect) if seen.kind == "jsonl" and not mapping.takes_documents else {}
    headers, rows = (list(columns), iter(())) if columns else readers.read(source, dialect)
    check(resource, mapping, headers)
    known, shop = format_named(import_.format), runtime.current().settings
    plan = Plan(resource, mapping, headers, known.prepare if known else None, shop.currency, shop.timezone, keys)
    stamp = hashlib.sha256(json.dumps([import_.mapping, import_.format]).encode()).hexdigest()[:16]
    if columns:
        plan.of_items = frozenset(name for name, is_item in columns.items() if is_item)
        rows = readers.flat_rows(source, dialect, headers, plan.repeated, MOST_ROWS)
    with staged(source.with_name(f"{stamp}.db"), rows, plan) as staging:
        yield plan, staging


class Intake:
    """One run over the staged documents. Documents, checkpoint, rejects and what a rollback needs are one transaction
    per chunk. A dry run goes the same road, writes no document and starts again when it was killed."""

    def __init__(
        self, run: jobs.JobRun, import_: Import, resource: Resource, plan: Plan, staging: Staging, keys: Keys
    ) -> None:
        self.job, self.import_, self.resource, self.plan, self.staging = run, import_, resource, plan, staging
        self.keys = keys
        self.ctx, self.service, self.dry = run.ctx.coming_from("import"), service_of(resource), import_.dry_run
        self.position = -1 if self.dry else int(import_.position)
        self.counts = dict.fromkeys(COUNTS, 0) if self.dry else _counts(import_)
        self.diff, self.scope = reports.Diff(resource), Scope(self.ctx.actor, resource)

    def run(self) -> None:
        if self.dry:
            Reject.delete().where(Reject.import_id == self.import_.id).execute()
        if self.plan.loose and "extra" not in self.plan.leaves:
            self.job.log(_("Columns not taken: %(names)s.", names=", ".join(name for _place, name in self.plan.loose)))
        state = self._all()
        self._index()
        report = reports.rejected(self.ctx, self.import_, self.plan, self.staging) if self.counts["rejected"] else None
        values = {"state": state, "rejects_file_id": report}
        if self.dry:
            values["diff_file_id"] = self.diff.keep(self.ctx, self.import_)
        with db.transaction():
            if self.plan.has_cards and state.startswith("completed"):
                files.expire(self.import_.file_id)
            self._save(self.counts, **values)
            self.import_.__data__.update(values | self.counts)
            note(self.ctx, self.import_, state)

    def _all(self) -> str:
        """Go through the documents; the state at the end."""
        while drafts := self._drafts():
            if self.job.canceled():
                return "mapped" if self.dry else "canceled"
            if Import.select(Import.state).where(Import.id == self.import_.id).scalar() == "paused":
                return "paused"
            self._take_in(drafts)
            db.give_back_pages()
        return "validated" if self.dry else "completed_with_errors" if self.counts["rejected"] else "completed"

    def _drafts(self) -> list[Draft]:
        """The next documents; a chunk ends before a key that it has already, which is then an update."""
        found: dict[Any, Draft] = {}
        batch = self.staging.batch(self.position)
        self.keys.look_up(self.plan.keys([row for rows in batch for row in rows if row[1] is not None]))
        for rows in batch:
            draft = Draft(rows[:1]) if rows[0][1] is None else self.plan.draft(rows)
            if rows[0][1] is None:
                text = _(
                    "%(n)s rows have the same key; at most %(most)s may. Is the key right?", n=len(rows), most=MOST_ROWS
                )
                draft.problems = {draft.first_line: [text]}
            names = () if draft.problems else self.resource.key
            key = tuple(draft.document.get(name) for name in names) or draft.first_line
            if key in found:
                break
            found[key] = draft
        return list(found.values())

    def _take_in(self, drafts: Sequence[Draft]) -> None:
        try:
            with db.transaction():
                good = self._within([draft for draft in drafts if not draft.problems])
                outcomes = (
                    self.service.upsert(self.ctx, [draft.document for draft in good], dry_run=self.dry) if good else []
                )
                counts = self._judge(drafts, good, outcomes)
                self._keep(drafts, outcomes)
                self._save(counts, **{} if self.dry else {"position": drafts[-1].first_line})
        except jobs.LeaseLost:
            raise
        except _REFUSALS as refusal:
            # A plugin or the database refused the chunk: one by one, so that only the guilty one stays out.
            if len(drafts) == 1:
                known = isinstance(refusal, MaktabError)
                text = (
                    str(refusal)
                    if known
                    else _("The database refused a value (%(kind)s).", kind=type(refusal).__name__)
                )
                drafts[0].problems = {drafts[0].first_line: [text]}
            for draft in drafts:
                self._take_in([draft])
        else:
            self.counts, self.position = counts, drafts[-1].first_line
            if self.dry:
                self.diff.write(zip(good, outcomes, strict=True))

    def _within(self, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts that the role may import; of the others it is told no more than that."""
        outside = self.scope.outside([draft.document for draft in drafts])
        for draft in compress(drafts, outside):
            draft.problems = {draft.first_line: [_("This record lies outside of what your role may import.")]}
        return [draft for draft in drafts if not draft.problems]

    def _judge(self, drafts: Sequence[Draft], good: Sequence[Draft], outcomes: Sequence[Outcome]) -> dict[str, int]:
        """The counts after this chunk; what the service refused goes to its lines."""
        counts = dict(self.counts)
        for draft, outcome in zip(good, outcomes, strict=True):
            if outcome.ok:
                counts[outcome.status] += 1
            for path, texts in () if outcome.ok else (outcome.errors or {"": [_("Refused.")]}).items():
                for text in texts:
                    self.plan.note(draft, path, str(text))
        counts["rejected"] += sum(bool(draft.problems) for draft in drafts)
        return counts

    def _keep(self, drafts: Sequence[Draft], outcomes: Sequence[Outcome]) -> None:
        """Rejects, and for a rollback the documents before."""
        mine = {"import_id": self.import_.id}
        rejects = [
            mine | {"first_line": draft.first_line, "line": line, "reason": masked(" ".join(texts))[:2000]}
            for draft in drafts
            for line, texts in draft.problems.items()
        ]
        bulk.insert(Reject, rejects)
        made = {one.id or 0: one for one in outcomes if one.status in ("created", "updated")}
        if self.dry:  # the diff must not show what the actor may not reach; what was made is gone again
            self._versions([key for key, one in made.items() if one.status == "updated"])
            return
        if not made:
            return
        versions = self._versions(list(made))
        # A key that comes again in one file: the rollback goes back to before its first time.
        kept = ImportChange.select(ImportChange.record_id).where(ImportChange.import_id == self.import_.id)
        again = {key for (key,) in kept.where(search.among(ImportChange.record_id, list(made))).tuples()}
        rows = {key: mine | {"record_id": key, "version_after": version} for key, version in versions.items()}
        bulk.update(ImportChange, ["import_id", "record_id"], [rows.pop(key) for key in again])
        bulk.insert(ImportChange, [row | {"before": _before(made[key])} for key, row in rows.items()])

    def _versions(self, ids: Sequence[int]) -> dict[Any, int]:
        model, permission = self.resource.model, self.resource.permission("import")
        within = access.rows(self.ctx.actor, permission, self.resource)
        rows: Any = model.select(model.id, model.version).where(
            search.among(model.id, ids), True if within is None else within
        )
        found = dict(rows.tuples())
        if len(found) < len(set(ids)):
            raise Forbidden(permission, _("This record lies outside of what your role may import."))
        return found

    def _save(self, counts: dict[str, int], **values: Any) -> None:
        changed = counts | values | {"total": self.staging.total, "rows": self.staging.rows}
        Import.update(changed).where(Import.id == self.import_.id).execute()
        done = sum(counts.values()) - counts["rejected"]
        self.job.save(done=done, failed=counts["rejected"], total=self.staging.total)

    def _index(self) -> None:
        """Bring the touched records into the search, once, after the rows: a trigram index slows writing sevenfold."""
        last, mine = self.import_.indexed, ImportChange.import_id == self.import_.id
        query: Any = ImportChange.select(ImportChange.id, ImportChange.record_id).order_by(ImportChange.id).limit(500)
        while found := list(query.where(mine, ImportChange.id > last).tuples()):
            last = found[-1][0]
            with db.transaction():
                search.index(self.resource, [record_id for _id, record_id in found])
                self._save(self.counts, indexed=last)
            db.give_back_pages()


def _before(outcome: Outcome) -> dict[str, Any] | None:
    return None if outcome.status == "created" else dict(outcome.before or {})


def run_rollback(run: jobs.JobRun) -> dict[str, Any]:
    """The job `transfer.import_rollback`: newest change first, records and checkpoint in one transaction per chunk."""
    import_ = Import.get_by_id(run.args["import_id"])
    resource = runtime.current().resource(import_.resource)
    access.demand(run.ctx.actor, resource.permission("import"))
    service, loader = service_of(resource), resource.schema(unknown=ma.EXCLUDE)
    last, done, skipped = run.state.get("last", 2**62), run.job.done, run.job.skipped
    query = (
        ImportChange.select().where(ImportChange.import_id == import_.id).order_by(ImportChange.id.desc()).limit(200)
    )
    while found := list(query.where(ImportChange.id < last)):
        run.canceled()  # a rollback is not left half done; this only lets the worker stop
        documents = {row.record_id: None if row.before is None else loader.load(row.before) for row in found}
        with db.transaction():
            outcomes = service.restore(run.ctx, documents, {row.record_id: row.version_after for row in found})
            kept = [outcome.id for outcome in outcomes if outcome.status in ("skipped", "rejected")]
            for record_id in kept[:50]:
                run.log(
                    _(
                        "%(resource)s %(id)s was changed since and is left as it is.",
                        resource=resource.label,
                        id=record_id,
                    )
                )
            last, done, skipped = found[-1].id, done + len(found) - len(kept), skipped + len(kept)
            run.save({"last": last}, done=done, skipped=skipped)
    import_.state = "rolled_back"
    import_.error = _("%(n)s records were changed since and are left as they are.", n=skipped) if skipped else ""
    with db.transaction():
        Import.update(state=import_.state, error=import_.error).where(Import.id == import_.id).execute()
        run.save()
        note(run.ctx, import_, "rolled_back")
    return {"import_id": import_.id, "undone": done, "skipped": skipped}
