"""What the manual says of settings, rooms, commands and pages is so."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from werkzeug.exceptions import NotFound

from core.cli import load
from core.settings import Settings
from core.testing import pages

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


MANUAL = ROOT / "docs" / "manual"
NAMES = sorted({path.name for path in MANUAL.rglob("*.md")})
NO_ADDRESS = {"README.md"}


def addresses() -> set[str]:
    """What the manual has a page for; whatever stands in <…> as *."""
    lines = [
        line for path in (MANUAL / "en").glob("*.md") for line in re.findall(r"^Address: (.+)$", path.read_text(), re.M)
    ]
    return {re.sub(r"<[^>]+>", "*", one) for line in lines for one in re.findall(r"`([^`]+)`", line)}


@pytest.mark.parametrize("name", NAMES)
def test_each_page_of_the_manual_is_there_in_both_languages_with_its_addresses_and_pictures(name: str) -> None:
    english, arabic = [(MANUAL / language / name).read_text(encoding="utf-8") for language in ("en", "ar")]
    told = [re.findall(r"^(?:Address|العنوان): (.+)$", text, re.M) for text in (english, arabic)]
    assert [len(lines) for lines in told] == ([0, 0] if name in NO_ADDRESS else [1, 1])
    assert re.findall(r"`([^`]+)`", "".join(told[0])) == re.findall(r"`([^`]+)`", "".join(told[1]))
    for text, look in ((english, "wide"), (arabic, "arabic")):
        shown = re.findall(r"!\[[^\]]+\]\(\.\./\.\./screens/([\w-]+)\.jpg\)", text)
        assert name in NO_ADDRESS or any(one.endswith(f"-{look}") for one in shown)
    assert arabic.startswith('<div dir="rtl">\n\n')
    assert arabic.endswith("\n</div>\n")
    assert english.count("\n## ") == arabic.count("\n## ")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_index_of_a_language_names_each_page(language: str) -> None:
    index = (MANUAL / language / "README.md").read_text(encoding="utf-8")
    assert {name for name in NAMES if f"({name})" not in index} == {"README.md"}


def test_each_picture_is_shown_somewhere() -> None:
    folder = ROOT / "docs" / "screens"
    shown = (folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted(folder.glob("*.jpg")) if f"({path.name})" not in shown] == []
    assert all(path.stat().st_size <= 70_000 for path in folder.iterdir())


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_each_kind_of_page_of_the_admin_stands_in_the_manual(app: Any, owner: Any, signed_in: Any) -> None:
    browser = signed_in("owner")
    file = io.BytesIO(b"username,name\nnew,New\n")
    form = {"resource": "orders.order", "file": (file, "orders.csv")}
    there = browser.send("/admin/imports/new", **form).location
    assert there.endswith("/mapping")
    told, missing = addresses(), []
    for place in [*pages.kinds_of_pages(app, owner), there]:
        shape = shape_of(app, place)
        # What holds for every list need not be said of each.
        if not {shape, re.sub(r"^/admin/[^/*]+", "/admin/*", shape)} & told:
            missing.append(shape)
    assert sorted(set(missing)) == []


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_each_entry_of_the_menu_has_a_page_in_the_manual(signed_in: Any) -> None:
    menu = signed_in("owner").get("/admin/").text.partition('id="menu"')[2].partition("</nav>")[0]
    entries = set(re.findall(r'href="(/admin/[^"]*)"', menu))
    assert len(entries) > 7
    assert entries - addresses() == set()


def shape_of(app: Any, place: str) -> str:
    """The rule of an address, its variables as *; of one that is nowhere: that of no page."""
    try:
        rule, _values = app.url_map.bind("localhost").match(place.partition("?")[0], return_rule=True)
    except NotFound:
        return "/admin/*"
    return re.sub(r"<[^>]+>", "*", rule.rule)
