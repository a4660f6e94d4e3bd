"""The pattern reference of docs/patterns.md names what there is, and all of it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import jinja2
import pytest

from core.nav import NavItem
from core.plugins import hookspecs
from core.resources import Action, Badge, Column, Filter, Resource, Section, Service
from core.web import AdminView

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")
TABLER = ROOT / "themes" / "tabler"
STYLES = (TABLER / "static" / "maktab.css").read_text(encoding="utf-8")
EXAMPLE = ROOT / "tests" / "plugins" / "visits" / "templates" / "visits" / "plan.html"
OF_PLUGINS = sorted(path for folder in ("plugins", "tests/plugins") for path in (ROOT / folder).rglob("*.html"))
CLASS = re.compile(r"(?<![\w-])mk-[a-z0-9-]+")
PROSE = TEXT.partition("### Macros")[2]
"""What follows the example."""


def test_every_macro_is_named_with_its_arguments() -> None:
    source = (TABLER / "templates" / "admin" / "macros.html").read_text(encoding="utf-8")
    parsed = jinja2.Environment(autoescape=True).parse(source).find_all(jinja2.nodes.Macro)
    macros = {one.name: [argument.name for argument in one.args] for one in parsed}
    told = dict(re.findall(r"\bm\.(\w+)\(([^)]*)\)", PROSE))
    assert told.keys() == macros.keys()
    for name, arguments in told.items():
        named = re.findall(r"\w+", arguments) if "[" not in arguments else macros[name]
        assert named == macros[name], f"m.{name} takes {macros[name]}"


def test_every_class_that_is_named_exists() -> None:
    assert {name for name in CLASS.findall(TEXT) if f".{name}" not in STYLES} == set()


@pytest.mark.parametrize("path", OF_PLUGINS, ids=lambda path: path.name)
def test_every_class_that_a_plugin_uses_is_named(path: Path) -> None:
    assert set(CLASS.findall(path.read_text(encoding="utf-8"))) <= set(CLASS.findall(PROSE))


def test_the_example_is_the_page_of_the_picture() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") in TEXT


def test_every_field_that_is_named_exists() -> None:
    said_once = (Resource, Column, Filter, Section, Action, Badge, NavItem)
    declared = {one.__name__: {field.name for field in fields(one)} for one in said_once}
    declared |= {one.__name__: set(dir(one)) for one in (AdminView, Service)}
    named = re.findall(rf"`({'|'.join(declared)})\.(\w+)", TEXT)
    assert len(named) >= 20
    assert [one for one in named if one[1] not in declared[one[0]]] == []


def test_every_hook_that_a_page_calls_is_named() -> None:
    called = {name for name, hook in vars(hookspecs).items() if getattr(hook, "budget_ms", 0)} - {"authorize"}
    assert len(called) > 4
    assert {name for name in called | {"register_views"} if f"(hooks/{name}.md)" not in TEXT} == set()
