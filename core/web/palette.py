"""What the command bar finds: commands, pages and records, all of them such as the actor may open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

import flask

from core import links, nav, runtime
from core.context import Context
from core.db import search
from core.i18n import _, noun
from core.resources import Column, Resource, query
from core.resources.finding import find as find_records
from core.views import saved
from core.web import cells
from core.web.base import preference

MOST = 5
"""Hits of one kind; the list of the resource shows the others."""
RECENT = 8
_RECORD = re.compile(r"/admin/([^/]+)/(\d{1,18})")


@dataclass(frozen=True)
class Hit:
    """One line: `label` leads to `url`; `about` stands after it, `end` (an amount, a status) at the end."""

    label: Any
    url: str
    icon: str = "box"
    about: Any = ""
    end: Any = ""


@dataclass(frozen=True)
class Group:
    title: Any
    hits: Sequence[Hit]
    is_recent: bool = False


def find(ctx: Context, asked: str, recent: Sequence[str] = ()) -> list[Group]:
    """What `asked` finds, by kind; of nothing asked, what was opened last (`recent`: its addresses) and where to go."""
    words = search.normalize(asked).split()
    groups = [] if words else [Group(_("Recent"), opened(ctx, recent), is_recent=True)]
    groups.append(Group(_("Commands"), _matching(commands(ctx), words)))
    groups.append(Group(_("Pages"), _matching(pages(ctx), words)))
    if words:
        groups.append(Group(_("Views"), _matching(views(ctx), words)))
        groups.append(Group(_("Settings"), _matching(places(ctx), words)))
        groups += [records(ctx, resource, asked) for resource in _searchable(ctx)]
    return [group for group in groups if group.hits]


def commands(ctx: Context) -> Iterator[Hit]:
    """What can be begun from everywhere: new records, and what plugins offer."""
    for resource in _resources():
        if resource.offers_new and ctx.actor.can(resource.permission("create")):
            address = links.page(f"{links.endpoint(resource.name)}.create_view") or ""
            yield Hit(_("New %(noun)s", noun=noun(resource.label)), address, "plus")
    for one in nav.buttons("palette_commands", ctx.actor):
        yield Hit(one.label, one.url, one.icon or "bolt")


def pages(ctx: Context) -> Iterator[Hit]:
    """The menu, what the user has hidden there or put on top of it, and his own pages."""
    choices = nav.Choices.of(preference("menu"))
    for entry in nav.pins(ctx.actor, choices):
        yield Hit(entry["label"], entry["url"], entry["icon"])
    for group, entries in nav.entries(ctx.actor, choices).items():
        for entry in entries:
            yield Hit(entry["label"], entry["url"], entry["icon"], nav.GROUPS[group])
    yield Hit(_("Profile and language"), links.page("core_auth.profile") or "", "user")


def places(ctx: Context) -> Iterator[Hit]:
    """What stands on pages, or beside the menu, and has a name of its own: choices of the user, settings."""
    for page in flask.current_app.extensions["admin"][0]._views:
        named = getattr(page, "places", {})
        if named and ctx.actor.can(page.permission):
            listed = links.page(f"{page.endpoint}.{page._default_view}") or ""
            for address, label in named.items():
                yield Hit(label, urljoin(listed, address), "adjustments")


def views(ctx: Context) -> Iterator[Hit]:
    """Views of lists, those that plugins declare and those that users have saved."""
    known = {one.name: one for one in _resources() if ctx.actor.can(one.permission("view"))}
    found = [(one, view.label, view.name) for one in known.values() for view in one.views]
    found += [(known[row.resource], row.name, str(row.id)) for row in saved(ctx) if row.resource in known]
    for resource, label, ref in found:
        listed = links.page(f"{links.endpoint(resource.name)}.index_view")
        yield Hit(f"{resource.label_plural}: {label}", f"{listed}?{urlencode({'view': ref})}", "filter")


def _matching(hits: Iterator[Hit], words: Sequence[str]) -> list[Hit]:
    """Those whose label holds all words, the ones that begin with them first."""
    named = [(search.normalize(str(hit.label)), hit) for hit in hits]
    found = [(text, hit) for text, hit in named if all(word in text for word in words)]
    return [hit for _text, hit in sorted(found, key=lambda pair: not pair[0].startswith(" ".join(words)))]


def _resources() -> list[Resource]:
    """Those that the menu knows, those of daily work first."""
    known = [one for one in runtime.current().resources.values() if one.nav_group]
    return sorted(known, key=lambda one: (one.nav_group == "settings", one.nav_order))


def _searchable(ctx: Context) -> list[Resource]:
    found = [one for one in _resources() if one.search_exact or one.search_text]
    return [one for one in found if ctx.actor.can(one.permission("view"))]


def records(ctx: Context, resource: Resource, asked: str) -> Group:
    """The first records that the resource's own search finds, and the way to the others."""
    found, more = find_records(ctx, resource, asked, MOST)
    hits = [_hit(resource, record) for record in found]
    if more:
        listed = links.page(f"{links.endpoint(resource.name)}.index_view")
        hits.append(Hit(_("All that match"), f"{listed}?{urlencode({'q': asked})}", "list"))
    return Group(resource.label_plural, hits)


def opened(ctx: Context, addresses: Sequence[str]) -> list[Hit]:
    """The records and pages behind addresses that a browser has kept; what is gone, or no longer allowed, is not."""
    known: dict[str, Hit] = {hit.url: hit for hit in pages(ctx)}
    by_slug = {one.slug: one for one in runtime.current().resources.values()}
    wanted: dict[str, set[int]] = {}
    for match in filter(None, map(_RECORD.fullmatch, addresses[:RECENT])):
        wanted.setdefault(match[1], set()).add(int(match[2]))
    for slug in wanted.keys() & by_slug.keys():
        resource = by_slug[slug]
        if ctx.actor.can(resource.permission("view")):
            hits = [_hit(resource, record) for record in query.some(ctx, resource, list(wanted[slug]))]
            known |= {hit.url: hit for hit in hits}
    return [known[address] for address in dict.fromkeys(addresses[:RECENT]) if address in known]


def _hit(resource: Resource, record: Any) -> Hit:
    """Its title, another name, and its amount or status."""
    title, shown = resource.title(record), [column for column in resource.columns if column.shown]
    end = next((column for kind in ("money", "badge") for column in shown if column.kind == kind), None)
    address = links.page(f"{links.endpoint(resource.name)}.details_view", record_id=record.id) or ""
    return Hit(title, address, resource.icon, about(resource, record), cells.value(end, record, "") if end else "")


def about(resource: Resource, record: Any) -> str:
    """The first name of `record` besides its title that its list shows."""
    shown = [column for column in resource.columns if column.shown and column.kind in ("code", "text")]
    names = (_text(column, record) for column in shown)
    return next((name for name in names if name not in ("", resource.title(record))), "")


def _text(column: Column, record: Any) -> str:
    value = column.value(record) if column.value else getattr(record, column.name, None)
    return "" if value is None else str(value)
