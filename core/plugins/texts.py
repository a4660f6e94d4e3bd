"""Texts of a plugin that would fail where they are shown, deep in a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path


def unfilled(path: Path) -> Iterator[str]:
    """What is wrong with each call of `_`, `__` or `_n` below `path` whose text has a name that nothing fills in."""
    for file in sorted(path.rglob("*.py")):
        for call in ast.walk(_parsed(file)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "__", "_n"):
                where = f"{path.name}/{file.relative_to(path)}, line {call.lineno}"
                hint = "; the number is %(n)s" if call.func.id == "_n" else ""
                for name in _missing(call, call.func.id):
                    yield f"The text in {where} asks for %({name})s, which is not given{hint}."


def _parsed(file: Path) -> ast.AST:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # nobody imports it, or that would have failed before
        return ast.Module([], [])


def _missing(call: ast.Call, function: str) -> list[str]:
    """Without any value a text is not filled in at once; `**values` may hold any name."""
    given = {word.arg for word in call.keywords} | ({"n"} if function == "_n" else set())
    if not given or None in given:
        return []
    texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return [name for text in texts for name in re.findall(r"%\((\w+)\)", text) if name not in given]
