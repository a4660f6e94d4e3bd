"""What the pages of plugins say about one: how it is, what failed, what it wants, what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import peewee

from core import runtime
from core.audit.models import Entry
from core.db import utcnow
from core.i18n import _, __, _n, text_of
from core.plugins import lifecycle
from core.plugins.guards import KEPT, SLOW
from core.plugins.manifest import Plugin
from core.plugins.models import PluginCalls, PluginFailure, PluginState
from core.resources import Badge

CATEGORIES: Mapping[str, Any] = {
    "module": __("Modules"), "integration": __("Integrations"), "tool": __("Tools"), "theme": __("Themes"),
}  # fmt: skip
_STATES = {
    "healthy": Badge(__("Healthy"), "ok", "full"), "off": Badge(__("Off"), "neutral", "empty"),
    "quarantined": Badge(__("Quarantined"), "bad", "half"), "missing": Badge(__("Missing"), "warn", "half"),
}  # fmt: skip
_FAILING, _SLOW = Badge(__("Failing"), "bad", "half"), Badge(__("Slow"), "warn", "half")


@dataclass(frozen=True)
class Wish:
    """One thing that a plugin wants or brings: an icon, a word, what it is about."""

    icon: str
    word: Any
    about: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.word} {self.about}"


class Trouble(NamedTuple):
    """How often a plugin failed in the last hour, and how often it answered far too late."""

    failures: int = 0
    slow: int = 0

    def __str__(self) -> str:
        failed = _n("%(n)s failure in the last hour", "%(n)s failures in the last hour", self.failures)
        slow = _n("%(n)s slow answer in the last hour", "%(n)s slow answers in the last hour", self.slow)
        return " · ".join([failed] * bool(self.failures) + [slow] * bool(self.slow))


def title(plugin: Plugin) -> str:
    return text_of(plugin.path, plugin.title or plugin.name)


def titles() -> dict[str, str]:
    """{name: title} of every plugin that there is."""
    return {plugin.name: title(plugin) for plugin in lifecycle.status()}


def titles_of(ids: Sequence[int]) -> dict[int, str]:
    """{id of its row: title} of plugins that are or were there."""
    rows = PluginState.select(PluginState.id, PluginState.name).where(PluginState.id.in_(list(ids))) if ids else ()
    known = runtime.current().plugins
    return {row.id: title(known[row.name]) if row.name in known else row.name for row in rows}


def badge(plugin: Plugin, trouble: Trouble) -> Badge:
    """How it is, in one word."""
    if plugin.status != "healthy" or not any(trouble):
        return _STATES[plugin.status]
    return _FAILING if trouble.failures else _SLOW


def wishes(plugin: Plugin) -> list[Wish]:
    """What its manifest says that it wants."""
    personal, tables = (_tables(plugin.data.get(name, ())) for name in ("personal", "tables"))
    named = [text_of(plugin.path, label) for label in plugin.permissions.values()]
    found = [
        Wish("shield", _("Permissions:"), ", ".join(named)) if named else None,
        Wish("database", _("Tables:"), ", ".join(tables)) if tables else None,
        Wish("package", _("Packages:"), ", ".join(plugin.packages)) if plugin.packages else None,
        Wish("world", _("Contacts:"), ", ".join(plugin.network)) if plugin.network else None,
        Wish("user", _("Holds personal data:"), ", ".join(personal)) if personal else None,
    ]
    if personal and plugin.network:
        text = _("may go to %(hosts)s", hosts=", ".join(plugin.network))
        found.append(Wish("alert-triangle", _("Personal data"), text, True))
    if not plugin.network:
        found.append(Wish("world", _("Contacts:"), _("no other host, as it declares")))
    return [one for one in found if one]


def required(plugin: Plugin) -> list[Wish]:
    """What must be on for it, for who is about to switch it on."""
    known = titles() if plugin.requires else {}
    names = [known.get(name, name) for name in plugin.requires]
    return [Wish("link", _("Requires:"), ", ".join(names))] if names else []


def _tables(names: Sequence[str]) -> list[str]:
    """Tables by what their records are called; those without pages, or of a plugin that is off, by their own names."""
    known = {one.model._meta.table_name: str(one.label_plural) for one in runtime.current().resources.values()}
    return list(dict.fromkeys(known.get(name, name) for name in names))


def troubles(names: list[str]) -> dict[str, Trouble]:
    """Those of the last hour by plugin, in one statement."""
    recent = PluginFailure.plugin.in_(names) & (PluginFailure.at > utcnow() - KEPT)
    slow = peewee.fn.SUM(peewee.Case(None, [(PluginFailure.error.startswith(SLOW), 1)], 0))
    counted = PluginFailure.select(PluginFailure.plugin, peewee.fn.COUNT(PluginFailure.id), slow).where(recent)
    rows = counted.group_by(PluginFailure.plugin).tuples()
    return {plugin: Trouble(many - int(slow), int(slow)) for plugin, many, slow in rows}


def used(names: list[str]) -> dict[str, str]:
    """{plugin: how often it was called today and how often that failed, in words}, in one statement."""
    today = (PluginCalls.plugin.in_(names)) & (PluginCalls.day == utcnow().date())
    rows = PluginCalls.select(PluginCalls.plugin, PluginCalls.calls, PluginCalls.failures).where(today)
    return {plugin: _used(calls, failures) for plugin, calls, failures in rows.tuples()}


def _used(calls: int, failures: int) -> str:
    called = _n("%(n)s call today", "%(n)s calls today", calls)
    return f"{called} · " + _n("%(n)s failed", "%(n)s failed", failures)


def log(name: str) -> list[PluginFailure]:
    """The newest failures of a plugin, within the last hour."""
    newest = PluginFailure.select().where(PluginFailure.plugin == name, PluginFailure.at > utcnow() - KEPT)
    return list(newest.order_by(PluginFailure.at.desc()).limit(20))


def history(*names: str) -> list[tuple[Entry, str]]:
    """The last switches, newest first, each with its plugin; of all plugins when none is named. Two statements."""
    states = PluginState.select(PluginState.id, PluginState.name)
    known = {row.id: row.name for row in (states.where(PluginState.name.in_(names)) if names else states)}
    mine = Entry.select().where(Entry.resource == "core.plugin", Entry.record_id.in_(list(known)))
    return [(one, known[one.record_id]) for one in mine.order_by(Entry.id.desc()).limit(8)]
