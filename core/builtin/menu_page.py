"""The page on which a user arranges his menu: places, hidden entries, links of his own, shortcuts of the phone."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import asdict, replace
from itertools import chain, count
from typing import Any
from urllib.parse import parse_qsl

import flask
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from core import arrangement, nav, preferences, runtime
from core.access import SIGNED_IN
from core.errors import Invalid
from core.i18n import _, __
from core.nav import Choices
from core.web import home, lists, waiting
from core.web.base import AdminView, came_from, context, preference
from core.web.listing import listing

PREFERENCE = "menu"
_MOST_PINS, _LONGEST_LABEL, _LONGEST_URL = 20, 60, 1000
_NAMES = {"work": __("Work"), "settings": __("Settings")}


class MenuView(AdminView):
    """`/admin/menu/`. One form with every button; each step is a whole arrangement."""

    permission = SIGNED_IN
    places = {"": __("Customize the menu")}

    def __init__(self) -> None:
        super().__init__(__("Customize the menu"), endpoint="core_menu", url="/admin/menu")

    @expose("/")
    def index(self) -> str:
        choices = Choices.of(preference(PREFERENCE))
        found, pinned = nav.entries(context().actor, choices), nav.pins(context().actor, choices)
        groups = [("pins", _("Pinned"), [pin | {"target": pin["url"]} for pin in pinned])]
        groups += [(name, _NAMES.get(name, nav.GROUPS[name]), entries) for name, entries in found.items()]
        shown = [
            {"name": name, "label": label, "entries": _numbered(name, some)} for name, label, some in groups if some
        ]
        menu = nav.menu(context().actor, choices)
        offered = [one for group in menu if group["name"] != "pins" for one in [*group["entries"], *group["more"]]]
        return str(
            self.render(
                "admin/menu.html", groups=shown, chosen=nav.shortcuts(menu, choices), **home.role_choice(),
                choices=[(one["target"], one["label"]) for one in offered if one["url"] != nav.HOME],
            )
        )  # fmt: skip

    @expose("/waiting")
    def waiting_numbers(self) -> str:
        """The numbers beside the entries, for the late request of every page; the whole menu for a page of plugins
        that have changed since."""
        hidden, found = Choices.of(preference(PREFERENCE)).hidden, waiting.counted(context())
        shown = {target: some for target, some in found.items() if target not in hidden}
        request = flask.request
        is_old = request.args.get("of", type=int) not in (None, runtime.current().generation)
        flask.g.nav_here = request.headers.get("HX-Current-URL", "").removeprefix(request.host_url.rstrip("/"))
        return str(self.render("admin/waiting.html", numbers=shown, is_old=is_old))

    @expose("/", methods=["POST"])
    def arrange(self) -> Any:
        verb, _colon, name = flask.request.form.get("act", "").partition(":")
        if verb == "reset":
            preferences.put(context(), PREFERENCE, None)
            flask.flash(_("The menu is as your role begins."), "ok")
            return flask.redirect(flask.url_for(".index"))
        choices = Choices.of(preference(PREFERENCE))
        if verb == "pin":
            return _pin(choices)
        if verb == "unpin" and not name:
            return _unpin(choices)
        value = asdict(_pressed(_posted(choices), verb, name))
        if verb == "role":
            home.give_to_role(PREFERENCE, value)
        else:
            preferences.put(context(), PREFERENCE, value)
        if verb == "quiet":
            return "", 204
        return flask.redirect(nav.HOME if verb == "done" else flask.url_for(".index"))


def _numbered(group: str, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """With ids that a page may have; targets are addresses too."""
    return [one | {"id": f"{group}-{place}"} for place, one in enumerate(entries)]


def _posted(choices: Choices) -> Choices:
    """The arrangement that the form shows, with what is not there now at its place."""
    form = flask.request.form
    order, pins = form.getlist("order"), form.getlist("pin")
    known = {pin["url"]: pin for pin in choices.pins}
    for url, label in zip(pins, map(_label, form.getlist("label")), strict=False):
        if url in known and label:
            known[url] = {"label": label, "url": url}
    away = [name for name in choices.hidden if name not in order]
    places = arrangement.merged(list(known), [url for url in pins if url in known])
    return Choices(
        arrangement.merged(choices.order, order),
        [*away, *(name for name in form.getlist("hidden") if name in order)],
        [known[url] for url in places],
        choices.shortcuts,
    )


def _pressed(choices: Choices, verb: str, name: str) -> Choices:
    if verb in ("earlier", "later"):
        by = -1 if verb == "earlier" else 1
        if any(pin["url"] == name for pin in choices.pins):
            known = {pin["url"]: pin for pin in choices.pins}
            return replace(choices, pins=[known[url] for url in arrangement.moved(list(known), name, by)])
        return replace(choices, order=_moved(choices, name, by))
    if verb in ("hide", "show"):
        hidden = [one for one in choices.hidden if one != name] + [name] * (verb == "hide")
        return replace(choices, hidden=hidden)
    if verb == "unpin":
        return replace(choices, pins=[pin for pin in choices.pins if pin["url"] != name])
    if verb == "shortcuts":
        asked = [flask.request.form.get(f"shortcut-{at}", "") for at in range(nav.SHORTCUTS)]
        return replace(choices, shortcuts=list(dict.fromkeys(filter(None, asked))))
    return choices


def _moved(choices: Choices, name: str, by: int) -> list[str]:
    """`name` before or behind its neighbor in its own group; other groups stand in the same list."""
    for entries in nav.entries(context().actor, choices).values():
        group = [one["target"] for one in entries]
        if name in group:
            placed = iter(arrangement.moved(group, name, by))
            return [next(placed) if one in group else one for one in choices.order]
    return list(choices.order)


def _label(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_LABEL]


def _apart(label: str, taken: Container[str]) -> str:
    """`label`, with a number when another pin is called so: two lists may differ in what no name says."""
    numbered = (f"{label[: _LONGEST_LABEL - 5].rstrip()} ({number})" for number in count(2))
    return next(name for name in chain([label], numbered) if name not in taken)


def _name_of_list(url: str) -> str:
    """What a list is called as the address shows it; "" for another page."""
    path, _mark, query = url.partition("?")
    resource = next((one for one in runtime.current().resources.values() if path == f"/admin/{one.slug}/"), None)
    try:
        return lists.name_of(listing(context(), resource, MultiDict(parse_qsl(query)))) if resource else ""
    except Invalid:  # an address that somebody wrote
        return ""


def _sender() -> str:
    """The page that the form was sent from, as an address of ours."""
    referrer, here = flask.request.referrer or "", flask.request.host_url
    return "/" + referrer.removeprefix(here) if referrer.startswith(here) else ""


def _unpin(choices: Choices) -> Any:
    url = _sender()
    preferences.put(context(), PREFERENCE, asdict(_pressed(choices, "unpin", url)))
    flask.flash(_("The page is off your menu."), "ok")
    return flask.redirect(came_from(flask.url_for(".index")))


def _pin(choices: Choices) -> Any:
    """Puts the page that the form was sent from on top of the menu, with what its list shows."""
    url = _sender()
    if not url.startswith("/admin/") or len(url) > _LONGEST_URL or not nav.may_open(context().actor, url):
        raise Invalid({"url": [_("This page cannot be pinned.")]})
    label = _label(flask.request.form.get("label", "")) or _label(_name_of_list(url)) or url
    others = [pin for pin in choices.pins if pin["url"] != url]
    if len(others) >= _MOST_PINS:
        raise Invalid({"url": [_("Take a link off the menu first; %(most)s are the most.", most=_MOST_PINS)]})
    pin = {"label": _apart(label, {pin["label"] for pin in others}), "url": url}
    preferences.put(context(), PREFERENCE, asdict(replace(choices, pins=[*others, pin])))
    flask.flash(_("The page is on top of your menu now."), "ok")
    return flask.redirect(url)
