"""Texts that are written down now and read later, by somebody else in his own language."""

from __future__ import annotations

import json
import re
from typing import Any

import peewee

from core.db import canonical_json
from core.i18n.catalogue import Lazy, told, told_of
from core.i18n.whose import owner
from core.kept import Said, joined

_TEXT, _MANY, _BY, _VALUES = "text", "many", "by", "values"
_MARK = "\x1f"
_MARKED = re.compile(f"{_MARK}([^\n]*)")


def packed(text: Any) -> Any:
    """What may be kept as JSON of a lazy translation, or of a text that knows its parts; any other text, or a number,
    as it is."""
    if isinstance(text, Said):
        return [packed(piece) for piece in text.parts] if isinstance(text.parts, list) else _packed(*text.parts)
    if not isinstance(text, Lazy):
        return text if isinstance(text, int | float) else str(text)
    by, said = text._args
    return _packed(by, said, "", text._kwargs)


def _packed(by: str, text: str, many: str, values: dict[str, Any]) -> dict[str, Any]:
    found = {_TEXT: text, _BY: by if by.endswith("/") else f"{owner(by)}/"} | ({_MANY: many} if many else {})
    return found | {_VALUES: {name: packed(value) for name, value in values.items()}}


def unpacked(kept: Any) -> Any:
    """What was packed, as a lazy translation again."""
    if isinstance(kept, list):
        return joined(unpacked(piece) for piece in kept)
    if not isinstance(kept, dict):
        return kept
    values = {name: unpacked(value) for name, value in kept[_VALUES].items()}
    if _MANY in kept:
        return told_of(kept[_BY], kept[_TEXT], kept[_MANY], values.pop("n"), **values)
    return Lazy(told, kept[_BY], kept[_TEXT], **values)


def written(text: Any) -> str:
    """`text` as a column of `KeptText` holds it: by its parts where it knows them, as every reader will say it."""
    if isinstance(text, Said | Lazy):
        return _MARK + canonical_json(packed(text))
    return str(text).replace(_MARK, " ")


class KeptLines(peewee.TextField):  # type: ignore[misc]
    """Lines that are `written`, or begin with something else before it; read in the language of whoever loads them."""

    def python_value(self, value: str | None) -> str | None:
        return _MARKED.sub(lambda found: str(_read(found[1])), value) if value and _MARK in value else value


class KeptText(KeptLines):
    """A text, kept so that whoever loads it reads it in his language, where it is one of ours."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else written(value)

    def python_value(self, value: str | None) -> str | None:
        return _read(value[1:]) if value and value.startswith(_MARK) else value


def _read(kept: str) -> str:
    try:
        return _again(json.loads(kept))
    except (ValueError, TypeError, KeyError, AttributeError):  # not ours, or of a later version
        return kept


def _again(parts: Any) -> str:
    """The text, which may be written down once more."""
    if isinstance(parts, list):
        return joined(_again(piece) for piece in parts)
    if not isinstance(parts, dict):
        return str(parts)
    values = {name: unpacked(value) for name, value in parts[_VALUES].items()}
    return Said(str(unpacked(parts)), (parts[_BY], parts[_TEXT], parts.get(_MANY, ""), values))
