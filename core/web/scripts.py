"""The modules of the theme as one script. Each is a file that one can read; a browser that fetched each would pay for
their number: it asks for six at a time, and waits for each a way there and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "themes" / "tabler" / "static" / "js"
MAIN = "maktab.js"
_IMPORT = re.compile(r'^import (?:(\{.*?\}) from )?"\./([\w-]+\.js)";', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|function|async function) (\w+))", re.MULTILINE)


@lru_cache(maxsize=1)
def made() -> dict[str, str]:
    """What browsers get in the place of a file, by the name of the asset; every other file they get as it lies.

    `maktab.js` holds all that it imports, in the order in which they would run. Another module takes from it what it
    imports, so that each runs once on a page.
    """
    texts = {file.name: file.read_text() for file in FOLDER.glob("*.js")}
    others = {
        name: f'import {{ modules }} from "./{MAIN}";\n{_bound(text)}'
        for name, text in texts.items()
        if _IMPORT.search(text)
    }
    whole = "export const modules = {};\n" + "\n".join(map(_inside, order(MAIN)))
    return {f"js/{name}": text for name, text in (others | {MAIN: whole}).items()}


def order(name: str) -> list[str]:
    """The module `name` after all that it imports, directly or not."""
    return list(dict.fromkeys(_walk(name, ())))


def _walk(name: str, above: tuple[str, ...]) -> Iterator[str]:
    if name in above:
        raise ValueError(f"modules that import one another: {' → '.join((*above, name))}")
    for _, one in _IMPORT.findall((FOLDER / name).read_text()):
        yield from _walk(one, (*above, name))
    yield name


def _inside(name: str) -> str:
    text = (FOLDER / name).read_text()
    given = ", ".join(_EXPORT.findall(text))
    return f'modules["{name}"] = (() => {{\n{_EXPORT.sub("", _bound(text))}\nreturn {{ {given} }};\n}})();'


def _bound(text: str) -> str:
    return _IMPORT.sub(lambda found: f'const {found[1]} = modules["{found[2]}"];' if found[1] else "", text)
