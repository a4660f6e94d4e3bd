"""What any resource may carry: tags, notes, and a timeline made of notes and audit entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import marshmallow as ma
import peewee

from core import audit, changes, db, files, runtime
from core.audit import words
from core.auth.models import User
from core.changes import Change
from core.context import Context
from core.db import JSONField, Model, UTCDateTimeField, bulk, search, utcnow
from core.db.fields import is_storable
from core.errors import Invalid
from core.i18n import _, __
from core.resources.border import refuse_cards
from core.resources.declaration import Action
from core.resources.fields import Tags
from core.resources.sets import Outcome

_Pairs = Mapping[int, Sequence[str]]  # record id -> tags
_LONGEST_NOTE, MOST_ATTACHMENTS = 10_000, 5


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
    """What a user wrote beside a record. `attachments`: [{file, name, size in bytes}]."""

    audit_exempt = "audited as a change of the record it stands beside"
    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    user_id = peewee.BigIntegerField(null=True)
    actor = peewee.CharField(max_length=200)
    text = peewee.TextField()
    attachments = JSONField(default=list)
    created_at = UTCDateTimeField(default=utcnow)

    class Meta:
        table_name = "core_note"
        indexes = ((("resource", "record_id", "id"), False),)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline: a note (`text`), or a change with its `action` and {field: (before, after)}.

    `said`: the action in words; `note`: the note itself.
    """

    at: datetime
    actor: str
    kind: str
    text: str = ""
    action: str = ""
    said: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    note: Note | None = None


_PAIR: Any = (Tagging.record_id, Tagging.tag)


class TagArguments(ma.Schema):
    """Arguments of the tag actions."""

    tags = Tags(required=True, validate=ma.validate.Length(1, 20), metadata={"label": __("Tags")})


def tags_of(resource: str, ids: Sequence[int]) -> dict[int, list[str]]:
    """{id: tags in alphabetical order} for every id, in one statement."""
    return bulk.grouped(_TAGS.run(resource=resource, ids=search.bound(ids)), ids)


_TAGS = db.Kept(
    lambda: Tagging.select(*_PAIR).where(
        Tagging.resource == db.slot("resource"), search.among(Tagging.record_id, db.slot("ids"))
    )
)


def write_tags(resource: str, add: _Pairs, remove: _Pairs) -> tuple[_Pairs, _Pairs]:
    """Add and remove tags without a trace (the caller records the change); the pairs really added and removed.

    What RETURNING gives was not there before, also when two do the same at once: the ground of an exact undo.
    """
    new = [{"resource": resource, "record_id": key, "tag": tag} for key, tags in add.items() for tag in tags]
    old = [(key, tag) for key, tags in remove.items() for tag in tags]
    added: Any = ()
    removed: Any = ()
    if new:
        added = Tagging.insert_many(new).on_conflict_ignore().returning(*_PAIR).tuples().execute()
    if old:
        gone = peewee.Tuple(*_PAIR).in_(peewee.ValuesList(old))
        removed = Tagging.delete().where(Tagging.resource == resource, gone).returning(*_PAIR).tuples().execute()
    return bulk.grouped(added), bulk.grouped(removed)


def add_tags(ctx: Context, resource: str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    """Add `tags` to records (at most 200); an outcome's `undo` names the tags that were not there before."""
    return _retag(ctx, resource, "tags_added", dict.fromkeys(ids, tuple(tags)), {})


def remove_tags(ctx: Context, resource: str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    """Remove `tags` from records (at most 200); an outcome's `undo` names the tags that were there."""
    return _retag(ctx, resource, "tags_removed", {}, dict.fromkeys(ids, tuple(tags)))


def _retag(ctx: Context, resource: str, action: str, add: _Pairs, remove: _Pairs) -> dict[int, Outcome]:
    """One UPDATE raises the versions, one audit statement and one event tell of the set."""
    model = runtime.current().resource(resource).model
    with db.transaction():
        added, removed = write_tags(resource, add, remove)
        done = {key: {"added": added.get(key, []), "removed": removed.get(key, [])} for key in {**added, **removed}}
        now = tags_of(resource, list(done))
        was = {key: sorted({*now[key], *one["removed"]} - {*one["added"]}) for key, one in done.items()}
        model.change().where(search.among(model.id, list(done))).execute()
        noted = [Change(key, {"tags": was[key]}, {"tags": now[key]}) for key in sorted(done)]
        changes.record(ctx, resource, action, noted, event=f"{resource}_tagged.v1", reindex=False)
    same = {key: Outcome("unchanged", key) for key in {**add, **remove}}
    return same | {key: Outcome("done", key, undo=one) for key, one in done.items()}


def tag_actions(resource: str) -> tuple[Action, Action]:
    """The actions `add_tags` and `remove_tags` of a resource, with an undo that touches only what they changed."""

    def add(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
        return add_tags(ctx, resource, ids, arguments["tags"])

    def remove(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
        return remove_tags(ctx, resource, ids, arguments["tags"])

    def undo(ctx: Context, done: Mapping[int, Any]) -> dict[int, Outcome]:
        back, gone = ({key: kept[name] for key, kept in done.items()} for name in ("removed", "added"))
        return _retag(ctx, resource, "tags_undone", back, gone)

    return (
        Action("add_tags", __("Add tags"), add, undo=undo, schema=TagArguments, icon="tag", key="t", daily=True),
        Action("remove_tags", __("Remove tags"), remove, undo=undo, schema=TagArguments, icon="tag-off", daily=True),
    )


def add_note(
    ctx: Context, resource: str, record_id: int, text: str, attachments: Sequence[files.StoredFile] = ()
) -> Note:
    """Put a note beside a record; the record itself, and so its version, stays as it is. The files stay with it.

    Raises Invalid for a text that is empty (without files) or too long, too many files, and card numbers.
    """
    text, actor, kept = text.strip(), ctx.actor, _described(attachments)
    if not (text or kept) or len(text) > _LONGEST_NOTE or not is_storable(text):
        raise Invalid({"text": [_("Write a note of 1 to %(most)s letters.", most=_LONGEST_NOTE)]})
    refuse_cards({"text": text, "files": [one["name"] for one in kept]})
    values = {"resource": resource, "record_id": record_id, "user_id": actor.user_id, "actor": actor.name[:200]}
    with db.transaction():
        note: Note = Note.create(**values, text=text, attachments=kept)
        for file in attachments:
            files.keep(file.id, None)
        said = {"note": text} | ({"files": [one["name"] for one in kept]} if kept else {})
        changes.record(ctx, resource, "noted", [Change(record_id, {}, said)], reindex=False)
    return note


def _described(attachments: Sequence[files.StoredFile]) -> list[dict[str, Any]]:
    if len(attachments) > MOST_ATTACHMENTS:
        raise Invalid({"file": [_("A note takes at most %(most)s files.", most=MOST_ATTACHMENTS)]})
    return [{"file": file.id, "name": file.name, "size": file.size} for file in attachments]


def attached(resource: str, record_id: int, note_id: int, place: int) -> files.StoredFile | None:
    """The file at `place` of a note beside that very record."""
    here = (Note.id == note_id) & (Note.resource == resource) & (Note.record_id == record_id)
    note = Note.get_or_none(here)
    if note is None or place >= len(note.attachments):
        return None
    found: files.StoredFile | None = files.StoredFile.get_or_none(
        files.StoredFile.id == note.attachments[place]["file"]
    )
    return found


def forget(resource: str, ids: Sequence[int]) -> None:
    """Delete what hangs on records that go; the files of their notes go with the next round of the clean-up."""
    Tagging.delete().where(Tagging.resource == resource, search.among(Tagging.record_id, ids)).execute()
    gone = Note.delete().where(Note.resource == resource, search.among(Note.record_id, ids))
    kept = [one["file"] for (some,) in gone.returning(Note.attachments).tuples().execute() for one in some]
    if kept:
        files.expire(*kept)


def notes_of(resource: str, record_id: int, limit: int = 50) -> list[Note]:
    """The newest notes of a record."""
    here = (Note.resource == resource) & (Note.record_id == record_id)
    return list(Note.select().where(here).order_by(Note.id.desc()).limit(limit))


def timeline(resource: str, record_id: int, limit: int = 50) -> list[TimelineEntry]:
    """Notes and changes of a record, newest first, in two statements."""
    who = peewee.fn.COALESCE(peewee.fn.NULLIF(User.name, ""), User.username).alias("who")
    rows = audit.history(resource, record_id).where(audit.Entry.action != "noted").limit(limit)
    rows = rows.select_extend(who).left_outer_join(User, on=audit.Entry.actor_id == User.id)
    found = list(rows.objects())
    apart = {(row.request_id, row.action.removesuffix("_changed")) for row in found if row.request_id}
    told = [_told(row) for row in found if row.action != "updated" or not _is_told_apart(row, apart)]
    notes = [
        TimelineEntry(one.created_at, one.actor, "note", one.text, note=one)
        for one in notes_of(resource, record_id, limit)
    ]
    return sorted(told + notes, key=lambda line: line.at, reverse=True)[:limit]


def _is_told_apart(row: Any, apart: set[tuple[str, str]]) -> bool:
    """A change of `permissions` alone, which the entry `permissions_changed` of the same request says better."""
    return len(row.changes) == 1 and (row.request_id, *row.changes) in apart


def _told(row: Any) -> TimelineEntry:
    actor, said = words.actor(row.actor_id, row.who), words.action(row.resource, row.action)
    return TimelineEntry(row.at, actor, "change", row.reason, row.action, said, row.changes)
