"""Two people change one record at once: their texts come together, and only what both wrote is left to be settled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from core.resources import FieldInfo
from core.web.forms import Form, Values, rows_in, shown, texts_of


class Difference(NamedTuple):
    """What somebody else changed: as it was when the form was opened, now, and in our input.

    `name`: the input, or a list as a whole; `value`: the text that it takes over, None where that is not one input.
    """

    name: str
    value: str | None
    label: Any
    before: str
    now: str
    ours: str

    @property
    def is_settled(self) -> bool:
        return self.ours == self.now


def merge(form: Form, base: Values, now: Values) -> None:
    """Take over what is as it was in `base`, when the form was opened; in a list all rows count as one."""
    for path, _label, _infos in _places(form):
        if texts_of(path, form.values) == texts_of(path, base):
            take(form, path, now)


def take(form: Form, path: str, now: Values) -> bool:
    """Put what stands there `now` in the place of our input at `path`; False when there is no such place."""
    if path not in (place for place, _label, _infos in _places(form)):
        return False
    for name in texts_of(path, form.values):
        del form.values[name]
    form.values |= texts_of(path, now)
    return True


def differences(form: Form, base: Values, now: Values) -> list[Difference]:
    """What another user changed since `base` was shown."""
    found = []
    for path, label, infos in _places(form):
        if texts_of(path, base) == texts_of(path, now):
            continue
        told = [_told(path, infos, values) for values in (base, now, form.values)]
        is_input = not infos[0].many and infos[0].kind != "several"
        found.append(Difference(path, now.get(path, "") if is_input else None, label, *told))
    return found


def _places(form: Form) -> Iterator[tuple[str, Any, list[FieldInfo]]]:
    """What is settled one by one: inputs, those of nested objects too, and whole lists."""
    for info in form.single:
        yield info.path, info.label, [info]
    for path, infos in form.nested.items():
        if infos[0].many:
            yield path, form.title(path), infos
            continue
        for info in infos:
            yield info.path, f"{form.title(path)}: {info.label}", [info]


def _told(path: str, infos: list[FieldInfo], values: Values) -> str:
    """One input as a person reads it; of a list all texts, a line for each row."""
    if not infos[0].many:
        return shown(infos[0], values)
    rows = ([values.get(f"{path}.{number}.{info.name}", "") for info in infos] for number in rows_in(path, values))
    return "\n".join(" · ".join(filter(None, row)) for row in rows)
