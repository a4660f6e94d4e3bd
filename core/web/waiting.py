"""The numbers beside the entries of the menu: what waits for somebody. Asked late, and kept for a moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, perf_counter

import flask
import structlog

from core import nav
from core.context import Context
from core.nav import NavItem
from core.plugins import watch
from core.resources import Waiting

KEPT_S = 10
BUDGET_MS = 100
_MOST_KEPT = 200

Numbers = Mapping[str, Sequence[Waiting]]
log = structlog.get_logger("maktab.web")


@dataclass(frozen=True)
class _Kept:
    """What was counted for a user, as long as he holds what he held then."""

    ctx: Context
    until: float
    numbers: Numbers

    def holds_for(self, ctx: Context) -> bool:
        same = (self.ctx.actor.grants, self.ctx.locale) == (ctx.actor.grants, ctx.locale)
        return same and monotonic() < self.until


def init_app(app: flask.Flask) -> None:
    """What is kept is of one generation; what a process changes itself it counts anew."""
    app.extensions["maktab.waiting"] = {}
    app.after_request(_forget)


def known(ctx: Context) -> Numbers | None:
    """What was counted for this user a moment ago, without a statement."""
    kept = _all_kept().get(ctx.actor.user_id)
    return kept.numbers if kept and kept.holds_for(ctx) else None


def counted(ctx: Context) -> Numbers:
    """{target of the entry: what waits there} of the entries that the actor has and that count at all."""
    found = known(ctx)
    if found is None:
        found = {item.target: _ask(item, ctx) for item in nav.present(ctx.actor) if item.waiting}
        kept = _all_kept()
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[ctx.actor.user_id] = _Kept(ctx, monotonic() + KEPT_S, found)
    return found


def _ask(item: NavItem, ctx: Context) -> Sequence[Waiting]:
    """A count that fails is none: the menu stands, and what else its plugin does goes on."""
    if item.waiting is None:
        return ()
    began = perf_counter()
    try:
        with watch.watched(item.plugin, f"the number beside {item.target}", watch.PAGE_S):
            found = _read(item.waiting(ctx))
    except Exception:
        log.exception("menu not counted", plugin=item.plugin, entry=item.target)
        return ()
    took_ms = (perf_counter() - began) * 1000
    if took_ms > BUDGET_MS:
        log.warning(f"count took {took_ms:.0f} ms, its budget is {BUDGET_MS} ms", plugin=item.plugin, entry=item.target)
    return found


def _read(made: Iterable[Waiting]) -> list[Waiting]:
    return [one for one in nav.only(Waiting)(made) if one.number > 0]


def _all_kept() -> dict[int | None, _Kept]:
    kept: dict[int | None, _Kept] = flask.current_app.extensions["maktab.waiting"]
    return kept


def _forget(answer: flask.Response) -> flask.Response:
    if flask.request.method != "GET":
        _all_kept().clear()
    return answer
