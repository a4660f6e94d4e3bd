"""Search over any resource: exact fields first, then parts of words by trigrams, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.resources.declaration import Resource


def ensure(resource: Resource) -> None:
    raise NotImplementedError


def index(resource: Resource, ids: Sequence[int]) -> None:
    raise NotImplementedError


def drop(resource: Resource, ids: Sequence[int]) -> None:
    raise NotImplementedError


def condition(resource: Resource, term: str) -> Any:
    raise NotImplementedError


def rebuild(resource: Resource, after_id: int = 0, limit: int = 1000) -> int:
    raise NotImplementedError
