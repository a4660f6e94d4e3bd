"""The texts of a `plugin.toml` for the tool that makes catalogues (babel.cfg: `core.i18n.extraction:manifest`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, BinaryIO


def manifest(
    file: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, None, str, list[str]]]:
    """(line, no function, text, no comments) of title and summary, as Babel wants them."""
    text = file.read().decode()
    said = tomllib.loads(text)
    for one in (said.get("title"), said.get("summary")):
        if one:
            yield text[: text.find(one)].count("\n") + 1, None, one, []
