"""The audit log as a read-only resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from core.audit.models import Entry
from core.auth.models import User
from core.context import Context
from core.i18n import _, __
from core.resources.declaration import Column, Filter, Resource, Section
from core.resources.fields import Utc


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


def _name_actors(entries: Sequence[Any], ctx: Context) -> None:
    """Puts the users' names beside the entries, in one statement."""
    users = User.select(User.id, User.username).where(User.id.in_({entry.actor_id for entry in entries}))
    names = dict(users.tuples()) | {None: _("System"), 0: _("Nobody")}
    for entry in entries:
        entry.actor = names.get(entry.actor_id, f"#{entry.actor_id}")


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
    title=lambda entry: f"{entry.resource} {entry.record_id} · {entry.action}",
    columns=[
        Column("at", __("Time"), "datetime", sortable=True),
        Column("actor", __("By"), value=lambda entry: entry.actor),
        Column("action", __("Action"), "code"),
        Column("resource", __("Kind of record"), "code"),
        Column("record_id", __("Record"), "number"),
        Column("source", __("Through"), "code"),
        Column("ip", __("Address"), "code", shown=False),
        Column("reason", __("Reason"), shown=False),
    ],
    filters=[
        Filter("actor_id", __("User no."), "number"),
        Filter("resource", __("Kind of record"), "text"),
        Filter("record_id", __("Record"), "number"),
        Filter("action", __("Action"), "text"),
        Filter("at", __("Time"), "date"),
    ],
    detail=[
        Section("difference", __("Before and after"), template="admin/audit_difference.html"),
        Section("who", __("Entry"), ["at", "actor", "source", "ip", "reason"], side=True),
        Section("chain", __("Seal"), template="admin/audit_seal.html", side=True),
    ],
    loader=_name_actors,
    has_notes=False,
    can_create=False,
    can_edit=False,
    can_import=False,
)
