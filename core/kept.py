"""Texts that know what they were made of, and so can be said again in another language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class Said(str):
    """A text of ours. `parts`: (module, text, its plural or "", values), or the pieces that it is joined of."""

    __slots__ = ("parts",)
    parts: tuple[str, str, str, dict[str, Any]] | list[str]

    def __new__(cls, text: str, parts: tuple[str, str, str, dict[str, Any]] | list[str]) -> Said:
        made = super().__new__(cls, text)
        made.parts = parts
        return made

    def __str__(self) -> str:
        return self  # str() makes no bare text of it: an error is read by str()

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return str, (self[:],)  # a copy, or what is sent to another process, is the bare text


def joined(pieces: Iterable[Any]) -> str:
    """One text of several, which still knows its parts when one of them does."""
    texts = [str(piece) for piece in pieces]
    whole = "".join(texts)
    return Said(whole, texts) if any(isinstance(text, Said) for text in texts) else whole
