"""What a list shows, as a whole and as an address: the view that is open and what differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from core.resources import ListState, Resource

RESERVED = frozenset({"q", "sort", "cursor", "limit", "view", "without", "columns", "density"})
"""Arguments of a list's address; no filter may be called so."""
DENSITIES = ("comfortable", "compact")


@dataclass(frozen=True)
class Setup:
    """The whole of what is asked for: nothing is left to a default.

    `filters`: {argument: value} as in the address; `sort`: a column, `-` for descending; `columns`: names in order.
    """

    filters: Mapping[str, str] = field(default_factory=dict)
    search: str = ""
    sort: str = ""
    columns: tuple[str, ...] = ()
    density: str = DENSITIES[0]

    def state(self, cursor: str | None = None, limit: int = 50) -> ListState:
        return ListState(self.filters, self.search, self.sort, cursor, limit)

    def without(self, arguments: Iterable[str]) -> Setup:
        """The same without some filters."""
        gone = set(arguments)
        return replace(self, filters={name: value for name, value in self.filters.items() if name not in gone})


def usual(resource: Resource) -> Setup:
    """A list as its declaration has it."""
    return Setup(sort=resource.default_sort, columns=tuple(one.name for one in resource.columns if one.shown))


def changed(resource: Resource, base: Setup, args: Mapping[str, str]) -> Setup:
    """`base` with the differences that the arguments of an address name; the reverse of `differences`.

    A filter that has any argument there is given anew as a whole; what stands in `without` is taken away.
    """
    gone = set(args.get("without", "").split(","))
    given = ListState.of(resource, {**args, "limit": ""}).filters
    replaced = {_field(name) for name in given} | gone
    kept = {name: value for name, value in base.filters.items() if _field(name) not in replaced}
    known = {one.name for one in resource.columns}
    columns = tuple(dict.fromkeys(name for name in args.get("columns", "").split(",") if name in known))
    density = args.get("density", "")
    return Setup(
        filters=kept | dict(given),
        search=args.get("q", "" if "q" in gone else base.search),
        sort=args.get("sort") or base.sort,
        columns=columns or base.columns,
        density=density if density in DENSITIES else base.density,
    )


def differences(base: Setup, setup: Setup) -> dict[str, str]:
    """The arguments that make `setup` of `base`."""
    found: dict[str, str] = {}
    without = []
    for name in dict.fromkeys(map(_field, [*base.filters, *setup.filters])):
        mine = {key: value for key, value in setup.filters.items() if _field(key) == name}
        if mine != {key: value for key, value in base.filters.items() if _field(key) == name}:
            found |= mine
            without += [] if mine else [name]
    if setup.search != base.search:
        found |= {"q": setup.search} if setup.search else {}
        without += [] if setup.search else ["q"]
    found |= {"sort": setup.sort} if setup.sort != base.sort else {}
    found |= {"columns": ",".join(setup.columns)} if setup.columns != base.columns else {}
    found |= {"density": setup.density} if setup.density != base.density else {}
    return found | ({"without": ",".join(sorted(without))} if without else {})


def _field(argument: str) -> str:
    """The filter that an argument belongs to."""
    return argument.partition("__")[0]
