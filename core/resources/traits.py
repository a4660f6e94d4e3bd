"""What any resource may carry: tags, notes, and a timeline made of notes and audit entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import marshmallow as ma
import peewee

from core import audit, changes, db, runtime
from core.audit import words
from core.changes import Change
from core.context import Context
from core.db import Model, UTCDateTimeField, search, utcnow
from core.errors import Invalid
from core.i18n import _, __
from core.resources.declaration import Action, Outcome, Resource
from core.resources.fields import Tags

_Pairs = dict[int, list[str]]  # record id -> tags
_LONGEST_NOTE = 10_000


class Tagging(Model):
    """One tag on one record of any resource."""

    audit_exempt = "audited as a change of the record that carries the tag"
    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    tag = peewee.CharField(max_length=60)

    class Meta:
        table_name = "core_tagging"
        indexes = ((("resource", "record_id", "tag"), True), (("resource", "tag", "record_id"), False))


class Note(Model):
    """What a user wrote beside a record."""

    audit_exempt = "audited as a change of the record it stands beside"
    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    user_id = peewee.BigIntegerField(null=True)
    actor = peewee.CharField(max_length=200)
    text = peewee.TextField()
    created_at = UTCDateTimeField(default=utcnow)

    class Meta:
        table_name = "core_note"
        indexes = ((("resource", "record_id", "id"), False),)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline: a note (`text`), or a change with its `action` and {field: (before, after)}.

    `said`: the action in words.
    """

    at: datetime
    actor: str
    kind: str
    text: str = ""
    action: str = ""
    said: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


class TagArguments(ma.Schema):
    """Arguments of the tag actions."""

    tags = Tags(required=True, validate=ma.validate.Length(1, 20), metadata={"label": __("Tags")})


def tags_of(resource: Resource | str, ids: Sequence[int]) -> dict[int, list[str]]:
    """{id: tags in alphabetical order} for every id, in one statement."""
    found: dict[int, list[str]] = {key: [] for key in ids}
    here = (Tagging.resource == _name(resource)) & search.among(Tagging.record_id, ids)
    rows: Any = Tagging.select(Tagging.record_id, Tagging.tag).where(here).order_by(Tagging.tag).tuples()
    for key, tag in rows:
        found[key].append(tag)
    return found


def write_tags(resource: Resource | str, add: _Pairs, remove: _Pairs) -> tuple[_Pairs, _Pairs]:
    """Add and remove tags without a trace (the caller records the change); the pairs really added and removed."""
    name = _name(resource)
    key: Any = Tagging.record_id
    tag: Any = Tagging.tag
    added: _Pairs = {}
    removed: _Pairs = {}
    rows = [{"resource": name, "record_id": one, "tag": text} for one, texts in add.items() for text in texts]
    if rows:
        # What RETURNING gives was not there before, also when two do the same at once: the ground of an exact undo.
        new: Any = Tagging.insert_many(rows).on_conflict_ignore().returning(key, tag)
        for row in new.execute():
            added.setdefault(row.record_id, []).append(row.tag)
    if any(remove.values()):
        here = (Tagging.resource == name) & search.among(key, list(remove))
        found = Tagging.select().where(here, tag.in_({text for texts in remove.values() for text in texts}))
        gone = [row.id for row in found if row.tag in remove[row.record_id]]
        old: Any = Tagging.delete().where(search.among(Tagging.id, gone)).returning(key, tag)
        for row in old.execute():
            removed.setdefault(row.record_id, []).append(row.tag)
    return added, removed


def add_tags(ctx: Context, resource: Resource | str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    """Add `tags` to records (at most 200); an outcome's `undo` names the tags that were not there before."""
    return _retag(ctx, resource, "tags_added", {key: list(tags) for key in ids}, {})


def remove_tags(ctx: Context, resource: Resource | str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    """Remove `tags` from records (at most 200); an outcome's `undo` names the tags that were there."""
    return _retag(ctx, resource, "tags_removed", {}, {key: list(tags) for key in ids})


def _retag(ctx: Context, resource: Resource | str, action: str, add: _Pairs, remove: _Pairs) -> dict[int, Outcome]:
    """One UPDATE raises the versions, one audit statement and one event tell of the set."""
    name = _name(resource)
    model = runtime.current().resource(name).model
    with db.transaction():
        added, removed = write_tags(name, add, remove)
        touched = sorted({*added, *removed})
        if touched:
            raised = model.update(version=model.version + 1, updated_at=utcnow())
            raised.where(search.among(model.id, touched)).execute()
        now = tags_of(name, touched)
        diffs = []
        for key in touched:
            before = sorted({*now[key], *removed.get(key, ())} - {*added.get(key, ())})
            diffs.append(Change(key, {"tags": before}, {"tags": now[key]}))
        changes.record(ctx, name, action, diffs, event=f"{name}_tagged.v1", reindex=False)
    done = {key: {"added": added.get(key, []), "removed": removed.get(key, [])} for key in touched}
    return {
        key: Outcome("done", key, undo=done[key]) if key in done else Outcome("unchanged", key)
        for key in {**add, **remove}
    }


def tag_actions(resource_name: str) -> tuple[Action, Action]:
    """The actions `add_tags` and `remove_tags` of a resource, with an undo that touches only what they changed."""

    def add(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
        return add_tags(ctx, resource_name, ids, arguments["tags"])

    def remove(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
        return remove_tags(ctx, resource_name, ids, arguments["tags"])

    def undo(ctx: Context, done: Mapping[int, Any]) -> dict[int, Outcome]:
        back = {key: kept["removed"] for key, kept in done.items()}
        return _retag(ctx, resource_name, "tags_undone", back, {key: kept["added"] for key, kept in done.items()})

    return (
        Action("add_tags", __("Add tags"), add, undo=undo, schema=TagArguments, icon="tag"),
        Action("remove_tags", __("Remove tags"), remove, undo=undo, schema=TagArguments, icon="tag-off"),
    )


def add_note(ctx: Context, resource: Resource | str, record_id: int, text: str) -> Note:
    """Put a note beside a record; the record itself, and so its version, stays as it is."""
    text = text.replace("\0", "").strip()
    if not 0 < len(text) <= _LONGEST_NOTE:
        raise Invalid({"text": [_("Write a note of 1 to %(most)s letters.", most=_LONGEST_NOTE)]})
    name, actor = _name(resource), ctx.actor
    with db.transaction():
        note: Note = Note.create(
            resource=name, record_id=record_id, user_id=actor.user_id, actor=actor.name[:200], text=text
        )
        noted = Change(record_id, {}, {"note": text})
        changes.record(ctx, name, "noted", [noted], reindex=False)
    return note


def notes_of(resource: Resource | str, record_id: int, limit: int = 50) -> list[Note]:
    """The newest notes of a record."""
    here = (Note.resource == _name(resource)) & (Note.record_id == record_id)
    return list(Note.select().where(here).order_by(Note.id.desc()).limit(limit))


def timeline(ctx: Context, resource: Resource | str, record_id: int, limit: int = 50) -> list[TimelineEntry]:
    """Notes and changes of a record, newest first, in two statements."""
    from core.auth import User  # core.auth declares resources itself

    name, entry = _name(resource), audit.Entry
    here = (entry.resource == name) & (entry.record_id == record_id) & (entry.action != "noted")
    who = peewee.fn.COALESCE(peewee.fn.NULLIF(User.name, ""), User.username).alias("who")
    rows = entry.select(entry, who).left_outer_join(User, on=entry.actor_id == User.id)
    told = [_told(row) for row in rows.where(here).order_by(entry.id.desc()).limit(limit).objects()]
    notes = [TimelineEntry(one.created_at, one.actor, "note", one.text) for one in notes_of(name, record_id, limit)]
    return sorted(told + notes, key=lambda line: line.at, reverse=True)[:limit]


def _told(row: Any) -> TimelineEntry:
    before, after = (row.diff or {}).get("before", {}), (row.diff or {}).get("after", {})
    diff = {one: (before.get(one), after.get(one)) for one in {**before, **after}}
    actor, said = words.actor(row.actor_id, row.who), words.action(row.resource, row.action)
    return TimelineEntry(row.at, actor, "change", row.reason, row.action, said, diff)


def _name(resource: Resource | str) -> str:
    return resource if isinstance(resource, str) else resource.name
