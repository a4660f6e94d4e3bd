"""The order that a user gives to things which come and go with plugins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def in_order(names: Iterable[str], kept: Sequence[str]) -> list[str]:
    """`names` as they stand in `kept`; those that are new to it come last, in the order that they have."""
    places = {name: place for place, name in enumerate(kept)}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def merged(kept: Sequence[str], placed: Iterable[str]) -> list[str]:
    """`placed`, and what of `kept` is not there now, behind the one that it stood behind: there it comes back."""
    found = list(dict.fromkeys(placed))
    before: str | None = None
    for name in dict.fromkeys(kept):
        if name not in found:
            found.insert(0 if before is None else found.index(before) + 1, name)
        before = name
    return found


def moved(names: Sequence[str], name: str, by: int) -> list[str]:
    """`names` with `name` so many places later (less than 0: earlier), as far as there are places."""
    if name not in names:
        return list(names)
    rest = [one for one in names if one != name]
    rest.insert(max(0, names.index(name) + by), name)
    return rest
