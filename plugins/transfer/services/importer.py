"""Commands on imports: upload, mapping, dry run, run, pause, rollback. The work itself is in `intake`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core import access, changes, db, files, jobs, runtime
from core.changes import Change
from core.context import Context
from core.db import utcnow
from core.errors import Conflict, Invalid, NotFound
from core.i18n import N_, _, __
from core.resources import Resource
from plugins.transfer.formats import OPERATORS, ImportFormat, Mapping, fold, known_formats
from plugins.transfer.models import Import, ImportChange, Reject, SavedMapping
from plugins.transfer.reading.shape import leaves

ENCODINGS = ("", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "cp1256")
# Codes of the audit log in words, for the catalogue (core.audit.words).
_LOGGED = (
    N_("Tried"), N_("Started"), N_("Completed"), N_("Completed with errors"), N_("Failed"), N_("Canceled"),
    N_("Paused"), N_("Rollback started"), N_("Rolled back"), N_("Exported"), N_("Import"), N_("Mapping"),
    N_("File name"),
)  # fmt: skip
ENDED = ("completed", "completed_with_errors", "canceled", "failed", "paused")


def upload(ctx: Context, resource: str, file_id: int, file_name: str = "") -> Import:
    """Note a stored file as an import of `resource`; nothing is read yet."""
    declared = runtime.current().resource(resource)
    access.demand(ctx.actor, declared.permission("import"))
    values = {"resource": resource, "file_id": file_id, "file_name": file_name[:255], "user_id": ctx.actor.user_id}
    return Import.create(**values)  # type: ignore[no-any-return]


def set_mapping(ctx: Context, import_: Import, mapping: Mapping, format: str = "") -> None:
    """Keep how the file is to be read; for an import that has taken nothing in yet."""
    check(runtime.current().resource(import_.resource), mapping)
    fresh = Import.state.not_in(["running", "rolled_back"]) & (Import.position == -1)
    values = {"mapping": mapping.to_json(), "format": format, "state": "mapped", "error": ""}
    _move(ctx, import_, fresh, values, _("This import has begun; its mapping cannot change any more."))


def start(
    ctx: Context,
    resource: str,
    file_id: int,
    mapping: Mapping,
    dry_run: bool = False,
    file_name: str = "",
    format: str = "",
) -> Import:
    """Take a stored file into `resource` in a job (`import_.job_id`). `format`: whose `prepare` to use.

    Raises Forbidden without `<resource>.import`, Invalid for a mapping that cannot be.
    """
    with db.transaction():
        import_ = upload(ctx, resource, file_id, file_name)
        set_mapping(ctx, import_, mapping, format)
        return run(ctx, import_, dry_run)


def run(ctx: Context, import_: Import, dry_run: bool = False) -> Import:
    """Start the dry run or the import, or let a paused, failed or canceled one go on from where it stands."""
    values: dict[str, Any] = {"state": "running", "dry_run": dry_run, "error": ""}
    may = Import.state.in_(["mapped", "validated", "paused", "failed", "canceled"])
    with db.transaction():
        if import_.position == -1:
            values |= dict.fromkeys(("created", "updated", "unchanged", "rejected"), 0) | {"rejects_file_id": None}
            Reject.delete().where(Reject.import_id == import_.id).execute()
        may = may & (Import.position == -1) if dry_run else may
        _move(ctx, import_, may, values, _("This import is running or has ended."))
        file = import_.file_name
        title = __("Dry run of %(file)s", file=file) if dry_run else __("Import of %(file)s", file=file)
        _launch(ctx, import_, "transfer.import", "tried" if dry_run else "started", title)
    return import_


def pause(ctx: Context, import_: Import) -> None:
    """Stop after the present chunk; `run` goes on. What is in stays in."""
    running = (Import.state == "running") & ~Import.dry_run
    _move(ctx, import_, running, {"state": "paused"}, _("Only a running import can be paused."))


def rollback(ctx: Context, import_: Import) -> jobs.Job:
    """Undo an ended import in a job: made records go, changed ones are as before, those changed since stay."""
    ended = Import.state.in_(ENDED) & ~Import.dry_run & (Import.position >= 0)
    with db.transaction():
        late = _("Only an import that has ended can be rolled back, and once.")
        _move(ctx, import_, ended, {"state": "running"}, late)
        count = ImportChange.select().where(ImportChange.import_id == import_.id).count()
        title = __("Rollback of %(file)s", file=import_.file_name)
        return _launch(ctx, import_, "transfer.import_rollback", "rollback_started", title, count)


def _launch(ctx: Context, import_: Import, kind: str, action: str, title: Any, total: int | None = None) -> jobs.Job:
    args, permission = {"import_id": import_.id}, f"{import_.resource}.import"
    job = jobs.enqueue(ctx, kind, args, title=title, resource=import_.resource, permission=permission, total=total)
    _move(ctx, import_, Import.state == "running", {"job_id": job.id}, "")
    note(ctx, import_, action)
    return job


def look(imports: Sequence[Import]) -> None:
    """Show as ended those whose job was canceled, or gave up, while nobody worked on it; nothing is written."""
    running = {one.job_id: one for one in imports if one.state == "running"}
    stopped = jobs.Job.status.in_(["failed", "dead", "canceled"])
    for job in jobs.Job.select().where(jobs.Job.id.in_(list(running)), stopped) if running else ():
        import_ = running[job.id]
        import_.state, import_.error = ("canceled" if job.status == "canceled" else "failed"), job.error


def settle(import_: Import) -> None:
    """End such an import, before a command on it."""
    look([import_])
    if import_.state in ("canceled", "failed"):
        still = (Import.state == "running") & (Import.job_id == import_.job_id)
        values = {"state": import_.state, "error": import_.error, "updated_at": utcnow()}
        Import.update(values).where(Import.id == import_.id, still).execute()


def note(ctx: Context, import_: Import, action: str) -> None:
    """Audit entry and event of a command on an import."""
    names = ("resource", "file_name", "dry_run", "state", "created", "updated", "unchanged", "rejected")
    after = {name: getattr(import_, name) for name in names}
    changes.record(ctx, "transfer.import", action, [Change(import_.id, after=after)])


def _move(ctx: Context, import_: Import, allowed: Any, values: dict[str, Any], refusal: str) -> None:
    """Change an import that is still as `allowed` says; Conflict when it is not."""
    access.demand(ctx.actor, f"{import_.resource}.import")
    changed = values | {"updated_at": utcnow()}
    if not Import.update(changed).where(Import.id == import_.id, allowed).execute():
        raise Conflict(refusal)
    import_.__data__.update(changed)


# Mappings.


def check(resource: Resource, mapping: Mapping, headers: Sequence[str] = ()) -> None:
    """Raise Invalid, by column, for a mapping that cannot work (with this header)."""
    known, problems = leaves(resource.schema), _check_writing(mapping)
    given = [*mapping.columns, *(("constants", target) for target in mapping.constants)]
    given += [("rules", rule.get("target", "")) for rule in mapping.rules]
    for place, target in given:
        head, extra, _name = target.partition("extra.")
        if target and target not in known and not (extra and f"{head}extra" in known):
            text = _("%(resource)s have no field %(target)s.", resource=resource.label_plural, target=target)
            problems.setdefault(place, []).append(text)
    if any(
        rule.get("op") not in OPERATORS or not (rule.get("column") and rule.get("target")) for rule in mapping.rules
    ):
        problems["rules"] = [_("A rule names a field, a column and one of %(known)s.", known=", ".join(OPERATORS))]
    missing = sorted(set(resource.key) - {target for _place, target in given})
    if mapping.columns and missing:
        problems["key"] = [
            _(
                "Nothing is mapped to %(names)s, which tells records apart: map a column to it, or give it one value"
                " under “The same for every record”.",
                names=", ".join(missing),
            )
        ]
    keys = mapping.key or [source for source, target in mapping.columns if target in resource.key]
    if headers and keys and not {fold(source) for source in keys} & {fold(name) for name in headers}:
        problems["key"] = [_("The file has none of the columns %(names)s.", names=", ".join(keys))]
    if headers and not mapping.columns:
        problems["columns"] = [_("No column is mapped to a field.")]
    if problems:
        raise Invalid(problems)


def _check_writing(mapping: Mapping) -> dict[str, list[str]]:
    problems = {}
    if mapping.decimal not in ("", ".", ",") or mapping.date_order not in ("", "ymd", "dmy", "mdy"):
        problems["decimal"] = [_("The decimal sign is . or , and the order of dates ymd, dmy or mdy.")]
    if mapping.encoding not in ENCODINGS or mapping.delimiter not in ("", ",", ";", "\t", "|"):
        problems["encoding"] = [_("Encodings are %(known)s; separators , ; tab and |.", known=", ".join(ENCODINGS[1:]))]
    try:
        ZoneInfo(mapping.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problems["timezone"] = [_("%(zone)s is no time zone that we know.", zone=mapping.timezone)]
    return problems


def find_mapping(resource: str, name: str) -> tuple[Mapping, str]:
    """(mapping, format name) by the name of a saved mapping, else of a format. Raises Invalid."""
    saved = SavedMapping.get_or_none(SavedMapping.resource == resource, SavedMapping.name == name)
    if saved is not None:
        return Mapping.from_json(saved.mapping), ""
    found = format_named(name)
    if found is None or found.resource != resource:
        raise Invalid({"mapping": [_("There is no mapping %(name)s for %(resource)s.", name=name, resource=resource)]})
    return found.mapping, found.name


def format_named(name: str) -> ImportFormat | None:
    return next((known for known in known_formats() if known.name == name), None)


def save_mapping(ctx: Context, resource: str, name: str, mapping: Mapping) -> SavedMapping:
    """Keep `mapping` under `name`, over an earlier one of that name."""
    declared = runtime.current().resource(resource)
    access.demand(ctx.actor, declared.permission("import"))
    check(declared, mapping)
    if not name.strip() or len(name) > 100:
        raise Invalid({"save_as": [_("Give the mapping a name of at most 100 letters.")]})
    with db.transaction():
        saved = SavedMapping.get_or_none(SavedMapping.resource == resource, SavedMapping.name == name.strip())
        before = {"mapping": saved.mapping} if saved else {}
        saved = saved or SavedMapping(resource=resource, name=name.strip(), version=0)
        saved.mapping, saved.updated_at, saved.version = mapping.to_json(), utcnow(), saved.version + 1
        saved.save()
        changed = Change(saved.id, before, {"resource": resource, "name": saved.name, "mapping": saved.mapping})
        changes.record(ctx, "transfer.mapping", "updated" if before else "created", [changed])
    return saved  # type: ignore[no-any-return]


def scratch() -> Path:
    """This machine's folder for what can be made again."""
    folder = runtime.current().settings.data_dir / "scratch"
    folder.mkdir(exist_ok=True)
    return folder


def scratch_of(key: str) -> Path:
    """The folder of a stored file on this machine.

    Not named by the import: the number of one that was refused and rolled back is given again, to another file.
    """
    return runtime.current().settings.data_dir / "scratch" / f"import-{key}"


def clear(import_: Import) -> None:
    """Leave nothing of its file in the scratch folder of this machine."""
    file = files.StoredFile.get_or_none(files.StoredFile.id == import_.file_id)
    if file is not None:
        shutil.rmtree(scratch_of(file.key), ignore_errors=True)


def local_copy(import_: Import) -> Path:
    """The uploaded file as a file of this machine."""
    file = files.StoredFile.get_or_none(files.StoredFile.id == import_.file_id)
    if file is None:
        raise NotFound(_("There is no such file, or it has expired."))
    folder = scratch_of(file.key)
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source"
    if not source.exists():
        with files.open_file(file.id) as stored, tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
            shutil.copyfileobj(stored, part)
        Path(part.name).replace(source)
    return source
