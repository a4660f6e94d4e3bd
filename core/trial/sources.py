"""The texts in a plugin's code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_ASIDE = ("tests", "migrations")


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """(file, text) of every string in the code below `folder`, but for tests and migrations."""
    for file, tree in _parsed(folder):
        if file.parts[0] not in _ASIDE:
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield file, node.value


def unfilled(folder: Path) -> Iterator[str]:
    """What is wrong with each call of `_`, `__` or `_n` below `folder` whose text has a name that nothing fills in."""
    for file, tree in _parsed(folder):
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "__", "_n"):
                where = f"{folder.name}/{file}, line {call.lineno}"
                hint = "; the number is %(n)s" if call.func.id == "_n" else ""
                for name in _missing(call, call.func.id):
                    yield f"The text in {where} asks for %({name})s, which is not given{hint}."


def _missing(call: ast.Call, function: str) -> list[str]:
    """Without any value a text is not filled in at once; `**values` may hold any name."""
    given = {word.arg for word in call.keywords} | ({"n"} if function == "_n" else set())
    if not given or None in given:
        return []
    texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return [name for text in texts for name in re.findall(r"%\((\w+)\)", text) if name not in given]


def _parsed(folder: Path) -> Iterator[tuple[Path, ast.AST]]:
    for file in sorted(folder.rglob("*.py")):
        try:
            tree = _tree(file.read_bytes())
        except (SyntaxError, ValueError):  # nobody imports it, or that would have failed before
            continue
        yield file.relative_to(folder), tree


@lru_cache(maxsize=128)  # each is gone through twice
def _tree(source: bytes) -> ast.AST:
    return ast.parse(source)
