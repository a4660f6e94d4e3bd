"""What the pages of plugins say about one: how it is, what failed, what it wants, what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import peewee

from core import runtime
from core.audit.models import Entry
from core.db import utcnow
from core.i18n import _, __, _n, text_of
from core.plugins import lifecycle
from core.plugins.guards import KEPT
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
_FAILING = Badge(__("Failing"), "warn", "half")


@dataclass(frozen=True)
class Wish:
    """One thing that a plugin wants or brings: an icon, a word, what it is about."""

    icon: str
    word: Any
    about: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.word} {self.about}"


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


def badge(plugin: Plugin, failures: int = 0) -> Badge:
    """How it is, in one word."""
    return _FAILING if failures and plugin.status == "healthy" else _STATES[plugin.status]


def wishes(plugin: Plugin) -> list[Wish]:
    """What its manifest says that it wants."""
    personal, tables = (_tables(plugin.data.get(name, ())) for name in ("personal", "tables"))
    named = [text_of(plugin.path, label) for label in plugin.permissions.values()]
    known = titles() if plugin.requires else {}
    required = [known.get(name, name) for name in plugin.requires]
    found = [
        Wish("shield", _("Permissions:"), ", ".join(named)) if named else None,
        Wish("database", _("Tables:"), ", ".join(tables)) if tables else None,
        Wish("package", _("Packages:"), ", ".join(plugin.packages)) if plugin.packages else None,
        Wish("link", _("Requires:"), ", ".join(required)) if required else None,
        Wish("world", _("Talks to:"), ", ".join(plugin.network)) if plugin.network else None,
        Wish("user", _("Holds personal data:"), ", ".join(personal)) if personal else None,
    ]
    if personal and plugin.network:
        text = _("may go to %(hosts)s", hosts=", ".join(plugin.network))
        found.append(Wish("alert-triangle", _("Personal data"), text, True))
    if not plugin.network:
        found.append(Wish("world", _("Talks to:"), _("nobody outside, it says")))
    return [one for one in found if one]


def _tables(names: Sequence[str]) -> list[str]:
    """Tables by what their records are called; those without pages, or of a plugin that is off, by their own names."""
    known = {one.model._meta.table_name: str(one.label_plural) for one in runtime.current().resources.values()}
    return list(dict.fromkeys(known.get(name, name) for name in names))


def failed(names: list[str]) -> dict[str, int]:
    """{plugin: failures of the last hour} of those that had some, in one statement."""
    recent = PluginFailure.plugin.in_(names) & (PluginFailure.at > utcnow() - KEPT)
    counted = PluginFailure.select(PluginFailure.plugin, peewee.fn.COUNT(PluginFailure.id)).where(recent)
    return dict(counted.group_by(PluginFailure.plugin).tuples())


def used(names: list[str]) -> dict[str, str]:
    """{plugin: how often it was called today and how often that failed, in words}, in one statement."""
    today = (PluginCalls.plugin.in_(names)) & (PluginCalls.day == utcnow().date())
    rows = PluginCalls.select(PluginCalls.plugin, PluginCalls.calls, PluginCalls.failures).where(today)
    return {plugin: _used(calls, failures) for plugin, calls, failures in rows.tuples()}


def _used(calls: int, failures: int) -> str:
    called = _n("%(n)s call today", "%(n)s calls today", calls)
    return f"{called} · " + _n("%(n)s failed", "%(n)s failed", failures)


def said(failures: int) -> str:
    """The failures of the last hour in words."""
    return _n("%(n)s failure in the last hour", "%(n)s failures in the last hour", failures)


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
