"""How the log says what core keeps of users and roles: roles, permissions, and what people chose for themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import flask

from core import dashboard, nav, runtime
from core.access import Role, label_of
from core.access.matrix import in_words
from core.audit import words
from core.i18n import LOCALES, _, __
from core.resources import Resource
from core.views import ALL, SavedView
from core.web import shortcuts
from core.web.base import context

DENSITIES = {"comfortable": __("Comfortable"), "compact": __("Compact")}
_DIGITS = {"latn": "123", "arab": "١٢٣"}
_THEMES = {"auto": __("Same as the device"), "light": __("Light"), "dark": __("Dark")}


def of_people(name: str, value: Any, _record: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """A field of a user or a role as (label, text); None: as usual."""
    if name in _NAMED:
        label, said = _NAMED[name]
        return label, said(value)
    _list, _dot, rest = name.partition("list.")
    resource, _dot, what = rest.rpartition(".")
    if resource and what in _OF_LIST:
        label, of_list = _OF_LIST[what]
        declared = runtime.current().resources.get(resource)
        return f"{words.kind_plural(resource)}: {label}", of_list(declared, str(value))
    return None


def all_roles() -> list[Role]:
    """Every role, whose names the log of the same page then knows."""
    found = list(Role.select().order_by(Role.id))
    flask.g.role_names = {one.name: label_of(one) for one in found}
    return found


def role(name: str) -> str:
    """What the role with this short name is called; its short name when there is none any more."""
    return _once("role_names", lambda: {one.name: label_of(one) for one in Role.select()}).get(name, name)


def columns(resource: Resource | None, names: Iterable[str]) -> str:
    """Columns of a list by their labels."""
    found = [(resource.column(name) if resource else None, name) for name in names]
    return ", ".join(str(column.label) if column else name for column, name in found)


def density(name: str) -> Any:
    return DENSITIES.get(name, name)


def _once(name: str, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Looked up once a page: the log of a user tells of many."""
    if name not in flask.g:
        setattr(flask.g, name, make())
    return dict(flask.g.get(name))


def _named(known: Mapping[str, str], names: Iterable[Any]) -> str:
    return ", ".join(str(known.get(str(name), name)) for name in names)


def _permissions(names: Any) -> str:
    known = _once("permissions_in_words", lambda: {"*": _("Everything"), **in_words(context().actor)})
    return _named(known, names)


def limits(scopes: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """The rows of an assignment in words."""
    return [
        f"{words.kind(resource)}: {_named(_values_of(resource, scope), values)}"
        for resource, narrowed in scopes.items()
        for scope, values in narrowed.items()
    ]


def _values_of(resource: str, scope: str) -> Mapping[str, Any]:
    """What the values of a scope are called."""
    declared = runtime.current().resources.get(resource)
    return next((one.offered() for one in declared.scopes if one.name == scope), {}) if declared else {}


def _limited(kept: Any) -> str:
    """What a role, or a token, is limited to: rows, or permissions."""
    return "; ".join(limits(kept)) if isinstance(kept, Mapping) else _permissions(kept)


def _menu(kept: Any) -> str:
    """An arrangement of the menu by the labels of its entries."""
    choices, known = nav.Choices.of(kept), _once("menu_entries", _entries)
    parts = (
        (_("Pinned"), ", ".join(str(pin.get("label", "")) for pin in choices.pins)),
        (_("Hidden"), _named(known, choices.hidden)),
        (_("At the foot of a phone's screen"), _named(known, choices.shortcuts)),
        (_("In this order"), _named(known, choices.order)),
    )
    return "; ".join(f"{label}: {text}" for label, text in parts if text)


def _entries() -> dict[str, str]:
    found = nav.entries(context().actor, nav.Choices()).values()
    return {one["target"]: str(one["label"]) for some in found for one in some}


def _home(kept: Any) -> str:
    """The cards of the page Home; those that are hidden apart."""
    known = _once("home_cards", lambda: {one.name: str(one.title) for one in dashboard.offered(context().actor)})
    cards = [one for one in kept if isinstance(one, Mapping) and "name" in one] if isinstance(kept, list) else []
    shown, hidden = ([one["name"] for one in cards if bool(one.get("is_hidden")) is away] for away in (False, True))
    parts = [_named(known, shown), f"{_('Hidden')}: {_named(known, hidden)}" if hidden else ""]
    return "; ".join(filter(None, parts)) or "…"


def _shortcuts(kept: Any) -> str:
    known = _once("commands", lambda: {one.name: str(one.label) for one in shortcuts.commands(context())})
    pairs = kept.items() if isinstance(kept, Mapping) else ()
    return ", ".join(f"{known.get(name, name)}: {keys or '–'}" for name, keys in pairs)


def _tab(resource: Resource | None, ref: str) -> Any:
    """A tab above a list: one that it brings, or a saved view."""
    if ref == ALL:
        return _("All")
    declared = next((one for one in resource.views if one.name == ref), None) if resource else None
    saved = SavedView.get_or_none(SavedView.id == int(ref)) if ref.isdecimal() and len(ref) < 19 else None
    return declared.label if declared else str(saved or ref)


_NAMED: Mapping[str, tuple[Any, Callable[[Any], Any]]] = {
    "role": (__("Role"), role),
    "roles": (__("Roles"), lambda names: ", ".join(map(role, names))),
    "scopes": (__("Limited to"), _limited),
    "given": (__("Given"), _permissions),
    "taken": (__("Taken"), _permissions),
    "permissions": (__("Permissions"), _permissions),
    "locale": (__("Language"), lambda code: LOCALES.get(code, code)),
    "theme": (__("Theme"), lambda name: _THEMES.get(name, name)),
    "density": (__("Density of lists"), density),
    "digits": (__("Digits"), lambda name: _DIGITS.get(name, name)),
    "single_keys": (__("Shortcuts of a single key"), lambda on: _("Yes") if on else _("No")),
    "shortcuts": (__("Keyboard shortcuts"), _shortcuts),
    "menu": (__("Menu"), _menu),
    "home": (__("Home"), _home),
    "home.period": (__("Period of Home"), lambda name: dashboard.PERIODS.get(name, name)),
}
_OF_LIST: Mapping[str, tuple[Any, Callable[[Resource | None, str], Any]]] = {
    "columns": (__("Columns"), lambda resource, names: columns(resource, names.split(","))),
    "density": (__("Density"), lambda _resource, name: density(name)),
    "first": (__("It begins with"), _tab),
}
