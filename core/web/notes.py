"""Notes beside a record and the files that they carry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import flask
from flask_admin import expose

from core import db, files
from core.access import requires
from core.cards import masked
from core.errors import Invalid, NotFound
from core.i18n import _, local
from core.resources import Resource, TimelineEntry, query, traits
from core.web.base import context

if TYPE_CHECKING:
    from collections.abc import Callable


class NotesView:
    """The part of a ResourceView that takes notes and gives their files."""

    resource: Resource
    _url: Callable[..., str]
    _place: Callable[[], dict[str, str]]
    details_view: Callable[..., str]

    @expose("/<int:record_id>/notes", methods=["POST"])
    @requires("{resource}.note")
    def note_view(self, record_id: int) -> Any:
        record = query.reach(context(), self.resource, record_id, "note")
        text, given = flask.request.form.get("text", ""), list[files.StoredFile]()
        try:
            given += _uploads()
            if text.strip() or given:
                traits.add_note(context(), self.resource.name, record.id, text, given)
        except Invalid as problem:
            files.expire(*(file.id for file in given))
            said = " ".join(line for lines in problem.errors.values() for line in lines)
            return self.details_view(record_id, note=masked(text), refused=said), 422
        return flask.redirect(self._url("details", record_id=record.id, **self._place()) + "#timeline")

    @expose("/<int:record_id>/notes/<int:note_id>/<int:place>")
    @requires("{resource}.view")
    def attachment_view(self, record_id: int, note_id: int, place: int) -> Any:
        """A file of a note: whoever sees the record sees it."""
        record = query.reach(context(), self.resource, record_id, "view")
        file = traits.attached(self.resource.name, record.id, note_id, place)
        if file is None:
            raise NotFound(_("There is no such file, or it has expired."))
        # Whatever it holds, the browser must not render it: always an attachment of a neutral type (and nosniff).
        stream = files.open_file(file.id)
        return flask.send_file(stream, "application/octet-stream", as_attachment=True, download_name=file.name)


def days(history: Sequence[TimelineEntry]) -> list[tuple[date, list[TimelineEntry]]]:
    """A timeline by the days of who looks, in its order."""
    return [(day, list(lines)) for day, lines in groupby(history, lambda line: local(line.at).date())]


def _uploads() -> list[files.StoredFile]:
    """What was sent along, kept for a day until the note itself keeps it. Raises Invalid above the upload limit."""
    sent = [one for one in flask.request.files.getlist("file") if one.filename]
    if len(sent) > traits.MOST_ATTACHMENTS:
        raise Invalid(_("A note takes at most %(most)s files.", most=traits.MOST_ATTACHMENTS))
    tomorrow = db.utcnow() + timedelta(days=1)
    return [files.store(context(), one.stream, str(one.filename), expires_at=tomorrow) for one in sent]  # type: ignore[arg-type]
