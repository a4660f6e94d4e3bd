"""The first steps of a shop without records, on Home."""

from __future__ import annotations

import flask

from core import links, nav, runtime
from core.context import Context
from core.i18n import _, noun
from core.nav import Link
from core.resources import query

_KNOWN = "maktab.begun"


def has_begun() -> bool:
    """Whether this process has seen a record of daily work; asks nothing."""
    return _KNOWN in flask.current_app.extensions


def steps(ctx: Context) -> list[Link]:
    """How `ctx` can begin; nothing once there is a record of daily work."""
    work = [one for one in runtime.current().resources.values() if one.nav_group == "work"]
    if has_begun() or any(map(query.newest, work)):
        flask.current_app.extensions[_KNOWN] = True
        return []
    found = []
    for one in sorted(work, key=lambda one: one.nav_order):
        asked = {"resource": one.name, "query": "", "columns": ()}
        found += [
            Link(f"{link.label}: {one.label_plural}", link.url, link.permission, link.icon)
            for link in nav.buttons("list_links", ctx.actor, **asked)
            if link.is_start
        ]
        if one.offers_new:
            label = _("New %(noun)s", noun=noun(one.label))
            found.append(Link(label, _page(one.name, "create_view"), one.permission("create"), "plus"))
    found.append(Link(_("Add users"), _page("core.user", "create_view"), "core.user.create", "users"))
    return [link for link in found if ctx.actor.can(link.permission)]


def _page(resource: str, view: str) -> str:
    return links.page(f"{links.endpoint(resource)}.{view}") or ""
