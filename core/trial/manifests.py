"""The manifest: its icon and its part `[data]`."""

from __future__ import annotations

from collections.abc import Iterator

from core.plugins.manifest import DATA, Plugin
from core.runtime import Runtime
from core.trial.findings import Finding, unknown
from core.web import theme


def check(built: Runtime, plugin: Plugin) -> Iterator[Finding]:
    yield from unknown("plugin.toml: icon", plugin.icon, theme.ICONS, "an icon of the theme")
    for key, tables in plugin.data.items():
        yield from unknown("plugin.toml: [data]", key, DATA, "a key of it")
        if not isinstance(tables, list) or not all(isinstance(one, str) for one in tables):
            yield Finding(f"plugin.toml: [data] {key} must be a list of table names.")
            continue
        for table in tables:
            if not table.startswith(f"{plugin.name}_"):
                yield Finding(f"plugin.toml: [data] {key} names {table!r}; the plugin's tables are {plugin.name}_….")
