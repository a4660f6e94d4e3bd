"""What comes from outside in forms that Python's own readers take too far."""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 64


def parse_json(text: str | bytes, exact: bool = False) -> Any:
    """JSON of at most DEEPEST levels and of finite numbers. Raises ValueError for anything else.

    `exact`: numbers as the texts that stand there.

    Schema, audit and database walk a value by recursion: what the parser can just hold would end one of them.
    """
    number: Any = str if exact else _finite
    try:
        value = json.loads(text, parse_constant=number, parse_float=number, parse_int=str if exact else None)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level = [value]
    for _depth in range(DEEPEST + 1):
        level = [inner for node in level if isinstance(node, list | dict) for inner in _inside(node)]
        if not level:
            return value
    raise ValueError("nested too deep")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no number")
    return number


def _inside(node: list[Any] | dict[str, Any]) -> Any:
    return node.values() if isinstance(node, dict) else node
