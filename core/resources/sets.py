"""Sets of records: which they are, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from core.errors import in_one_line


@dataclass(frozen=True)
class Selection:
    """Which records: listed ids, or all that match filters and search, minus exclusions, up to `max_id`.

    `filters`: {argument: value} as in the URL. `number`: how many they were when somebody was asked. JSON by `to_json`
    and `from_json`; kept in the job, resolved by its first step with one INSERT … SELECT.
    """

    resource: str
    ids: Sequence[int] = ()
    everything: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)
    search: str = ""
    excluded: Sequence[int] = ()
    max_id: int | None = None
    number: int | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Selection:
        return cls(**values)


@dataclass(frozen=True)
class Outcome:
    """What became of one record in a set. `errors` maps field to messages when rejected; `undo` is kept for undo."""

    status: Literal["created", "updated", "unchanged", "deleted", "done", "skipped", "rejected"]
    id: int | None = None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    undo: Any = None

    @property
    def ok(self) -> bool:
        return self.status != "rejected"

    @property
    def reason(self) -> str:
        return in_one_line(self.errors)
