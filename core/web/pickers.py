"""Inputs that name another record: the text in them, what it finds, and the names that lists show for ids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

import flask
from flask_admin import expose

from core import links, runtime
from core.access import requires
from core.context import Context
from core.errors import Invalid
from core.i18n import _, _n, noun
from core.resources import Column, Resource, references
from core.resources.finding import find
from core.web.base import context
from core.web.cells import Names, named_by
from core.web.palette import about
from core.web.tabs import Listed

MOST = 8
_ID = re.compile(r"· ?(\d{1,18})\Z")  # a sign that nobody types: "#12" may well be the name of order 12


class Picker(NamedTuple):
    """`url`: what gives suggestions, "" when nothing can be chosen, and then `why`. `label`: the list's name."""

    url: str
    label: Any = ""
    why: str = ""


class Suggestion(NamedTuple):
    """`text`: what the input holds when it is chosen."""

    title: str
    about: str
    text: str


def of(target: str) -> Picker:
    """How a record of the resource `target` is chosen by the user of this request."""
    resource = runtime.current().resources.get(target)
    if resource is None:
        return Picker("", why=_("The plugin that this is of is off; it cannot be changed now."))
    if not context().actor.can(resource.permission("view")):
        return Picker("", why=_("Your role does not see %(list)s.", list=noun(resource.label_plural)))
    return Picker(links.page(f"{links.endpoint(target)}.suggest_view") or "", resource.label_plural)


def text(key: int, title: str) -> str:
    """What an input holds that names the record `key`."""
    return f"{title} · {key}".lstrip()


def meaning(target: str, asked: str) -> int:
    """The id that somebody means who chose or wrote `asked`: what was suggested, or what its search finds alone.

    Raises Invalid, with what might be meant.
    """
    if match := _ID.search(asked):
        return int(match[1])
    resource = runtime.current().resources.get(target)
    if resource is None or not context().actor.can(resource.permission("view")):
        raise Invalid(of(target).why)
    found, has_more = find(context(), resource, asked, MOST)
    titled = [one for one in found if resource.title(one).casefold() == asked.casefold()]
    if len(titled) == 1 or (len(found) == 1 and not has_more):
        return int((titled or found)[0].id)
    if not found:
        raise Invalid(_("Nothing found for “%(asked)s”.", asked=asked))
    names = " / ".join(text(one.id, resource.title(one)) for one in found[:3])
    raise Invalid(_("Several have this name. Write one of them as it stands here: %(names)s", names=names))


def names(
    ctx: Context,
    resource: Resource,
    columns: Sequence[Column],
    records: Sequence[Any],
    also: Mapping[str, Set[int]] | None = None,
) -> Names:
    """What the columns that name other records show, and fields with `also` these ids; a statement for each resource
    that they are of."""
    known, more = references.targets(resource.schema), also or {}
    wanted = {one.name: {named_by(one, record) for record in records} for one in columns if one.kind == "reference"}
    wanted = {name: wanted.get(name, set()) | more.get(name, set()) for name in (*wanted, *more)}
    pairs = [(known[name], key) for name, ids in wanted.items() for key in ids if key is not None]
    titles = references.titles(ctx, pairs)
    found: dict[str, dict[int, tuple[str, str | None]]] = {name: {} for name in wanted}
    for (target, key), title in titles.items():
        shown = title, links.to(target, key)
        for name, ids in wanted.items():
            if known[name] == target and key in ids:
                found[name][key] = shown
    return found


class PickerPages(Listed):
    """The route that gives suggestions."""

    @expose("/suggestions")
    @requires("{resource}.view")
    def suggest_view(self) -> Any:
        """The first records that `q` finds, as options; of nothing asked, those on top of the list."""
        asked = flask.request.args.get("q", "").strip()
        found, has_more = find(context(), self.resource, asked, MOST)
        made = [self._suggestion(record) for record in found]
        said = _n("%(n)s result", "%(n)s results", len(made))
        return self.render("admin/model/suggestions.html", found=made, has_more=has_more, asked=asked, said=said)

    def _suggestion(self, record: Any) -> Suggestion:
        title = self.resource.title(record)
        return Suggestion(title, about(self.resource, record), text(record.id, title))
