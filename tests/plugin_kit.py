"""Small real plugins, made in a merchant's folder, and the suppliers plugin that lies beside these tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from core import plugins, runtime
from core.plugins.discovery import _Merchant
from core.plugins.models import CoreState, PluginState
from core.runtime import Runtime
from core.settings import Settings

PLUGINS = Path(__file__).parent / "plugins"
HOOK = "from core.plugins import hookimpl\n"


class MerchantFolder:
    """A merchant's plugin folder. `add` writes a plugin, `turn_on` enables it without the child process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.merchant_plugins
        self.root.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, manifest: str = "", hooks: str = "", files: Mapping[str, str] | None = None) -> Path:
        """`manifest`: lines besides name, title, version and contract; `hooks`: body of hooks.py."""
        folder = self.root / name
        base = "" if "contract" in manifest else f'name = "{name}"\ntitle = "{name.title()}"\ncontract = 1\n'
        base += "" if "version" in manifest else 'version = "1.0"\n'
        texts = {"plugin.toml": base + dedent(manifest), "__init__.py": '"""A test plugin."""\n'}
        texts["hooks.py"] = HOOK + dedent(hooks)
        for path, text in (texts | dict(files or {})).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text), encoding="utf-8")
        return folder

    def add_suppliers(self) -> None:
        unload("suppliers")
        shutil.copytree(PLUGINS / "suppliers", self.root / "suppliers", ignore=shutil.ignore_patterns("__pycache__"))

    def turn_on(self, *names: str) -> None:
        for name in names:
            PluginState.create(name=name, enabled=True, status="healthy", version="1.0")
        CoreState.update(generation=CoreState.generation + 1).execute()

    def on(self, name: str, **parts: Any) -> Path:
        """Add and turn on."""
        folder = self.add(name, **parts)
        self.turn_on(name)
        return folder

    def build(self) -> Runtime:
        built = plugins.build(self.settings)
        runtime.install(built)
        return built

    def reason(self, name: str) -> str:
        """Build, and say why `name` is quarantined."""
        plugin = self.build().plugins[name]
        assert plugin.status == "quarantined", plugin
        return plugin.error

    def forget(self) -> None:
        """Unload what was imported from this folder, so that the next test may use the names again."""
        for folder in self.root.iterdir():
            unload(folder.name)


def unload(plugin: str) -> None:
    """As if `plugin` had never been imported in this process, from whatever folder an earlier test had it."""
    for name in list(sys.modules):  # a plugin named as a part of Python was never loaded from its folder
        if name.split(".")[0] == plugin and plugin not in sys.stdlib_module_names:
            del sys.modules[name]
    _Merchant.folders.pop(plugin, None)
