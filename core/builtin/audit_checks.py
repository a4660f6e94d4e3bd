"""When the audit chain was verified, and what came of it: an entry of the log itself, which the chain then seals."""

from __future__ import annotations

from typing import Any

from core import audit, db
from core.audit import Entry, Head, Report
from core.changes import Change
from core.context import Context
from core.i18n import packed, unpacked

RESOURCE, ACTION = "core.audit_entry", "verified"


def check(ctx: Context) -> Report:
    """Seal what waits, verify the whole chain, and note what came of it."""
    while audit.seal():  # without a worker the last entries wait, and that alone is no tampering
        continue
    report = audit.verify()
    found = {"ok": report.ok, "checked": report.checked, "problem": packed(report.problem), "at": report.at}
    with db.transaction():
        audit.write(ctx, RESOURCE, ACTION, [Change(0, after=found)])
    return report


def state() -> dict[str, Any]:
    """The `head` of the chain (None: nothing is sealed), the `last` check, an entry (None: there was none), what it
    `found`, whether the chain `is_broken`, and how many entries are `late` now."""
    noted = Entry.select().where(Entry.resource == RESOURCE, Entry.record_id == 0, Entry.action == ACTION)
    last = noted.order_by(Entry.id.desc()).first()
    found = (last.diff or {}).get("after", {}) if last else {}
    # A check that only met a late sealer found no break; whether one is late is asked anew.
    is_broken = last is not None and not found.get("ok") and found.get("at") is not None
    head = Head.get_or_none(Head.id == 1)
    told = {"found": found, "problem": unpacked(found.get("problem", ""))}
    return {"head": head, "last": last, "is_broken": is_broken, "late": audit.late(), **told}
