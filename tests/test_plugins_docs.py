"""The manual knows every hook and every key of a manifest."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from core.plugins import hookspecs
from core.plugins.manifest import ManifestSchema

DOCS = Path(__file__).parents[1] / "docs"
OURS = [
    import_module(f"plugins.{file.parent.name}.hookspecs") for file in (DOCS.parent / "plugins").glob("*/hookspecs.py")
]
HOOKS = {name: one for room in (hookspecs, *OURS) for name, one in vars(room).items() if hasattr(one, "policy")}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_of_core_and_of_our_plugins_stands_in_the_manual_and_tells_its_contract(hook: str) -> None:
    assert f"`{hook}(" in (DOCS / "hooks.md").read_text(encoding="utf-8")
    assert HOOKS[hook].__doc__


@pytest.mark.parametrize("key", ManifestSchema().fields)
def test_every_key_of_a_manifest_stands_in_the_manual(key: str) -> None:
    assert f"`{key}`" in (DOCS / "plugins.md").read_text(encoding="utf-8")
