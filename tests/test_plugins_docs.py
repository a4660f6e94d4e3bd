"""The manual knows every hook and every key of a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.plugins import hookspecs
from core.plugins.manifest import ManifestSchema

DOCS = Path(__file__).parents[1] / "docs"
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, "policy")]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_stands_in_the_manual_and_tells_its_contract(hook: str) -> None:
    assert f"`{hook}(" in (DOCS / "hooks.md").read_text(encoding="utf-8")
    assert getattr(hookspecs, hook).__doc__


@pytest.mark.parametrize("key", ManifestSchema().fields)
def test_every_key_of_a_manifest_stands_in_the_manual(key: str) -> None:
    assert f"`{key}`" in (DOCS / "plugins.md").read_text(encoding="utf-8")
