"""Cuts Tabler's style sheet down to what our pages stand on: its reset of plain elements, and the variables in use.

    python scripts/trim_css.py tabler.min.css > themes/tabler/static/vendor/tabler-base.css

Every class of a page, ours or a plugin's, is `mk-` and stands in maktab.css; Tabler's own, 70 kB on the line, go.
Run it when Tabler is updated, or when maktab.css reads another variable of it: `tests/test_theme.py` says so.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / "themes" / "tabler" / "static" / "maktab.css"
_SIGN = re.compile(r"/\*.*?\*/", re.DOTALL)
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
_SET = re.compile(r"(--[\w-]+):[^;}]*;?")
_COMMA = re.compile(r",(?![^()]*\))")
_FOREIGN = re.compile(r"[.#>+]|\[(class|data-(?!bs-theme|theme))")  # classes, and marks of its components
_GROUPS = ("@media", "@supports")


def rules(text: str) -> Iterator[tuple[str, str]]:
    """(selector or at-rule, what is between its braces) of each rule at the outer level."""
    at = 0
    while (begin := text.find("{", at)) >= 0:
        end, depth = begin + 1, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield text[at:begin].rpartition(";")[2].strip(), text[begin + 1 : end - 1]
        at = end


def plain(text: str) -> Iterator[tuple[str, str]]:
    """The rules of elements and themes, which name no class."""
    for head, body in rules(text):
        if head.startswith(_GROUPS):
            inner = "".join(f"{one}{{{text}}}" for one, text in plain(body))
            if inner:
                yield head, inner
        elif not head.startswith("@"):
            kept = ",".join(one for one in _COMMA.split(head) if not _FOREIGN.search(one))
            if kept:
                yield kept, body


def used(found: list[tuple[str, str]], own: str) -> set[str]:
    """The variables that something reads, also by way of another variable."""
    values: defaultdict[str, str] = defaultdict(str)
    for _head, body in found:
        for one in _SET.finditer(body):
            values[one[1]] += one[0]
    waiting = _VARIABLE.findall(own + "".join(_SET.sub("", body) for _head, body in found))
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _VARIABLE.findall(values[name])
    return seen


def trimmed(text: str, own: str) -> str:
    found = list(plain(_SIGN.sub("", text)))
    names = used(found, own)

    def keep(match: re.Match[str]) -> str:
        return match[0] if match[1] in names else ""

    cut = (f"{head}{{{_SET.sub(keep, body)}}}" for head, body in found)
    return "\n".join(rule for rule in cut if not rule.endswith("{}")) + "\n"


if __name__ == "__main__":
    sys.stdout.write("/* @tabler/core, MIT (see NOTICE.txt), cut down by scripts/trim_css.py */\n")
    sys.stdout.write(trimmed(Path(sys.argv[1]).read_text(encoding="utf-8"), OWN.read_text(encoding="utf-8")))
