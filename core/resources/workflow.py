"""A status as data: transitions (from, command, to, guard, event) on one field, carried out over sets of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import changes, db
from core.context import Context
from core.db import Record
from core.errors import NotFound
from core.i18n import _
from core.resources.declaration import Label, Outcome

Guard = Callable[[Sequence[int]], Mapping[int, str]]


@dataclass(frozen=True)
class Transition:
    """`command` takes records from one of `sources` to `target` and emits `event`; permission: `<resource>.<command>`.

    `guard(ids) -> {id: why not}`: a fixed number of statements. `sets()`: further columns to write.
    """

    command: str
    sources: Sequence[str]
    target: str
    event: str
    guard: Guard | None = None
    sets: Callable[[], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Workflow:
    """The transitions of one status field. `labels`: state -> its name, for the texts of refusals."""

    resource: str
    model: type[Record]
    field: str
    transitions: Sequence[Transition]
    labels: Mapping[str, Label]

    def transition(self, command: str) -> Transition:
        found = next((one for one in self.transitions if one.command == command), None)
        if found is None:
            raise NotFound(f"{self.resource} has no command {command!r}.")
        return found

    def run(self, ctx: Context, command: str, ids: Sequence[int]) -> dict[int, Outcome]:
        """Carry out `command` on those of `ids` that may; the others are rejected with the reason. One transaction."""
        step, model = self.transition(command), self.model
        with db.transaction():
            query = model.select(model.id, getattr(model, self.field)).where(model.id.in_(ids)).order_by(model.id)
            state = dict((query.for_update() if db.is_postgres() else query).tuples())
            refused = {i: self._refusal(step, state.get(i)) for i in ids if state.get(i) not in step.sources}
            if step.guard is not None:
                refused |= step.guard([i for i in ids if i not in refused])
            moved = [i for i in dict.fromkeys(ids) if i not in refused]
            self._move(ctx, step, {i: state[i] for i in moved})
        done = {i: Outcome("done", id=i, undo={self.field: state[i]}) for i in moved}
        return done | {i: Outcome("rejected", id=i, errors={self.field: [why]}) for i, why in refused.items()}

    def _move(self, ctx: Context, step: Transition, state: Mapping[int, str]) -> None:
        model, values = self.model, {self.field: step.target, **(step.sets() if step.sets else {})}
        if state:
            stamps = {"version": model.version + 1, "updated_at": db.utcnow()}
            still = getattr(model, self.field).in_(step.sources)
            model.update(**values, **stamps).where(model.id.in_(list(state)), still).execute()
        noted = [changes.Change(i, before={self.field: was}, after={**values}) for i, was in state.items()]
        changes.record(ctx, self.resource, step.command, noted, event=step.event, reindex=False)

    def _refusal(self, step: Transition, state: str | None) -> str:
        if state is None:
            return _("There is no such record.")
        wanted = ", ".join(str(self.labels[one]) for one in step.sources)
        state_of = {"command": step.command, "wanted": wanted, "state": self.labels[state]}
        return _('The command "%(command)s" needs the state %(wanted)s; this one is %(state)s.', **state_of)
