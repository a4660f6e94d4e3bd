"""What a role may do as a table: resources by plugin, what can be done with them, which line of the role says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import runtime
from core.access.permissions import CORE_PERMISSIONS, SIGNED_IN, expand, permissions, reaches
from core.access.roles import covers
from core.context import Actor, Grant
from core.i18n import _, __, text_of

VERBS: Mapping[str, Any] = {
    "view": __("See"), "create": __("Create"), "edit": __("Edit"), "delete": __("Delete"), "import": __("Import"),
    "export": __("Export"), "note": __("Note"),
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One permission. `is_line`: the role names it; `by`: its pattern that gives it; `may`: it can be given."""

    name: str
    label: Any
    is_line: bool
    by: str
    may: bool


@dataclass
class Row:
    """A resource: a cell for each of `VERBS` (None: there is no such permission), then its own actions."""

    label: Any
    cells: list[Cell | None]
    further: list[Cell]


@dataclass
class Group:
    """A plugin, or core: its resources, and permissions that belong to none of them."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    others: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class Line:
    """A line that is no permission of now: a pattern with how many it `covers`, or one of a plugin that is off."""

    name: str
    covers: int
    may: bool


def groups(actor: Actor, entries: Sequence[str]) -> list[Group]:
    """The table of a role with these lines, for the eyes of `actor`."""
    present, patterns = runtime.current(), [entry for entry in entries if "*" in entry]
    known, found, told = permissions(), dict[str, Group](), {SIGNED_IN}

    def cell(name: str, label: Any) -> Cell:
        told.add(name)
        by = next((entry for entry in patterns if reaches(entry, name)), "")
        return Cell(name, label, name in entries, by, covers(actor, Grant(frozenset({name}))))

    def group(name: str) -> Group:
        plugin = present.plugins.get(name)
        title = text_of(plugin.path, plugin.title or name) if plugin else _("Maktab")
        return found.setdefault(name, Group(name, title))

    for resource in present.resources.values():
        names = resource.permissions()
        verbs = {name.rpartition(".")[2]: name for name in names}
        cells = [cell(verbs[verb], label) if verb in verbs else None for verb, label in VERBS.items()]
        further = [cell(resource.permission(one.name), one.label) for one in resource.actions if one.name not in VERBS]
        group(resource.plugin).rows.append(Row(resource.label_plural, cells, further))
    for name in sorted(known.keys() - told):
        owner = present.plugins.get(name.partition(".")[0])
        label = text_of(owner.path, str(known[name])) if owner else CORE_PERMISSIONS[name]
        group(name.partition(".")[0]).others.append(cell(name, label))
    return sorted(found.values(), key=lambda one: one.name == "core")


def lines(actor: Actor, entries: Sequence[str]) -> list[Line]:
    """The lines of a role that have no cell of their own."""
    known = permissions()
    apart = [entry for entry in entries if entry not in known or entry == SIGNED_IN]
    reach = {entry: expand([entry]) - {entry} for entry in apart}
    return [Line(entry, len(reach[entry]), covers(actor, Grant(reach[entry] | {entry}))) for entry in apart]


def in_words(actor: Actor) -> dict[str, str]:
    """{permission: "Orders: Delete"} of all that there are now."""
    found: dict[str, str] = {}
    for group in groups(actor, ()):
        for row in group.rows:
            found |= {one.name: f"{row.label}: {one.label}" for one in (*filter(None, row.cells), *row.further)}
        found |= {one.name: str(one.label) for one in group.others}
    return found
