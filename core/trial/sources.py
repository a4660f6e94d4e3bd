"""The texts in a plugin's code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core.plugins.manifest import Plugin

_ASIDE = ("tests", "migrations")


def texts(plugin: Plugin) -> Iterator[tuple[Path, str]]:
    """(file, text) of every string in the code of `plugin`, but for its tests and migrations."""
    for file in sorted(plugin.path.rglob("*.py")):
        inner = file.relative_to(plugin.path)
        if inner.parts[0] not in _ASIDE:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield inner, node.value
