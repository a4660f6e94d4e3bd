"""Files that an import gives back: its rejected rows with reasons, and what a dry run would change."""

from __future__ import annotations

import csv
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from core import files
from core.cards import masked, masked_values
from core.context import Context
from core.db import utcnow
from core.resources import Outcome, Resource
from plugins.transfer.models import Import, Reject
from plugins.transfer.reading.mapping import REASON_COLUMNS, Draft, Plan
from plugins.transfer.reading.staging import Staging
from plugins.transfer.reading.values import escape

_KEEP_DAYS = 30
_NUMBER = re.compile(r"[-+]?[\d.,]*")


def keep(ctx: Context, out: BinaryIO, name: str, content_type: str = "") -> int:
    """Store what a job made, from its start; it holds personal data and goes when the job does."""
    out.seek(0)
    return int(files.store(ctx, out, name, content_type, expires_at=expiry()).id)


def expiry() -> datetime:
    """When a file that was brought or made now goes."""
    return utcnow() + timedelta(days=_KEEP_DAYS)


def rejected(ctx: Context, import_: Import, plan: Plan, staging: Staging) -> int:
    """All lines of each rejected document as they came, the reason on the line at fault; it can be imported again."""
    with tempfile.TemporaryFile() as out:
        text = TextIOWrapper(out, "utf-8-sig" if plan.headers else "utf-8", "replace", newline="")
        sheet, ours = csv.writer(text), [place for place, name in enumerate(plan.headers) if name in REASON_COLUMNS]
        if plan.headers:
            sheet.writerow([*map(escape, _without(plan.headers, ours)), *REASON_COLUMNS])
        for first, reasons in _problems(import_):
            for line, row in staging.all_rows(first):
                if isinstance(row, dict):
                    whole = masked_values(row) | {REASON_COLUMNS[1]: reasons.get(line, "")}
                    text.write(json.dumps(whole, ensure_ascii=False) + "\n")
                else:
                    row += [""] * (len(plan.headers) - len(row))
                    cells = [
                        cell if not cell or _NUMBER.fullmatch(cell) else escape(cell)
                        for cell in (masked(cell or "") for cell in row)
                    ]
                    sheet.writerow([*_without(cells, ours), line, escape(reasons.get(line, ""))])
        text.flush()
        name = f"{Path(import_.file_name or 'import').stem}.rejected.{'csv' if plan.headers else 'jsonl'}"
        return keep(ctx, out, name)


def _without(cells: Iterable[Any], places: list[int]) -> list[Any]:
    return [cell for place, cell in enumerate(cells) if place not in places]


def _problems(import_: Import) -> Iterator[tuple[int, dict[int, str]]]:
    """(first line, {line: reason}) of each rejected document, in the order of the file, some at a time."""
    last, mine = -1, Reject.import_id == import_.id
    query: Any = Reject.select(Reject.first_line).distinct().order_by(Reject.first_line).limit(200)
    while firsts := [first for (first,) in query.where(mine, Reject.first_line > last).tuples()]:
        found: dict[int, dict[int, str]] = {first: {} for first in firsts}
        for row in Reject.select().where(mine, Reject.first_line.in_(firsts)):
            found[row.first_line][row.line] = row.reason
        yield from found.items()
        last = firsts[-1]


class Diff:
    """The changes that a dry run saw, a line per field, as a CSV file."""

    def __init__(self, resource: Resource) -> None:
        self._out, self._key = tempfile.TemporaryFile(), resource.key  # noqa: SIM115 - lives as long as this
        self._text = TextIOWrapper(self._out, "utf-8-sig", newline="")
        self._sheet = csv.writer(self._text)
        self._sheet.writerow(["line", *self._key, "result", "field", "before", "after"])

    def write(self, pairs: Iterable[tuple[Draft, Outcome]]) -> None:
        for draft, outcome in pairs:
            head = [
                draft.first_line,
                *(escape(str(draft.document.get(name, ""))) for name in self._key),
                outcome.status,
            ]
            if outcome.status == "created":
                self._sheet.writerow([*head, "", "", ""])
            elif outcome.status == "updated":
                for name, after in (outcome.after or {}).items():
                    changes = _compared(name, (outcome.before or {}).get(name), after)
                    self._sheet.writerows([*head, *map(escape, change)] for change in changes)

    def keep(self, ctx: Context, import_: Import) -> int:
        self._text.flush()
        return keep(ctx, self._out, f"{import_.file_name or 'import'}.changes.csv", "text/csv")


def _compared(path: str, before: Any, after: Any) -> Iterator[tuple[str, str, str]]:
    pair = [dict(enumerate(one)) if isinstance(one, list) else one for one in (before, after)]
    if isinstance(pair[0], dict) and isinstance(pair[1], dict):
        for name in dict.fromkeys([*pair[0], *pair[1]]):
            yield from _compared(f"{path}.{name}", pair[0].get(name), pair[1].get(name))
    elif before != after:
        yield path, _shown(before), _shown(after)


def _shown(value: Any) -> str:
    return "" if value is None else str(value) if not isinstance(value, dict | list) else json.dumps(value, default=str)
