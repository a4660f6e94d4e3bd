"""Lines of numbers as the coordinates of SVG paths, and the marks of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.dashboard import Trend
from core.db.money import exponent
from core.i18n import _, compact, format_number, short_day

WIDTH, HEIGHT = 1000, 300


class Line(NamedTuple):
    """What the attribute `d` of a path takes: the line itself, and the area below it."""

    line: str
    area: str


def line(points: Sequence[int], top: int, bottom: int = 0) -> Line:
    """`points` over the whole width, `bottom` at the lower edge and `top` at the upper one; the area ends at 0."""
    last, span = max(1, len(points) - 1), max(1, top - bottom)
    places = [(WIDTH * at // last, _height(value - bottom, span)) for at, value in enumerate(points)]
    drawn, ground = " ".join(f"{x},{y}" for x, y in places), _height(-bottom, span)
    return Line(f"M{drawn}", f"M{drawn} L{places[-1][0]},{ground} 0,{ground}z") if places else Line("", "")


def _height(value: int, span: int) -> int:
    return HEIGHT - HEIGHT * value // span


def spark(points: Sequence[int]) -> Line:
    """A small line that shows the shape alone, a little away from the edges, so that its stroke is not cut."""
    low, high = min((0, *points)), max((0, *points))
    room = max(1, (high - low) // 12)
    return line(points, high + room, low - room if low < 0 else 0)


def marks(points: Sequence[int], unit: int = 1) -> list[int]:
    """Round numbers for the axis, at most six with 0 among them: every one of `points` lies between them.

    `unit`: what one whole is in `points` (100 for money with two places), so that no mark is a part of it.
    """
    low, high = min((0, *points)), max((unit, *points))
    step = next(step for power in range(30) for n in (1, 2, 5) if (step := n * 10**power * unit) * 4 >= high - low)
    return [step * at for at in range(low // step, -(-high // step) + 1)]


def whole(currency: str) -> int:
    """One whole of `currency` in its minor units; 1 of what is no money."""
    return 10 ** exponent(currency) if currency else 1


def short(value: int, currency: str) -> str:
    """A mark of the axis: 40K."""
    return compact(value // whole(currency))


def days_marked(count: int) -> list[int]:
    """Which of `count` days have their name below the line: at most seven, the first and the last among them."""
    gaps = min(6, count - 1)
    return [(count - 1) * at // gaps for at in range(gaps + 1)] if gaps > 0 else [0] * count


def finding(trend: Trend) -> str:
    """What the line says, in words."""
    if not trend.days:
        return _("No days yet.")
    first, last = (f"{format_number(value // whole(trend.currency))} {trend.currency}".strip()
                   for value in (trend.points[0], trend.points[-1]))  # fmt: skip
    said = {"first": first, "from": short_day(trend.days[0]), "last": last, "to": short_day(trend.days[-1])}
    return _("%(first)s on %(from)s, %(last)s on %(to)s", **said)
