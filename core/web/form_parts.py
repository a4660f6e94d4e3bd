"""The cards of a form: the parts that the record's page has, then what lies in none of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.resources import FieldInfo, Section
from core.web.forms import Form


@dataclass(frozen=True)
class Part:
    """One card: inputs of its own, and what is nested beneath them, {path: fields}. Without a `name`: of no section."""

    name: str = ""
    title: Any = ""
    side: bool = False
    single: Sequence[FieldInfo] = ()
    nested: dict[str, list[FieldInfo]] = field(default_factory=dict)

    @property
    def is_rows(self) -> bool:
        """Of a section that has nothing but rows: they stand above or below both columns."""
        return bool(self.name) and not self.single and all(infos[0].many for infos in self.nested.values())


def parts(form: Form, sections: Iterable[Section]) -> list[Part]:
    """What of `form` can be edited, in the order of `sections`; each field once, in the first that names it."""
    single = {info.path: info for info in form.single if info.path not in form.fixed}
    nested = {path: infos for path, infos in form.nested.items() if path not in form.fixed}
    found = []
    for one in sections:
        mine = [single.pop(name) for name in one.fields if name in single]
        beneath = {name: nested.pop(name) for name in one.fields if name in nested}
        if mine or beneath:
            found.append(Part(one.name, one.title, one.side, mine, beneath))
    return [*found, Part(single=list(single.values()), nested=nested)]
