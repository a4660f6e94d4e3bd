"""What the manual says of settings, rooms, commands and pages is so."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from core.cli import load
from core.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
# Commands of our plugins and of plugins in examples; what they take is held by their own tests.
OF_PLUGINS = ("import", "export", "demo", "orders")


def text_of(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_manual_with_its_default() -> None:
    told: dict[str, str] = {}
    for names, default in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.*?) \|", text_of("install"), re.MULTILINE):
        values = default.replace("`", "").split(", ")
        told |= zip(re.findall(r"`(?:MAKTAB_)?(\w+)`", names), values * (len(values) == 1) * 9 or values, strict=False)
    for one in fields(Settings):
        assert one.name.upper() in told, f"docs/install.md does not tell of {one.name}"
        if isinstance(one.default, int) or one.name in ("host", "currency", "timezone", "locale"):
            assert told[one.name.upper()] == str(int(one.default) if isinstance(one.default, bool) else one.default)


def test_every_room_of_core_stands_in_the_house() -> None:
    rows = re.findall(r"^\| (`.+?) \|", text_of("house"), re.MULTILINE)
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    rooms = {path.stem for path in (ROOT / "core").iterdir() if path.suffix in ("", ".py")}
    assert told == rooms - {"__init__", "__pycache__"}


def commands() -> list[tuple[str, str]]:
    """(page, command) for every `maktab …` that a reader is told to type."""
    found = []
    for page in [*DOCS, *sorted((ROOT / "docs" / "deploy").iterdir())]:
        text = re.sub(r"^    #.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        lines = re.findall(r"`(maktab [^`\n]+)`", text)
        lines += re.findall(
            r"^(?:    (?:.*-- )?|\$ |ExecStart=\S*/|)(?:\.venv/bin/)?(maktab [^`\n]+)", text, re.MULTILINE
        )
        found += [(page.name, line.partition("   ")[0]) for line in lines]
    return sorted(set(found))


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 30


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_in_the_manual_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line.replace("…", "").replace("|", " "), comments=True)[1:]
    found: click.Command = load()
    while words and isinstance(found, click.Group) and not words[0].startswith("-"):
        if found.name == "maktab" and words[0] in (*OF_PLUGINS, "visits", "shelves"):
            return
        assert words[0] in found.commands, f"{page}: maktab has no {line!r}"
        found = found.commands[words.pop(0)]
    known = {option for one in found.params for option in one.opts} | {"--help", "--version", "--data-dir"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, f"{page}: {line}"


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            there = (page.parent / path).resolve() if path else page
            if not there.exists() or (anchor and anchor not in anchors(there)):
                broken.append((page.name, target))
    assert broken == []


def anchors(page: Path) -> set[str]:
    """What a heading is called in a link."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
