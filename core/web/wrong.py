"""What the head of a form says is wrong: each input by its label, one of something nested by where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core import i18n
from core.i18n import _

if TYPE_CHECKING:
    from core.web.forms import Form


def named(form: Form, name: str, texts: Sequence[str]) -> tuple[str, str]:
    """(the input of `form` to go to, what is wrong there); "" instead of an input that the form does not have."""
    path, text = re.sub(r"\.\d+\.", ".", name), " ".join(texts)
    label = next((info.label for info in form.fields if info.path == path), "")
    if not label:
        return "", text
    above = path.rpartition(".")[0]
    return name, f"{_place(form, above, name)}: {label}: {text}" if above else f"{label}: {text}"


def _place(form: Form, path: str, name: str) -> str:
    """The nested object, or the row of a list by the number that it has on the page."""
    number = name[len(path) + 1 :].partition(".")[0]
    if not number.isdecimal():
        return str(form.title(path))
    shown = [str(one) for _group, rows in form.groups(path) for one in rows]
    place = shown.index(number) if number in shown else int(number)
    return str(_("%(list)s, row %(number)s", list=form.title(path), number=i18n.number(place + 1)))
