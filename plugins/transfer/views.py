"""Pages of imports and exports: upload, mapping, dry run, result; what to export."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping as Map
from dataclasses import replace
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import flask
from flask_admin import expose

from core import files, runtime
from core.access import SIGNED_IN, demand, rows
from core.context import Actor
from core.errors import Invalid, MaktabError, NotFound
from core.i18n import _, __
from core.resources import Badge, ListState, Resource, Selection, query
from core.web import confirm
from core.web.base import AdminView, context
from plugins.transfer.formats import OPERATORS, Mapping, Preview, known_formats
from plugins.transfer.models import Import, Reject, SavedMapping
from plugins.transfer.reading import recognition
from plugins.transfer.reading.dialect import FileRefused
from plugins.transfer.reading.shape import parts
from plugins.transfer.services import exporter, importer, reports
from plugins.transfer.services.listing import chosen

STATES = {
    "uploaded": Badge(__("Uploaded"), "neutral", "empty"), "mapped": Badge(__("Mapped"), "neutral", "half"),
    "validated": Badge(__("Checked"), "info", "empty"), "running": Badge(__("Running"), "info", "half"),
    "paused": Badge(__("Paused"), "warn", "half"), "completed": Badge(__("Done"), "ok", "full"),
    "completed_with_errors": Badge(__("Part failed"), "warn", "half"), "failed": Badge(__("Failed"), "bad"),
    "canceled": Badge(__("Canceled")), "rolled_back": Badge(__("Rolled back"), "alt", "full"),
}  # fmt: skip
ENCODINGS = {
    "utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "latin-1": "ISO 8859-1", "cp1256": "Windows-1256",
}  # fmt: skip
LEAVE_OUT, RULE_PARTS = "-", ("target", "column", "op", "value", "then", "else")
_PAGE, _SPARE = 50, 2


class TransferView(AdminView):
    """`/admin/imports/`: everybody sees the imports of what he may import, a role with row scopes its own."""

    permission = SIGNED_IN

    def __init__(self) -> None:
        super().__init__(name=__("Imports"), endpoint="transfer", url="/admin/imports")

    @expose("/")
    def index_view(self) -> Any:
        allowed, before = importable(context().actor), max(flask.request.args.get("before", 0, type=int), 0)
        newest = Import.select().where(_visible(allowed)).order_by(Import.id.desc()).limit(_PAGE + 1)
        found = list(newest.where(Import.id < before) if before else newest) if allowed else []
        more = found[_PAGE - 1].id if len(found) > _PAGE else None
        importer.look(found)
        values = {"imports": found[:_PAGE], "resources": allowed, "states": STATES, "more": more, "before": before}
        return self.render("transfer/list.html", **values)

    @expose("/new", methods=["GET", "POST"])
    def upload_view(self) -> Any:
        allowed, errors = importable(context().actor), {}
        name = flask.request.values.get("resource", next(iter(allowed), ""))
        if flask.request.method == "POST":
            try:
                return flask.redirect(flask.url_for(".mapping_view", import_id=_upload(allowed, name).id))
            except Invalid as problem:
                errors = problem.errors
        page = self.render("transfer/upload.html", resources=allowed, chosen=name, errors=errors)
        return page, 422 if errors else 200

    @expose("/<int:import_id>/mapping", methods=["GET", "POST"])
    def mapping_view(self, import_id: int) -> Any:
        import_, form = _import(import_id), flask.request.form
        resource = runtime.current().resource(import_.resource)
        try:
            preview = recognition.inspect(importer.local_copy(import_), import_.resource)
        except FileRefused as refusal:
            importer.clear(import_)
            return self._result(import_, str(refusal))
        if import_.mapping:
            mapping, format = Mapping.from_json(import_.mapping), import_.format
        else:
            mapping, format = recognition.suggest(resource, preview)
        errors: Map[str, Any] = {}
        if form:
            try:
                mapping, format = _from_form(form, resource, preview, mapping, format)
                if form.get("do") != "show":
                    return flask.redirect(_keep(import_, resource, mapping, format, preview))
            except Invalid as problem:
                errors = problem.errors
        values = _mapping_page(resource, preview, mapping) | {"format": importer.format_named(format)}
        page = self.render("transfer/mapping.html", import_=import_, errors=errors, **values)
        return page, 422 if errors else 200

    @expose("/<int:import_id>")
    def result_view(self, import_id: int) -> Any:
        return self._result(_import(import_id))

    def _result(self, import_: Import, problem: str = "") -> Any:
        resource = runtime.current().resource(import_.resource)
        rejects = list(Reject.select().where(Reject.import_id == import_.id).order_by(Reject.line).limit(_PAGE))
        values = {"badge": STATES[import_.state], "rejects": rejects, "diff": _diff_sample(import_)}
        shown = problem or import_.error
        return self.render("transfer/result.html", import_=import_, resource=resource, problem=shown, **values)

    @expose("/<int:import_id>/<any(try_out,run,pause,rollback):verb>", methods=["POST"])
    def command(self, import_id: int, verb: str) -> Any:
        import_, ctx = _import(import_id), context()
        if verb == "rollback" and (asked := confirm.first(_before_rollback(import_))):
            return asked
        act: Any = {"run": importer.run, "pause": importer.pause, "rollback": importer.rollback}.get(verb)
        try:
            act(ctx, import_) if act else importer.run(ctx, import_, dry_run=True)
        except MaktabError as late:
            flask.flash(str(late), "warn")
        if verb == "pause" or import_.state != "running":
            return flask.redirect(flask.url_for(".result_view", import_id=import_id))
        return flask.redirect(flask.url_for("core_jobs.details_view", job_id=import_.job_id))

    @expose("/<int:import_id>/<any(rejects,diff):which>")
    def download(self, import_id: int, which: str) -> Any:
        """Rejected rows, or the changes that a dry run saw; for whoever may import this resource."""
        file = files.StoredFile.get_or_none(files.StoredFile.id == getattr(_import(import_id), f"{which}_file_id"))
        if file is None:
            raise NotFound(_("There is no such file, or it has expired."))
        stream = files.open_file(file.id)
        return flask.send_file(stream, "application/octet-stream", as_attachment=True, download_name=file.name)

    @expose("/mappings/<int:mapping_id>.json")
    def mapping_file(self, mapping_id: int) -> Any:
        saved = SavedMapping.get_or_none(SavedMapping.id == mapping_id)
        if saved is None or saved.resource not in importable(context().actor):
            raise NotFound(_("There is no such mapping."))
        answer = flask.make_response(json.dumps(saved.mapping, ensure_ascii=False, indent=1))
        answer.headers["Content-Disposition"] = f'attachment; filename="mapping-{saved.id}.json"'
        return answer

    @expose("/export", methods=["GET", "POST"])
    def export_view(self) -> Any:
        args = flask.request.values
        resource = runtime.current().resource(args.get("resource", ""))
        demand(context().actor, resource.permission("export"))
        state, columns = ListState.of(resource, args), list(filter(None, args.get("columns", "").split(",")))
        if flask.request.method == "GET":
            count = query.count(context(), resource, state, verb="export")
            on_screen = chosen(resource, columns) if columns else ()
            return self.render("transfer/export.html", resource=resource, state=state, count=count, columns=on_screen)
        if _is_personal(resource) and (asked := confirm.first(_before_export(resource))):
            return asked
        which = Selection(resource.name, everything=True, filters=dict(state.filters), search=state.search)
        format = args.get("format", "csv")
        if format == "screen":
            job = exporter.start_export(context(), resource, which, "list", columns)
        else:
            job = exporter.start_export(context(), resource, which, format)
        return flask.redirect(flask.url_for("core_jobs.details_view", job_id=job.id))


def views() -> list[AdminView]:
    return [TransferView()]


def importable(actor: Actor) -> dict[str, Resource]:
    """{name: resource} of what `actor` may import."""
    found = [one for one in runtime.current().resources.values() if one.can_import and one.key]
    return {one.name: one for one in found if actor.can(one.permission("import"))}


def _visible(allowed: Map[str, Resource]) -> Any:
    """The imports of these resources; of one that the role reaches only in part, his own: rejects show any row."""
    actor = context().actor
    narrowed = [name for name, one in allowed.items() if rows(actor, one.permission("import"), one) is not None]
    return Import.resource.in_(list(allowed)) & (Import.resource.not_in(narrowed) | (Import.user_id == actor.user_id))


def _import(import_id: int) -> Import:
    import_ = Import.get_or_none(Import.id == import_id, _visible(importable(context().actor)))
    if import_ is None:
        raise NotFound(_("There is no such import."))
    if flask.request.method == "POST":
        importer.settle(import_)
    importer.look([import_])  # a page that is looked at writes nothing
    return import_  # type: ignore[no-any-return]


def _is_personal(resource: Resource) -> bool:
    """True when its plugin says that its table holds personal data; and for core's own records."""
    plugin = runtime.current().plugins.get(resource.plugin)
    return plugin is None or resource.model._meta.table_name in plugin.data.get("personal", ())


def _before_export(resource: Resource) -> confirm.Question:
    return confirm.Question(
        resource.permission("export"),
        _("Export personal data?"),
        _("Export %(list)s", list=resource.label_plural),
        level="reauth",
        text=_("The file holds personal data. Who exported it, when and how many records is noted in the audit log."),
        back=f"/admin/{resource.slug}/",
    )


def _before_rollback(import_: Import) -> confirm.Question:
    name = import_.file_name or import_.id
    return confirm.Question(
        "transfer.rollback",
        _("Roll back the import of %(file)s?", file=name),
        _("Roll back %(made)s new and %(changed)s changed", made=import_.created, changed=import_.updated),
        text=_(
            "Deletes what this import made (%(made)s) and puts back what it changed (%(changed)s). "
            "Records that were changed since are left alone.", made=import_.created, changed=import_.updated,
        ),
        danger=True,
        back=flask.url_for(".result_view", import_id=import_.id),
    )  # fmt: skip


def _upload(allowed: Map[str, Resource], name: str) -> Import:
    given = flask.request.files.get("file")
    if name not in allowed:
        raise Invalid({"resource": [_("Choose what the file holds.")]})
    if given is None or not given.filename:
        raise Invalid({"file": [_("Choose a file.")]})
    with NamedTemporaryFile(dir=importer.scratch()) as copy:
        shutil.copyfileobj(given.stream, copy)
        copy.flush()
        try:
            recognition.inspect(Path(copy.name), name)
        except FileRefused as refusal:
            raise Invalid({"file": [str(refusal)]}) from None
        copy.seek(0)
        stored = files.store(context(), copy, given.filename, expires_at=reports.expiry())  # type: ignore[arg-type]
    return importer.upload(context(), name, stored.id, stored.name)


def _from_form(
    form: Map[str, str], resource: Resource, preview: Preview, present: Mapping, format: str
) -> tuple[Mapping, str]:
    """The mapping that the page says; a chosen preset or a mapping file takes the place of the whole."""
    given = flask.request.files.get("mapping_file")
    if given is not None and given.filename:
        try:
            return Mapping.from_json(json.loads(given.read(1 << 20))), ""
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise Invalid({"mapping_file": [_("This is no mapping file.")]}) from None
    if form.get("preset"):
        return importer.find_mapping(resource.name, form["preset"])
    columns = [(name, form.get(f"t{place}", "")) for place, name in enumerate(preview.headers_for(present))]
    columns = [(name, "" if target == LEAVE_OUT else target) for name, target in columns if target]
    constants = {form[f"c{i}"]: form.get(f"v{i}", "") for i in range(50) if form.get(f"c{i}")}
    rules = [
        {name: text for name in RULE_PARTS if (text := form.get(f"r{place}_{name}", "")) or name != "else"}
        for place in range(50)
        if form.get(f"r{place}_target")
    ]
    key = tuple(part.strip() for part in form.get("key", "").split(",") if part.strip())
    texts = ("timezone", "decimal", "date_order", "encoding", "delimiter")
    plain: dict[str, Any] = {name: form.get(name, "").replace("tab", "\t") for name in texts}
    return replace(present, columns=columns, constants=constants, rules=rules, key=key, **plain), format


def _keep(import_: Import, resource: Resource, mapping: Mapping, format: str, preview: Preview) -> str:
    """Save, start the dry run, and where to go then."""
    form, ctx = flask.request.form, context()
    importer.check(resource, mapping, preview.headers_for(mapping))
    importer.set_mapping(ctx, import_, mapping, format)
    if form.get("save_as"):
        importer.save_mapping(ctx, resource.name, form["save_as"], mapping)
    if form.get("do") == "save":
        return flask.url_for(".result_view", import_id=import_.id)
    importer.run(ctx, import_, dry_run=form.get("do") != "run")
    return flask.url_for("core_jobs.details_view", job_id=import_.job_id)


def _mapping_page(resource: Resource, preview: Preview, mapping: Mapping) -> dict[str, Any]:
    columns = []
    for place, name in enumerate(preview.headers_for(mapping)):
        samples = [row[place] for row in preview.sample[:6] if place < len(row) and row[place]]
        target = mapping.target(name)
        columns.append({"name": name, "target": LEAVE_OUT if target == "" else target or "", "samples": samples[:3]})
    targets = parts(resource.schema, resource.label)
    saved = list(SavedMapping.select().where(SavedMapping.resource == resource.name).order_by(SavedMapping.name))
    formats = [one for one in known_formats() if one.resource == resource.name]
    known = {path for some in targets.values() for path, _text in some}
    return {
        "resource": resource, "preview": preview, "mapping": mapping, "columns": columns, "saved": saved,
        "targets": targets, "known": known,
        "presets": [(one.name, one.title) for one in formats] + [(one.name, one.name) for one in saved],
        "constants": [*mapping.constants.items(), *[("", "")] * _SPARE], "keeps_extra": "extra" in known,
        "rules": [*mapping.rules, *[dict.fromkeys(RULE_PARTS, "")] * _SPARE],
        "encodings": ENCODINGS.items(), "operators": OPERATORS.items(), "leave_out": LEAVE_OUT,
    }  # fmt: skip


def _diff_sample(import_: Import) -> list[list[str]]:
    """The first changes that the dry run saw."""
    file = files.StoredFile.get_or_none(files.StoredFile.id == import_.diff_file_id)
    if file is None or import_.state not in ("validated", "mapped"):
        return []
    with files.open_file(import_.diff_file_id) as stream:
        return list(islice(csv.reader(TextIOWrapper(stream, "utf-8-sig", newline="")), 31))
