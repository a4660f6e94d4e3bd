"""The audit log as a read-only resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma

from core import links, runtime
from core.audit import words
from core.audit.models import Entry
from core.auth.models import User
from core.builtin import audit_checks
from core.builtin import plugin_health as health
from core.context import Context
from core.db import steps
from core.i18n import __
from core.resources import query
from core.resources.declaration import Column, Filter, Resource, Section
from core.resources.fields import Utc, schema_fields
from core.web import changed, pickers

_STATES = {"state", "status"}


class EntrySchema(ma.Schema):
    """One entry without its before and after, which may hold personal data."""

    id = ma.fields.Integer(dump_only=True)
    at = Utc(dump_only=True)
    actor_id = ma.fields.Integer(dump_only=True)
    on_behalf_of = ma.fields.String(dump_only=True)
    action = ma.fields.String(dump_only=True)
    resource = ma.fields.String(dump_only=True)
    record_id = ma.fields.Integer(dump_only=True)
    source = ma.fields.String(dump_only=True)
    ip = ma.fields.String(dump_only=True)
    session_id = ma.fields.Integer(dump_only=True)
    request_id = ma.fields.String(dump_only=True)
    reason = ma.fields.String(dump_only=True)
    digest = ma.fields.String(dump_only=True)
    seq = ma.fields.Integer(dump_only=True)
    hash = ma.fields.String(dump_only=True)


def _join(entries: Sequence[Any], ctx: Context) -> None:
    """Puts the names of users and records beside the entries: a statement, and one for each kind of record."""
    users = {user.id: str(user) for user in User.select().where(User.id.in_({entry.actor_id for entry in entries}))}
    titles: dict[str, dict[int, str]] = {}
    for name in {entry.resource for entry in entries} & set(runtime.current().resources):
        ids = [entry.record_id for entry in entries if entry.resource == name]
        titles[name] = query.titles(ctx, runtime.current().resource(name), ids)
    titles["core.plugin"] = health.titles_of([entry.record_id for entry in entries if entry.resource == "core.plugin"])
    for entry in entries:
        entry.actor = words.actor(entry.actor_id, users.get(entry.actor_id))
        entry.record = titles.get(entry.resource, {}).get(entry.record_id)


def _record(entry: Any) -> str:
    """The title of the record that the entry tells of, or only its number: it is gone, or not for these eyes."""
    return entry.record or (str(entry.record_id) if entry.record_id else "")


def _title(entry: Any) -> str:
    what = f"{words.kind(entry.resource)} {_record(entry)}".rstrip()
    return f"{what} · {words.action(entry.resource, entry.action)}"


def _link(entry: Any) -> str | None:
    return links.to(entry.resource, entry.record_id) if entry.record else None


def _labels(ctx: Context, entry: Any) -> dict[str, Any]:
    """Labels of the fields. Without the currency beside it money stays under its code: the log keeps minor units."""
    declared, changes = runtime.current().resources.get(entry.resource), entry.changes or {}
    infos = schema_fields(declared.schema) if declared else []
    labels = {info.path: info.label for info in infos if info.kind != "money"}
    currency = next(filter(None, changes.get("currency", ())), "")
    if declared and currency:
        labels |= {column.name: column.label for column in declared.columns if column.kind == "money"}
    if declared is None:
        labels, changes = _undeclared(entry.resource, changes)
    names = pickers.names(ctx, declared, (), (), changed.named(declared, [changes])) if declared else {}
    now = declared.model.get_or_none(declared.model.id == entry.record_id) if declared and declared.said else None
    found = {"labels": labels, "declared": declared, "currency": currency, "names": names}
    return found | {"changes": changes, "now": now}


def _undeclared(resource: str, changes: Mapping[str, Sequence[Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Labels, and the changes with states in words, of a kind of record that has no pages."""
    labels = {name: words.field(name, resource) for name in changes}
    states = {name: [words.state(one, resource) for one in changes[name]] for name in _STATES & changes.keys()}
    return labels, {**changes, **states}


def _people() -> dict[str, str]:
    """Those who may have done something, by name."""
    users = User.select(User.id, User.name, User.username)
    named = sorted(((str(user.id), str(user)) for user in users), key=lambda pair: pair[1].casefold())
    return {**dict(named), "0": words.actor(0, None)}


def _kinds() -> dict[str, str]:
    """Kinds of record of which the log tells, also those of plugins that are off, in words."""
    named = [(name, words.kind(name)) for name in steps.values(Entry.resource)]
    return dict(sorted(named, key=lambda pair: pair[1]))


def _chain(ctx: Context, _none: Any) -> dict[str, Any]:
    """The state of the chain, above the list."""
    return audit_checks.state()


ENTRIES = Resource(
    name="core.audit_entry",
    slug="audit",
    model=Entry,
    schema=EntrySchema,
    label=__("Audit entry"),
    label_plural=__("Audit log"),
    icon="history",
    nav_group="settings",
    nav_order=90,
    nav_key="l",
    scroll=True,
    title=_title,
    columns=[
        Column("at", __("Time"), "datetime", sortable=True),
        Column("actor", __("By"), value=lambda entry: entry.actor),
        Column("action", __("Action"), value=lambda entry: words.action(entry.resource, entry.action)),
        Column("resource", __("Kind of record"), value=lambda entry: words.kind(entry.resource)),
        Column("record_id", __("Record"), "code", value=_record, link=_link),
        Column("source", __("Through"), value=lambda entry: words.SOURCES.get(entry.source, entry.source)),
        Column("ip", __("Address"), "code", shown=False),
        Column("reason", __("Reason"), shown=False),
    ],
    filters=[
        Filter("actor_id", __("By"), choices=_people),
        Filter("resource", __("Kind of record"), choices=_kinds),
        Filter("action", __("Action"), choices=words.actions),
        Filter("record_id", __("Record number"), "number"),
        Filter("at", __("Time"), "date"),
    ],
    detail=[
        Section("difference", __("Before and after"), template="admin/audit_difference.html", load=_labels),
        Section("what", __("Entry"), "resource record_id action at actor source ip reason".split(), side=True),
        Section("chain", __("Seal"), template="admin/audit_seal.html", side=True),
    ],
    loader=_join,
    above=Section("chain", __("Seal"), template="admin/audit_chain.html", load=_chain),
    has_notes=False,
    can_create=False,
    can_edit=False,
    can_import=False,
)
