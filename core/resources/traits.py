"""What any resource may carry: tags, notes, and a timeline made of notes and audit entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from core.context import Context
from core.db import Model, UTCDateTimeField, utcnow
from core.resources.declaration import Action, Outcome, Resource


class Tagging(Model):
    """One tag on one record of any resource."""

    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    tag = peewee.CharField(max_length=60)

    class Meta:
        table_name = "core_tagging"
        indexes = ((("resource", "record_id", "tag"), True), (("resource", "tag", "record_id"), False))


class Note(Model):
    """What a user wrote beside a record."""

    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    user_id = peewee.BigIntegerField(null=True)
    actor = peewee.CharField(max_length=150)
    text = peewee.TextField()
    created_at = UTCDateTimeField(default=utcnow)

    class Meta:
        table_name = "core_note"
        indexes = ((("resource", "record_id", "id"), False),)


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline. `kind`: note, or change with `action` and `changes` {field: (before, after)}."""

    at: datetime
    actor: str
    kind: str
    text: str = ""
    action: str = ""
    changes: Any = None


def tags_of(resource: Resource | str, ids: Sequence[int]) -> dict[int, list[str]]:
    raise NotImplementedError


def set_tags(ctx: Context, resource: Resource | str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    raise NotImplementedError


def add_tags(ctx: Context, resource: Resource | str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    raise NotImplementedError


def remove_tags(ctx: Context, resource: Resource | str, ids: Sequence[int], tags: Sequence[str]) -> dict[int, Outcome]:
    raise NotImplementedError


def add_note(ctx: Context, resource: Resource | str, record_id: int, text: str) -> Note:
    raise NotImplementedError


def timeline(ctx: Context, resource: Resource | str, record_id: int, limit: int = 50) -> list[TimelineEntry]:
    raise NotImplementedError


def tag_actions(resource_name: str) -> tuple[Action, Action]:
    raise NotImplementedError
