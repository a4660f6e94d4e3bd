"""The keyboard: every command that has keys, what a user has made of them, and what no two commands may share.

Keys are one press, `e`, `Shift+x`, `Ctrl+k` (on a Mac the command key), or two of a sign each, `g o`. A command is
core's own, the way to a page of the menu (`go.<target>`), or an action of a resource (`do.<resource>.<action>`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import flask

from core import nav, runtime
from core.context import Context
from core.errors import Invalid
from core.i18n import _, __
from core.web.base import context, preference

_PRESS = re.compile(r"(Ctrl\+)?(Alt\+)?(Shift\+)?([a-z0-9/?.,;'\[\]=-]|Enter)")
_WORDS = {
    "ctrl": "Ctrl",
    "control": "Ctrl",
    "cmd": "Ctrl",
    "⌘": "Ctrl",
    "alt": "Alt",
    "shift": "Shift",
    "enter": "Enter",
}
_BROWSERS = frozenset({"Ctrl+n", "Ctrl+t", "Ctrl+w", "Ctrl+q"})
"""What no page gets to see."""

GROUPS = {
    "everywhere": __("Everywhere"), "list": __("Lists"), "record": __("A record"), "form": __("Forms"),
    "actions": __("Actions"), "go": __("Go to"),
}  # fmt: skip


@dataclass(frozen=True)
class Command:
    """`keys`: those that it has unless the user chose others; "": none. `is_fixed`: the browser's own, or a range."""

    name: str
    keys: str
    label: Any
    group: str
    is_fixed: bool = False

    @property
    def place(self) -> str:
        """Commands of two resources never stand on one page."""
        return self.name.rpartition(".")[0] if self.group == "actions" else ""


OWN = (
    Command("palette", "Ctrl+k", __("Search or run a command"), "everywhere"),
    Command("help", "?", __("Show the shortcuts of this page"), "everywhere"),
    Command("undo", "z", __("Undo what the message says"), "everywhere"),
    Command("close", "Esc", __("Close, or clear the selection"), "everywhere", is_fixed=True),
    Command("find", "/", __("Search this list"), "list"),
    Command("filter", "f", __("Add a filter"), "list"),
    Command("views", "1 … 9", __("Open a view, in the order of the tabs"), "list", is_fixed=True),
    Command("next_row", "j", __("Next row"), "list"),
    Command("previous_row", "k", __("Row before"), "list"),
    Command("open", "Enter", __("Open the row"), "list", is_fixed=True),
    Command("select", "x", __("Select the row"), "list"),
    Command("range", "Shift+x", __("Select up to this row"), "list"),
    Command("cell", "i", __("Edit in the row"), "list"),
    Command("all", "Ctrl+a", __("Select all that match"), "list"),
    Command("previous", "[", __("Previous record or page"), "record"),
    Command("next", "]", __("Next record or page"), "record"),
    Command("edit", "e", __("Edit"), "record"),
    Command("note", "n", __("Write a note"), "record"),
    Command("save", "Ctrl+s", __("Save"), "form"),
    Command("post", "Ctrl+Enter", __("Send the text"), "form", is_fixed=True),
)


def commands(ctx: Context) -> list[Command]:
    """All that `ctx`'s user may have keys for."""
    return [*OWN, *_actions(ctx), *_pages(ctx)]


def _actions(ctx: Context) -> Iterator[Command]:
    for resource in runtime.current().resources.values():
        for action in resource.actions:
            if ctx.actor.can(resource.permission(action.name)) and ctx.actor.can(resource.permission("view")):
                label = f"{resource.label_plural}: {action.label}"
                yield Command(f"do.{resource.name}.{action.name}", action.key, label, "actions")


def _pages(ctx: Context) -> Iterator[Command]:
    for entries in nav.entries(ctx.actor, nav.Choices()).values():
        for entry in entries:
            keys = f"g {entry['key']}" if entry["key"] else ""
            yield Command(f"go.{entry['target']}", keys, entry["label"], "go")


def keys_of(name: str) -> str:
    """The keys of a command for the user of the running request; "": none."""
    if "shortcuts" not in flask.g:
        flask.g.shortcuts = _present() if context().actor.user_id else {}
    return str(flask.g.shortcuts.get(name, ""))


def _present() -> dict[str, str]:
    return effective(commands(context()), chosen(), single=bool(preference("single_keys", True)))


def own_keys() -> dict[str, str]:
    """{command of core: keys}, for the script of a page."""
    return {one.name: keys_of(one.name) for one in OWN}


def chosen() -> dict[str, str]:
    """What the user has put in place of the keys that commands begin with."""
    kept = preference("shortcuts", {})
    return {str(name): str(keys) for name, keys in kept.items()} if isinstance(kept, dict) else {}


def effective(known: Iterable[Command], changed: Mapping[str, str], single: bool) -> dict[str, str]:
    """{name: keys}. Chosen keys come first, then those that commands begin with, unless another has them already.

    `single`: whether keys that need neither Ctrl nor Alt work at all (WCAG 2.1.4).
    """
    found: dict[str, str] = {}
    ordered = sorted(known, key=lambda one: not one.is_fixed and one.name not in changed)
    held: list[tuple[Command, str]] = []
    for one in ordered:
        keys = one.keys if one.is_fixed else changed.get(one.name, one.keys)
        if keys and not any(_clash(one, keys, *other) for other in held):
            held.append((one, keys))
            found[one.name] = keys if single or not is_single(keys) else ""
    return found


def is_single(keys: str) -> bool:
    return not keys.startswith(("Ctrl+", "Alt+", "Esc", "Enter"))


def _clash(one: Command, keys: str, other: Command, others: str) -> bool:
    meet = one.place == other.place or "" in (one.place, other.place)
    return meet and any(_begins(a, b) or _begins(b, a) for a in _spread(keys) for b in _spread(others))


def _begins(keys: str, others: str) -> bool:
    """Whether `others` are the first press of `keys`, or all of them."""
    return f"{keys} ".startswith(f"{others} ")


def _spread(keys: str) -> Sequence[str]:
    return "123456789" if "…" in keys else (keys,)


def read(text: str) -> str:
    """Keys as people write them (`G  O`, `shift + X`) in the one form that is kept. Raises ValueError."""
    presses = [_press(press) for press in re.sub(r"\s*\+\s*", "+", text.strip()).split()]
    is_plain = all(len(press) == 1 for press in presses)
    if len(presses) > 2 or (len(presses) == 2 and not is_plain):
        raise ValueError(text)
    return " ".join(presses)


def _press(text: str) -> str:
    *before, last = text.lower().split("+")
    found = "".join(f"{word}+" for word in ("Ctrl", "Alt", "Shift") if word in [_WORDS.get(one) for one in before])
    found += _WORDS.get(last, last)
    if not _PRESS.fullmatch(found) or found.count("+") != len(before):
        raise ValueError(text)
    return found


def choice(known: Sequence[Command], posted: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a form that says keys by the names of commands; `present`: what they have. Raises Invalid."""
    wanted: dict[str, str] = {}
    problems: dict[str, list[str]] = {}
    for one in known:
        try:
            wanted[one.name] = one.keys if one.is_fixed else read(posted.get(one.name, one.keys))
        except ValueError:
            problems[one.name] = [_("Write one key (e, Shift+x, Ctrl+k) or two in a row (g o).")]
        if wanted.get(one.name) in _BROWSERS:
            problems[one.name] = [_("The browser keeps these keys for itself.")]
    problems = _shared(known, wanted, present) | problems
    if problems:
        raise Invalid(problems)
    begun = effective(known, {}, single=True)
    return {one.name: wanted[one.name] for one in known if wanted[one.name] != begun.get(one.name, "")}


def _shared(known: Sequence[Command], wanted: Mapping[str, str], present: Mapping[str, str]) -> dict[str, list[str]]:
    """Why keys cannot be had, beside the command that was to get them, not the one that had them before."""
    asked = [(one, keys) for one in known if (keys := wanted.get(one.name))]
    asked.sort(key=lambda pair: not pair[0].is_fixed and pair[1] != present.get(pair[0].name, ""))
    found: dict[str, list[str]] = {}
    for (other, others), (one, keys) in combinations(asked, 2):
        if _clash(one, keys, other, others):
            text = _("“%(keys)s” is already used for “%(label)s”.", keys=others, label=other.label)
            found.setdefault(one.name, [text])
    return found
