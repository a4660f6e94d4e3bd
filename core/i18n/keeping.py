"""Texts that are written down now and read later, by somebody else in his own language."""

from __future__ import annotations

from typing import Any

from core.i18n.catalogue import Lazy, told
from core.i18n.whose import owner

_TEXT, _BY, _VALUES = "text", "by", "values"


def packed(text: Any) -> Any:
    """What may be kept as JSON of a lazy translation; any other text, or a number, as it is."""
    if not isinstance(text, Lazy):
        return text if isinstance(text, int | float) else str(text)
    by, said = text._args
    values = {name: packed(value) for name, value in text._kwargs.items()}
    return {_TEXT: said, _BY: by if by.endswith("/") else f"{owner(by)}/", _VALUES: values}


def unpacked(kept: Any) -> Any:
    """What was packed, as a lazy translation again."""
    if not isinstance(kept, dict):
        return kept
    values = {name: unpacked(value) for name, value in kept[_VALUES].items()}
    return Lazy(told, kept[_BY], kept[_TEXT], **values)
