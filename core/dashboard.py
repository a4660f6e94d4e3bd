"""Home: the widgets that core and plugins offer, and where a user has put them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from core import arrangement, runtime
from core.context import Actor, Context
from core.i18n import __
from core.nav import only
from core.resources import Badge, Label, Tone
from core.resources.filtering import days

Size = Literal["quarter", "third", "half", "two_thirds", "whole"]
SIZES: tuple[Size, ...] = ("quarter", "third", "half", "two_thirds", "whole")
PREFERENCE, PERIOD = "home", "home.period"
PERIODS: Mapping[str, Label] = {
    "today": __("Today"), "last_7_days": __("7 days"), "last_30_days": __("30 days"), "this_month": __("This month"),
}  # fmt: skip
"""What a user may look at on Home, by the word that a filter of dates takes for it."""
_VERSUS: Mapping[str, Label] = {
    "today": __("Yesterday"), "last_7_days": __("vs the 7 days before"), "last_30_days": __("vs the 30 days before"),
    "this_month": __("vs the same days of last month"),
}  # fmt: skip


@dataclass(frozen=True)
class Period:
    """The days that a user looks at on Home, `first` to `last`, in the shop's time zone.

    `name`: a word that filters of dates take (`?placed_at=last_7_days`), "" for the period before.
    """

    name: str
    first: date
    last: date

    @classmethod
    def of(cls, name: str) -> Period:
        """The one of that name, else of seven days; all end today."""
        name = name if name in PERIODS else "last_7_days"
        return cls(name, *days(name, _zone()))

    @property
    def days(self) -> list[date]:
        """Each of its days, oldest first."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def before(self) -> Period:
        """What it is compared with: as many days right before it, of a month the same days of the month before."""
        if self.name != "this_month":
            length = timedelta(days=len(self.days))
            return Period("", self.first - length, self.last - length)
        end = self.first - timedelta(days=1)
        return Period("", end.replace(day=1), end.replace(day=min(end.day, self.last.day)))

    @property
    def versus(self) -> Label:
        """How a card says what it compares with."""
        return _VERSUS.get(self.name, "")

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Its begin and its end, which is not of it any more, in UTC: what fields of moments are compared with."""
        first, end = (datetime.combine(day, time(), _zone()) for day in (self.first, self.last + timedelta(days=1)))
        return first.astimezone(UTC), end.astimezone(UTC)


def _zone() -> ZoneInfo:
    return ZoneInfo(runtime.current().settings.timezone)


@dataclass(frozen=True)
class Figure:
    """One number. With `currency` it is money in minor units.

    `before`: the same of the period before, shown as a change in percent, or as it is while the present one `is_open`
    (a day that is not over); `note`: what that period is, or what else there is to say. `points`: how it went, oldest
    first, as a small line. `more_is_bad`: a rise is drawn as bad news.
    """

    value: int
    currency: str = ""
    before: int | None = None
    note: Label = ""
    points: Sequence[int] = ()
    is_open: bool = False
    more_is_bad: bool = False

    @property
    def change(self) -> Decimal | None:
        """Percent since `before`, to one place; None when there is nothing to compare with."""
        if not self.before or self.is_open:
            return None
        return (Decimal(self.value - self.before) * 100 / abs(self.before)).quantize(Decimal("0.1"))


@dataclass(frozen=True)
class Entry:
    """One line of a list: what it is, a second line (`at`, a time, and `text`), and at its end a text or a badge."""

    label: Label
    text: Label = ""
    at: datetime | None = None
    url: str = ""
    icon: str = ""
    tone: Tone = "neutral"
    end: Any = ""
    badge: Badge | None = None


@dataclass(frozen=True)
class Bar:
    """One bar: `value` of `total` (None: of the longest bar beside it)."""

    label: Label
    value: int
    total: int | None = None
    url: str = ""


@dataclass(frozen=True)
class Trend:
    """Numbers day by day, oldest first, and those of the period before beside them. With `currency`: minor units."""

    days: Sequence[date]
    points: Sequence[int]
    before: Sequence[int] = ()
    currency: str = ""


Content = Sequence[Figure] | Sequence[Entry] | Sequence[Bar] | Trend | Mapping[str, Any]


@dataclass(frozen=True)
class Widget:
    """A card of the page Home. `name`: `<plugin>.<noun>`; `permission`: empty = everybody who is signed in.

    `load(ctx)` gives `Figure`s (the first one large), `Entry`s, `Bar`s or a `Trend`, which the theme draws; for a
    `template` of the plugin a dict, which is its `loaded`. `size`: of the card until the user chose another.
    `url`, `url_label`: a link in the head of the card. `empty`: what it says when `load` gives nothing.
    `has_period`: it is about the period that the hook was asked with, so Home offers others.
    """

    name: str
    title: Label
    load: Callable[[Context], Content]
    permission: str = ""
    size: Size = "half"
    template: str = ""
    icon: str = ""
    order: int = 50
    url: str = ""
    url_label: Label = ""
    empty: Label = ""
    has_period: bool = False

    def is_for(self, actor: Actor) -> bool:
        return not self.permission or actor.can(self.permission)


@dataclass(frozen=True)
class Placed:
    """A widget where the user has it."""

    widget: Widget
    size: Size
    is_hidden: bool = False


def widgets(made: Iterable[Any]) -> list[Widget]:
    """A plugin's answer; TypeError for anything else."""
    return only(Widget)(made)


def offered(actor: Actor, period: Period | None = None) -> list[Widget]:
    """What `actor` may see, in the order that the plugins give it; of two with one name the first."""
    asked = {"actor": actor, "period": period or Period.of("")}
    made = runtime.current().hooks.read("dashboard_widgets", widgets, **asked)
    found: dict[str, Widget] = {}
    for one in (one for some in made for one in some if one.is_for(actor)):
        found.setdefault(one.name, one)
    return sorted(found.values(), key=lambda one: one.order)


def arranged(offer: Sequence[Widget], kept: Any) -> list[Placed]:
    """The widgets as the preference `kept` has them; new ones come last, and what is gone is left out."""
    choices, known = _choices(kept), {one.name: one for one in offer}
    return [_placed(known[name], choices.get(name, {})) for name in arrangement.in_order(known, list(choices))]


def rearranged(kept: Any, placed: Iterable[Placed]) -> list[dict[str, Any]]:
    """The preference for `placed`; widgets that are not there now keep their places in it."""
    choices = _choices(kept)
    fresh = {one.widget.name: _choice(one) for one in placed}
    return [(choices | fresh)[name] for name in arrangement.merged(list(choices), fresh)]


def _placed(widget: Widget, choice: Mapping[str, Any]) -> Placed:
    size = choice.get("size")
    return Placed(widget, size if size in SIZES else widget.size, bool(choice.get("is_hidden")))


def _choice(one: Placed) -> dict[str, Any]:
    return {"name": one.widget.name, "size": one.size} | ({"is_hidden": True} if one.is_hidden else {})


def _choices(kept: Any) -> dict[str, dict[str, Any]]:
    """Those that name a card; another version may have kept more."""
    listed = kept if isinstance(kept, list) else []
    return {one["name"]: one for one in listed if isinstance(one, dict) and "name" in one}
