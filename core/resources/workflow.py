"""A status as data: transitions (from, command, to, guard, event) on one field, carried out over sets of records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from core import changes, db
from core.context import Context
from core.db import Record, search
from core.errors import NotFound
from core.i18n import _
from core.resources.declaration import Action, Label
from core.resources.sets import Outcome

Guard = Callable[[Sequence[int]], Mapping[int, str]]


@dataclass(frozen=True)
class Transition:
    """`command` takes records from one of `sources` to `target` and emits `event`; permission: `<resource>.<command>`.

    `guard(ids) -> {id: why not}`: a fixed number of statements, no writes. `sets()`: further columns to write.
    """

    command: str
    sources: Sequence[str]
    target: str
    event: str
    guard: Guard | None = None
    sets: Callable[[], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Workflow:
    """The transitions of one status field of a resource's `model`. `labels`: state -> its name, for refusals."""

    resource: str
    model: type[Record]
    field: str
    transitions: Sequence[Transition]
    labels: Mapping[str, Label]

    def transition(self, command: str) -> Transition:
        found = next((one for one in self.transitions if one.command == command), None)
        if found is None:
            raise NotFound(_("%(resource)s has no command %(name)s.", resource=self.resource, name=command))
        return found

    def guard(self, records: Sequence[Any]) -> dict[str, Mapping[int, str]]:
        """{command: {id: why it would not be moved now}} of loaded records; a resource declares this as its `guard`.

        Of a command for another state than the record's nothing is said: its page would name them all.
        """
        state = {record.id: getattr(record, self.field) for record in records}
        rules = {(tuple(step.sources), step.guard) for step in self.transitions}  # commands may share one
        refused = {rule: self._refused(*rule, state) for rule in rules}
        found = {step.command: refused[tuple(step.sources), step.guard] for step in self.transitions}
        return {
            step.command: {i: why if state[i] in step.sources else "" for i, why in found[step.command].items()}
            for step in self.transitions
        }

    def action(
        self, command: str, label: Label, *, back: str = "", schema: type[ma.Schema] | None = None, **more: Any
    ) -> Action:
        """The action that carries out `command`; `more` as in Action. `back`: the command that undoes it.

        `schema`: what it asks for; what the model has a field for is written.
        """

        def run(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> Mapping[int, Outcome]:
            columns = {name: value for name, value in arguments.items() if name in self.model._meta.fields}
            return self.run(ctx, command, ids, **columns)

        def undo(ctx: Context, done: Mapping[int, Any]) -> Mapping[int, Outcome]:
            return self.run(ctx, back, list(done))

        return Action(command, label, run, undo if back else None, schema, **more)

    def run(self, ctx: Context, command: str, ids: Sequence[int], **columns: Any) -> dict[int, Outcome]:
        """Carry out `command` on those of `ids` that may; the others are rejected with the reason. One transaction.

        `columns`: further fields to write with the state.
        """
        step = self.transition(command)
        values = {self.field: step.target, **(step.sets() if step.sets else {}), **columns}
        with db.transaction():
            before = self._locked(ids, values)
            refused = self._refused(step.sources, step.guard, {i: was[self.field] for i, was in before.items()})
            moved = {i: was for i, was in before.items() if i not in refused}
            self._move(ctx, step, moved, values)
        refused |= {i: _("There is no such record.") for i in ids if i not in before}
        done = {i: Outcome("done", id=i, undo={self.field: was[self.field]}) for i, was in moved.items()}
        return done | {i: Outcome("rejected", id=i, errors={"": [why]}) for i, why in refused.items()}

    def _locked(self, ids: Sequence[int], names: Iterable[str]) -> dict[int, dict[str, Any]]:
        """{id: {field: value}} of those fields, nobody else writing them until the transaction ends."""
        model = self.model
        query = model.select(model.id, *(getattr(model, name) for name in names)).where(search.among(model.id, ids))
        query = query.order_by(model.id)
        rows = (query.for_update() if db.is_postgres() else query).dicts()
        return {row.pop("id"): row for row in rows}

    def _refused(self, sources: Sequence[str], guard: Guard | None, state: Mapping[int, str]) -> dict[int, str]:
        """Why records in these states may not leave `sources`, {id: state} in, {id: why not} out."""
        refused = {i: self._elsewhere(sources, now) for i, now in state.items() if now not in sources}
        rest = [i for i in state if i not in refused]
        return refused | dict(guard(rest) if guard and rest else {})

    def _elsewhere(self, sources: Sequence[str], state: str) -> str:
        wanted = ", ".join(str(self.labels[one]) for one in sources)
        return _("This needs the state %(wanted)s; now it is %(state)s.", wanted=wanted, state=self.labels[state])

    def _move(
        self, ctx: Context, step: Transition, before: Mapping[int, Mapping[str, Any]], values: Mapping[str, Any]
    ) -> None:
        model = self.model
        if before:
            still = search.unindexed(getattr(model, self.field).in_(step.sources))
            model.change(**values).where(search.among(model.id, list(before)), still).execute()
        noted = [changes.Change(i, was, values) for i, was in before.items()]
        changes.record(ctx, self.resource, step.command, noted, event=step.event, reindex=False)
