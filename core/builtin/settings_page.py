"""The page of settings: how this install runs, to be read; each says where it is changed. Secrets are never shown."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import peewee
from flask_admin import expose
from peewee import fn

from core import db, runtime
from core.builtin.plugin_health import title
from core.files import StoredFile
from core.i18n import LOCALES, _, __, filesize, format_number
from core.settings import Settings
from core.web.base import AdminView

PERMISSION = "core.settings.view"
Label = Any


class Row(NamedTuple):
    """One line. `change`: the environment variable that changes it; empty for what follows from elsewhere."""

    label: Label
    value: Any
    change: str = ""
    name: str = ""


SHOWN: Mapping[str, tuple[Label, Mapping[str, Label]]] = {
    "shop": (
        __("Shop"),
        {"currency": __("Currency"), "timezone": __("Time zone of the shop"), "locale": __("Language at the start")},
    ),
    "address": (
        __("Address"),
        {
            "public_url": __("Public address"), "host": __("Listens on"), "port": __("Port"),
            "proxy_hops": __("Proxies in front"), "upload_limit_mb": __("Largest upload, MB"),
        },
    ),
    "sign_in": (
        __("Sign-in"),
        {
            "session_idle_minutes": __("Session ends when idle for, minutes"),
            "session_hours": __("Session ends in any case after, hours"),
            "reauth_s": __("Seconds until the password is asked for again"),
        },
    ),
    "work": (
        __("Processes"),
        {
            "web_workers": __("Web processes"), "web_threads": __("Threads of each"), "job_threads": __("Jobs at once"),
            "job_lease_s": __("Seconds until a lost job goes on elsewhere"),
            "hang_s": __("Seconds until a stuck process ends"), "memory_mb": __("Memory of a process, MB"),
            "safe_mode": __("Without plugins"),
        },
    ),
}  # fmt: skip
"""Settings as they are, by card."""
SPECIAL = ("data_dir", "database_url", "redis_url", "plugin_dir", "metrics_token")
"""Settings of which only a part may be shown."""
_KEYS = {"session": __("Session key"), "audit": __("Audit key"), "queue": __("Queue key")}


class SettingsView(AdminView):
    """`/admin/settings/`"""

    permission = PERMISSION
    nav_group, nav_order, icon = "settings", 95, "settings"
    places = {f"#{name}": label for _title, rows in SHOWN.values() for name, label in rows.items()}

    def __init__(self) -> None:
        super().__init__(__("Settings"), endpoint="core_settings", url="/admin/settings")

    @expose("/")
    def index(self) -> str:
        settings = runtime.current().settings
        cards = [(label, list(_plain(settings, names))) for label, names in SHOWN.values()]
        cards += [(_("Data"), list(_data(settings))), (_("Secrets"), list(_secrets(settings)))]
        cards += [(_("Versions"), list(_versions()))]
        return str(self.render("admin/settings.html", cards=cards, file=settings.data_dir / "maktab.toml"))


def _plain(settings: Settings, names: Mapping[str, Label]) -> Iterator[Row]:
    for name, label in names.items():
        value = getattr(settings, name)
        if isinstance(value, bool):
            value = _("Yes") if value else _("No")
        elif name == "locale":
            value = LOCALES.get(value, value)
        yield Row(label, value if value != "" else "–", "PORT" if name == "port" else f"MAKTAB_{name.upper()}", name)


def _data(settings: Settings) -> Iterator[Row]:
    yield Row(_("Database"), "PostgreSQL" if db.is_postgres() else "SQLite", "MAKTAB_DATABASE_URL")
    yield Row(_("Size of the database"), _size(_database_size(settings)))
    yield Row(_("Queue"), "Redis" if settings.redis_url else _("In the data folder"), "MAKTAB_REDIS_URL")
    yield Row(_("Data folder"), settings.data_dir, "MAKTAB_DATA_DIR")
    yield Row(_("Plugins of your own"), settings.merchant_plugins, "MAKTAB_PLUGIN_DIR")
    number, size = StoredFile.select(fn.COUNT(StoredFile.id), fn.SUM(StoredFile.size)).tuples().get()
    yield Row(_("Stored files"), f"{format_number(number)} · {_size(int(size or 0))}")
    yield Row(_("Free on this disk"), _size(_free(settings.data_dir)))


def _database_size(settings: Settings) -> int | None:
    try:
        if db.is_postgres():
            return int(peewee.Select(columns=[fn.pg_database_size(fn.current_database())]).scalar(db.database))
        file = Path(settings.url.removeprefix("sqlite:///"))
        return sum(part.stat().st_size for part in (file, Path(f"{file}-wal")) if part.exists())
    except (OSError, peewee.PeeweeException):
        return None


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _size(number: int | None) -> str:
    return "–" if number is None else filesize(number)


def _secrets(settings: Settings) -> Iterator[Row]:
    """That they are there, and where they come from."""
    given = _("Set in the environment")
    for name, label in _KEYS.items():
        variable = f"MAKTAB_{name.upper()}_KEY"
        yield Row(label, given if os.environ.get(variable) else _("A file in keys/"), variable)
    yield Row(_("Token for metrics"), _("Set") if settings.metrics_token else _("Not set"), "MAKTAB_METRICS_TOKEN")


def _versions() -> Iterator[Row]:
    yield Row("Maktab", _version("maktab"))
    yield Row("Python", platform.python_version())
    for name in ("Flask", "Flask-Admin", "peewee"):
        yield Row(name, _version(name.lower()))
    for plugin in runtime.current().plugins.values():
        if plugin.status == "healthy":
            yield Row(title(plugin), plugin.version)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "–"
