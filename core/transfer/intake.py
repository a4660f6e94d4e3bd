"""The jobs of imports: stage, then document by document into the resource, exactly once whoever is killed when."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import marshmallow as ma
import peewee

from core import access, db, files, jobs, runtime
from core.context import Context
from core.db import search
from core.errors import Forbidden, MaktabError, ReadOnly
from core.i18n import _
from core.resources import Outcome, Resource, service_of
from core.transfer import readers, values
from core.transfer.dialect import FileRefused, sniff
from core.transfer.formats import Dialect, Mapping
from core.transfer.importer import check, format_named, local_copy, note, scratch_of
from core.transfer.mapping import REASON_COLUMNS, Draft, Plan
from core.transfer.models import Import, ImportChange, Reject
from core.transfer.staging import MOST_ROWS, Staging, staged

_COUNTS = ("created", "updated", "unchanged", "rejected")
_REFUSALS = (MaktabError, peewee.IntegrityError, peewee.DataError, OverflowError, ValueError)
_SCRATCH_DAYS = 2
_NUMBER = re.compile(r"[-+]?[\d.,]*")


def run_import(run: jobs.JobRun) -> dict[str, Any]:
    """The job `core.import`: a dry run or the import itself, from its checkpoint on."""
    import_ = Import.get_by_id(run.args["import_id"])
    ctx = run.ctx.coming_from("import")
    resource = runtime.current().resource(import_.resource)
    access.demand(ctx.actor, resource.permission("import"))
    try:
        with _opened(import_, resource) as (plan, staging):
            import_.total, import_.rows = staging.total, staging.rows
            work = _Rehearsal if import_.dry_run else _Intake
            work(run, ctx, import_, resource, plan, staging).run()
    except FileRefused as refusal:
        Import.update(state="failed", error=str(refusal)).where(Import.id == import_.id).execute()
        raise
    if not import_.dry_run and import_.state != "paused":
        shutil.rmtree(scratch_of(import_), ignore_errors=True)
    return {"import_id": import_.id, "file_id": import_.rejects_file_id} | {name: getattr(import_, name) for name in _COUNTS}


@contextmanager
def _opened(import_: Import, resource: Resource) -> Iterator[tuple[Plan, Staging]]:
    """The file of `import_`, staged in this worker's scratch folder, with the plan of its mapping."""
    source, mapping = local_copy(import_), Mapping.from_json(import_.mapping)
    folder = source.parent
    for old in folder.parent.iterdir():
        if old.stat().st_mtime < time.time() - _SCRATCH_DAYS * 86_400:
            shutil.rmtree(old, ignore_errors=True)
    plan, rows = planned(source, resource, mapping, import_.format)
    stamp = hashlib.sha256(json.dumps([import_.mapping, import_.format]).encode()).hexdigest()[:16]
    with staged(folder / f"{stamp}.db", rows, plan) as staging:
        yield plan, staging


def planned(source: Path, resource: Resource, mapping: Mapping, format: str) -> tuple[Plan, Any]:
    """The plan for a file and its rows, not read yet."""
    seen = sniff(source)
    dialect = Dialect(seen.kind, mapping.encoding or seen.encoding, mapping.delimiter or seen.delimiter, seen.packed)
    headers: list[str] = []
    if dialect.kind == "jsonl" and not mapping.columns:
        rows: Any = readers.documents(source, dialect)
    else:
        headers, rows = readers.read(source, dialect)
    check(resource, mapping, headers)
    known, settings = format_named(format), runtime.current().settings
    return Plan(resource, mapping, headers, known.prepare if known else None, (settings.currency, settings.timezone)), rows


class _Work:
    """What a dry run and an import share: the way through the staged documents."""

    def __init__(self, run: jobs.JobRun, ctx: Context, import_: Import, resource: Resource, plan: Plan, staging: Staging) -> None:
        self.run_, self.ctx, self.import_, self.resource, self.plan, self.staging = run, ctx, import_, resource, plan, staging
        self.service = service_of(resource)

    def drafts(self, after: int) -> list[Draft]:
        """The next documents; a chunk ends before a key that it has already, which is then an update."""
        found: list[Draft] = []
        keys: set[Any] = set()
        for rows in self.staging.batch(after):
            draft = self._draft(rows)
            names = () if draft.problems else self.resource.key
            key = tuple(draft.document.get(name) for name in names) or draft.first_line
            if key in keys:
                break
            keys.add(key)
            found.append(draft)
        return found

    def _draft(self, rows: Sequence[Any]) -> Draft:
        if rows[0][1] is not None:
            return self.plan.draft(rows)
        text = _("%(n)d rows have the same key; one document may have %(most)d. Is the key right?", n=len(rows), most=MOST_ROWS)
        return Draft(rows[:1], problems={rows[0][0]: [text]})

    def judge(self, drafts: Sequence[Draft], outcomes: Sequence[Outcome]) -> list[tuple[Draft, Outcome]]:
        """Written documents with what became of them; refusals of the service go to their lines."""
        good = [draft for draft in drafts if not draft.problems]
        for draft, outcome in zip(good, outcomes, strict=True):
            for path, texts in (outcome.errors if not outcome.ok else {}).items():
                for text in texts or [""]:
                    self.plan.note(draft, path, str(text))
        return list(zip(good, outcomes, strict=True))

    def counts(self, drafts: Sequence[Draft], pairs: Sequence[tuple[Draft, Outcome]]) -> dict[str, int]:
        found = {name: sum(outcome.status == name for _draft, outcome in pairs) for name in _COUNTS}
        found["rejected"] = sum(bool(draft.problems) for draft in drafts)
        return {name: getattr(self.import_, name) + count for name, count in found.items()}

    def keep_rejects(self, drafts: Sequence[Draft]) -> None:
        rows = [
            {"import_id": self.import_.id, "first_line": draft.first_line, "line": line, "reason": " ".join(texts)[:2000]}
            for draft in drafts for line, texts in draft.problems.items()
        ]  # fmt: skip
        for start in range(0, len(rows), 500):
            Reject.insert_many(rows[start : start + 500]).execute()

    def save(self, counts: dict[str, int], **values: Any) -> None:
        done = sum(counts.values()) - counts["rejected"]
        changed = counts | values | {"total": self.staging.total, "rows": self.staging.rows}
        Import.update(changed).where(Import.id == self.import_.id).execute()
        self.run_.save(done=done, failed=counts["rejected"], total=self.staging.total)

    def finish(self, state: str, **values: Any) -> None:
        """The end: rejected documents back as a file, state, audit."""
        has_rejects = Reject.select().where(Reject.import_id == self.import_.id).exists()
        kept = _rejects_file(self.ctx, self.import_, self.plan, self.staging) if has_rejects else None
        self.import_.__data__.update({"state": state, "rejects_file_id": kept} | values)
        with db.transaction():
            self.save({name: getattr(self.import_, name) for name in _COUNTS}, state=state, rejects_file_id=kept, **values)
            note(self.ctx, self.import_, state)


class _Intake(_Work):
    """The import itself. Documents, checkpoint, rejects and what a rollback needs are one transaction per chunk."""

    def run(self) -> None:
        while drafts := self.drafts(self.import_.position):
            if self.run_.canceled():
                return self._stop("canceled")
            if Import.select(Import.state).where(Import.id == self.import_.id).scalar() == "paused":
                return self._stop("paused")
            self._take_in(drafts)
        self._index()
        self.finish("completed_with_errors" if self.import_.rejected else "completed")

    def _stop(self, state: str) -> None:
        self._index()
        self.finish(state)

    def _take_in(self, drafts: Sequence[Draft]) -> None:
        try:
            with db.transaction():
                counts, position = self._write(drafts), drafts[-1].first_line
                self.save(counts, position=position)
        except (jobs.LeaseLost, ReadOnly):
            raise
        except _REFUSALS as refusal:
            # The database or a plugin refused the chunk: one by one, so that only the guilty one stays out.
            if len(drafts) == 1:
                drafts[0].problems = {drafts[0].first_line: [_reason(refusal)]}
            for draft in drafts:
                self._take_in([draft])
        else:
            self.import_.__data__.update(counts | {"position": position})

    def _write(self, drafts: Sequence[Draft]) -> dict[str, int]:
        documents = [draft.document for draft in drafts if not draft.problems]
        pairs = self.judge(drafts, self.service.upsert(self.ctx, documents) if documents else [])
        changed = [outcome for _draft, outcome in pairs if outcome.status in ("created", "updated")]
        if changed:
            self._keep_changes(changed)
        self.keep_rejects(drafts)
        return self.counts(drafts, pairs)

    def _keep_changes(self, outcomes: Sequence[Outcome]) -> None:
        model, ids = self.resource.model, [outcome.id for outcome in outcomes]
        versions = dict(model.select(model.id, model.version).where(model.id.in_(ids)).tuples())
        within = access.rows(self.ctx.actor, self.resource.permission("import"), self.resource)
        if within is not None and model.select().where(model.id.in_(ids), within).count() < len(set(ids)):
            raise Forbidden(self.resource.permission("import"), _("This record lies outside of what your role may import."))
        rows = [
            {"import_id": self.import_.id, "record_id": outcome.id, "version_after": versions[outcome.id],
             "before": None if outcome.status == "created" else dict(outcome.before or {})}
            for outcome in outcomes
        ]  # fmt: skip
        # A key that comes again in one file: the rollback goes back to before its first time.
        ImportChange.insert_many(rows).on_conflict(
            conflict_target=[ImportChange.import_id, ImportChange.record_id],
            update={ImportChange.version_after: peewee.EXCLUDED.version_after},
        ).execute()

    def _index(self) -> None:
        """Bring the touched records into the search, once, after the rows: a trigram index slows writing sevenfold."""
        mine = ImportChange.import_id == self.import_.id
        query = ImportChange.select(ImportChange.id, ImportChange.record_id).order_by(ImportChange.id).limit(500)
        while found := list(query.where(mine, ImportChange.id > self.import_.indexed).tuples()):
            with db.transaction():
                search.index(self.resource, [record_id for _id, record_id in found])
                self.save({name: getattr(self.import_, name) for name in _COUNTS}, indexed=found[-1][0])
            self.import_.indexed = found[-1][0]


class _Rehearsal(_Work):
    """The dry run: the same road without a write; a killed one starts again."""

    def run(self) -> None:
        Reject.delete().where(Reject.import_id == self.import_.id).execute()
        self.import_.__data__.update(dict.fromkeys(_COUNTS, 0))
        position = -1
        with tempfile.TemporaryFile() as out:
            text = TextIOWrapper(out, "utf-8-sig", newline="")
            diff = csv.writer(text)
            diff.writerow(["line", *self.resource.key, "result", "field", "before", "after"])
            while drafts := self.drafts(position):
                if self.run_.canceled():
                    return self.finish("mapped")
                self._try(drafts, diff)
                position = drafts[-1].first_line
            text.flush()
            out.seek(0)
            kept = files.store(self.ctx, out, f"{self.import_.file_name or 'import'}.changes.csv", "text/csv")
        self.finish("validated", diff_file_id=kept.id)

    def _try(self, drafts: Sequence[Draft], diff: Any) -> None:
        documents = [draft.document for draft in drafts if not draft.problems]
        pairs = self.judge(drafts, self.service.upsert(self.ctx, documents, dry_run=True) if documents else [])
        for draft, outcome in pairs:
            key = [values.escape(str(draft.document.get(name, ""))) for name in self.resource.key]
            for path, before, after in _differences(outcome) if outcome.status == "updated" else [("", "", "")]:
                if outcome.status in ("created", "updated"):
                    diff.writerow([draft.first_line, *key, outcome.status, path, values.escape(before), values.escape(after)])
        counts = self.counts(drafts, pairs)
        with db.transaction():
            self.keep_rejects(drafts)
            self.save(counts)
        self.import_.__data__.update(counts)


def _reason(refusal: Exception) -> str:
    if isinstance(refusal, MaktabError):
        return str(refusal)
    return _("The database refused this record (%(kind)s): a value may be too long, too large or taken.", kind=type(refusal).__name__)


def _differences(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    for name, after in (outcome.after or {}).items():
        yield from _compared(name, (outcome.before or {}).get(name), after)


def _compared(path: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(before, list | dict) and isinstance(after, list | dict) and isinstance(before, list) == isinstance(after, list):
        old, new = (dict(enumerate(part)) if isinstance(part, list) else part for part in (before, after))
        for name in dict.fromkeys([*old, *new]):
            yield from _compared(f"{path}.{name}", old.get(name), new.get(name))
    elif before != after:
        yield path, *("" if value is None else value if isinstance(value, str) else json.dumps(value, default=str) for value in (before, after))


def _rejects_file(ctx: Context, import_: Import, plan: Plan, staging: Staging) -> int:
    """All lines of each rejected document as they came, with the reason on the line at fault; can be imported again."""
    mine = Reject.import_id == import_.id
    with tempfile.TemporaryFile() as out:
        text = TextIOWrapper(out, "utf-8" if plan.is_nested else "utf-8-sig", "replace", newline="")
        sheet = csv.writer(text)
        if not plan.is_nested:
            ours = [name.startswith("maktab: ") for name in plan.headers]
            sheet.writerow([*(name for name, mine in zip(plan.headers, ours, strict=True) if not mine), *REASON_COLUMNS])
        last = -1
        while firsts := [first for (first,) in Reject.select(Reject.first_line).where(mine, Reject.first_line > last).distinct().order_by(Reject.first_line).limit(500).tuples()]:
            reasons: dict[int, str] = dict(Reject.select(Reject.line, Reject.reason).where(mine, Reject.first_line.in_(firsts)).tuples())
            for first in firsts:
                for line, row in staging.all_rows(first):
                    if plan.is_nested:
                        text.write(json.dumps(row | {"maktab: problem": reasons.get(line, "")}, ensure_ascii=False) + "\n")
                        continue
                    row += [""] * (len(plan.headers) - len(row))
                    cells = [cell if cell is None or _NUMBER.fullmatch(cell) else values.escape(cell) for cell in row]
                    kept = [cell for place, cell in enumerate(cells) if not (place < len(ours) and ours[place])]
                    sheet.writerow([*kept, line, values.escape(reasons.get(line, ""))])
            last = firsts[-1]
        text.flush()
        out.seek(0)
        name = f"{Path(import_.file_name or 'import').stem}.rejected.{'jsonl' if plan.is_nested else 'csv'}"
        return int(files.store(ctx, out, name).id)


def run_rollback(run: jobs.JobRun) -> dict[str, Any]:
    """The job `core.import_rollback`: newest change first, records and checkpoint in one transaction per chunk."""
    import_ = Import.get_by_id(run.args["import_id"])
    ctx = run.ctx
    resource = runtime.current().resource(import_.resource)
    access.demand(ctx.actor, resource.permission("import"))
    service, loader = service_of(resource), resource.schema(unknown=ma.EXCLUDE)
    last, done, skipped = run.state.get("last", 2**62), run.job.done, run.job.skipped
    query = ImportChange.select().where(ImportChange.import_id == import_.id).order_by(ImportChange.id.desc()).limit(200)
    while found := list(query.where(ImportChange.id < last)):
        run.canceled()  # a rollback is not left half done; this only lets the worker stop
        documents = {row.record_id: None if row.before is None else loader.load(row.before) for row in found}
        with db.transaction():
            outcomes = service.restore(ctx, documents, {row.record_id: row.version_after for row in found})
            kept = [outcome for outcome in outcomes if outcome.status in ("skipped", "rejected")]
            for outcome in kept[:50]:
                run.log(_("%(resource)s %(id)s was changed since and is left as it is.", resource=resource.label, id=outcome.id))
            last, done, skipped = found[-1].id, done + len(found) - len(kept), skipped + len(kept)
            run.save({"last": last}, done=done, skipped=skipped)
    error = _("%(n)d records were changed since and are left as they are.", n=skipped) if skipped else ""
    with db.transaction():
        import_.state, import_.error = "rolled_back", error
        Import.update(state="rolled_back", error=error).where(Import.id == import_.id).execute()
        run.save()
        note(ctx, import_, "rolled_back")
    return {"import_id": import_.id, "undone": done, "skipped": skipped}
