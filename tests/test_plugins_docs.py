"""The manual knows every hook and every key of a manifest, and shows code that runs."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from core.plugins.manifest import ManifestSchema
from core.resources import Service, declaration, workflow

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def _script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook_pages = _script("hook_pages")
HOOKS = {hook.name: hook for hook in hook_pages.hooks()}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_page_with_an_example_and_a_test(name: str) -> None:
    page = DOCS / "hooks" / f"{name}.md"
    assert page.read_text(encoding="utf-8") == hook_pages.page(HOOKS[name]), "not up to date: run make docs"


@pytest.mark.parametrize("name", HOOKS)
def test_every_spec_says_when_it_is_called_what_it_may_do_and_what_a_failure_costs(name: str) -> None:
    words = re.findall(r"^(When|May|Failure): \S", HOOKS[name].doc, re.MULTILINE)
    assert words == ["When", "May", "Failure"]


def test_the_index_has_every_hook_and_no_page_is_left_of_one_that_is_gone() -> None:
    assert (DOCS / "hooks.md").read_text(encoding="utf-8") == hook_pages.pages()[DOCS / "hooks.md"], "run make docs"
    assert {page.stem for page in (DOCS / "hooks").glob("*.md")} == set(HOOKS)


def test_a_hook_without_example_or_without_test_has_no_page() -> None:
    def lonely() -> None: ...

    lonely.__dict__.update(policy="collect", budget_ms=0)
    with pytest.raises(LookupError, match="No plugin in tests/plugins implements lonely"):
        hook_pages.page(hook_pages.Hook("lonely", "core", lonely, Path(__file__)))
    assert hook_pages.proofs("lonely") == []


@pytest.mark.parametrize("key", ManifestSchema().fields)
def test_every_key_of_a_manifest_stands_in_the_manual(key: str) -> None:
    assert f"`{key}`" in (DOCS / "plugins.md").read_text(encoding="utf-8")


DECLARED = [
    one
    for module in (declaration, workflow)
    for one in vars(module).values()
    if is_dataclass(one) and one.__module__ == module.__name__
]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: one.__name__)
def test_every_field_of_a_declaration_stands_in_the_manual_with_its_default(declared: Any) -> None:
    text = (DOCS / "resource.md").read_text(encoding="utf-8")
    section = text.partition(f"### {declared.__name__}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.+?)`|required) \| (.+) \|$", section, re.MULTILINE)
    assert [(name, default) for name, default, _ in rows] == [(one.name, _default(one)) for one in fields(declared)]
    assert all(what.strip() for _, _, what in rows)


def _default(field: Field[Any]) -> str:
    """As the manual writes it; "" when it is required."""
    if field.default_factory is not MISSING:
        return repr(field.default_factory())
    if field.default is MISSING:
        return ""
    return field.default.__name__ if isinstance(field.default, type) else _quoted(field.default)


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def test_every_method_that_a_service_may_override_is_one() -> None:
    text = (DOCS / "resource.md").read_text(encoding="utf-8").partition("| override | for |")[2]
    named = re.findall(r"`(\w+)(?:\([\w, ]*\))?`", "".join(re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)))
    assert len(named) == 9
    assert all(callable(getattr(Service, name)) for name in named)
