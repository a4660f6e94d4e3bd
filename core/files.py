"""Stored files: uploads and what jobs make. Random names outside the web root; the given name is only ever text."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import peewee

from core import runtime
from core.context import Context
from core.db import Model, UTCDateTimeField, utcnow
from core.errors import Invalid, NotFound
from core.i18n import _

VIEW_ALL = "core.file.view_all"
_BLOCK = 1 << 16
# Control signs, line and paragraph separators, overrides of direction, halves of surrogate pairs.
_UNSEEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class StoredFile(Model):
    """A stored file. `key`: its name in the storage; `name`: what it was called by whoever brought it."""

    audit_exempt = "the import or export that owns the file is audited"
    created_at = UTCDateTimeField(default=utcnow)
    key = peewee.CharField(64, unique=True)
    name = peewee.CharField(255)
    size = peewee.BigIntegerField()
    sha256 = peewee.CharField(64)
    content_type = peewee.CharField(120, default="")
    user_id = peewee.BigIntegerField(null=True, index=True)
    expires_at = UTCDateTimeField(null=True, index=True)

    class Meta:
        table_name = "core_file"


def plain_name(given: str) -> str:
    """The last part of a given name, without what ends a header's line or turns the order of letters round."""
    return _UNSEEN.sub("", given.replace("\\", "/")).rsplit("/", 1)[-1][:255] or "file"


def _place(key: str) -> Path:
    """Where the file called `key` (ours and safe) lies; nobody outside of this module knows."""
    return runtime.current().settings.files_dir / key[:2] / key


def store(
    ctx: Context, stream: BinaryIO, name: str, content_type: str = "", expires_at: datetime | None = None
) -> StoredFile:
    """Keep what `stream` gives, block by block. Raises Invalid above the upload limit (nothing is kept then)."""
    limit, size, digest = runtime.current().settings.upload_limit_mb << 20, 0, hashlib.sha256()
    key = secrets.token_hex(16)
    place = _place(key)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with place.open("xb") as out:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > limit and ctx.source in ("ui", "api"):
                    raise Invalid(_("The file is larger than %(limit)s MB.", limit=limit >> 20))
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())  # the row that names the file must not outlive it in a power cut
    except BaseException:
        place.unlink(missing_ok=True)
        raise
    kept: StoredFile = StoredFile.create(
        key=key, name=plain_name(name), size=size, user_id=ctx.actor.user_id,
        sha256=digest.hexdigest(), content_type=content_type[:120], expires_at=expires_at,
    )  # fmt: skip
    return kept


def find(ctx: Context, file_id: int) -> StoredFile:
    """The file, when it is the actor's own or he may see all; else NotFound."""
    file: StoredFile | None = StoredFile.get_or_none(StoredFile.id == file_id)
    own = file is not None and file.user_id is not None and file.user_id == ctx.actor.user_id
    if file is None or not (own or ctx.actor.can(VIEW_ALL)) or (file.expires_at and file.expires_at < utcnow()):
        raise NotFound(_("There is no such file, or it has expired."))
    return file


def open_file(file_id: int) -> BinaryIO:
    """The content. No permission is asked: `find` or the caller has done so. NotFound when it has gone."""
    file: StoredFile | None = StoredFile.get_or_none(StoredFile.id == file_id)
    try:
        if file is not None:
            return _place(file.key).open("rb")
    except FileNotFoundError:  # a database that came back without its files
        pass
    raise NotFound(_("There is no such file, or it has expired."))


def keep(file_id: int, until: datetime | None) -> None:
    """This file is needed after all, and stays until then; None: for good."""
    StoredFile.update(expires_at=until).where(StoredFile.id == file_id).execute()


def expire(*file_ids: int) -> None:
    """Nobody needs these files any more: they go with the next round of the clean-up."""
    StoredFile.update(expires_at=utcnow()).where(StoredFile.id.in_(file_ids)).execute()


def remove_expired() -> int:
    """Delete some hundred files past their time, rows first: a row never names a missing file."""
    gone = list(StoredFile.select().where(StoredFile.expires_at < utcnow()).limit(500))
    StoredFile.delete().where(StoredFile.id.in_([file.id for file in gone])).execute()
    for file in gone:
        _place(file.key).unlink(missing_ok=True)
    return len(gone)
