"""The style sheets: small, complete, and with nothing of Tabler's components that could collide with ours."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from core.web.theme import THEME
from scripts.trim_css import trimmed

STATIC = THEME / "static"
READ = re.compile(r"var\(\s*(--[\w-]+)\s*([,)])")
MOST = 75_000
"""Bytes of all scripts and styles on the line; with a list of 50 rows that is far below the 190 kB of a page."""


def sheets() -> str:
    return "".join((STATIC / name).read_text() for name in ("vendor/tabler-base.css", "maktab.css"))


def test_every_variable_that_is_read_is_set() -> None:
    text = sheets()
    read = {name for name, end in READ.findall(text) if end == ")"}
    assert len(read) > 40
    assert {name for name in read if f"{name}:" not in text} == set()


def test_every_class_of_a_template_is_our_own() -> None:
    given = re.compile(r'class="([^"{}]*)"')
    folders = [THEME / "templates", *Path("plugins").glob("*/templates")]
    names = {name for folder in folders for file in folder.rglob("*.html") for text in given.findall(file.read_text())
             for name in text.split()}  # fmt: skip
    assert len(names) > 60
    assert {name for name in names if not name.startswith("mk-")} == set()


def test_what_a_page_loads_is_light() -> None:
    loaded = [STATIC / "vendor" / "htmx.min.js", STATIC / "vendor" / "tabler-base.css", STATIC / "maktab.css"]
    loaded += (STATIC / "js").glob("*.js")
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in loaded) < MOST


def test_the_cut_keeps_elements_and_themes_and_what_they_read() -> None:
    text = (
        "/* Tabler */:root,[data-bs-theme=light]{--a:1px;--b:var(--a);--lost:3px}.btn{color:red}"
        "a:not(.x,.y),p{margin:var(--b)}@media print{.btn{color:red}h1{top:var(--own)}}"
        "@media all{.x{top:0}}[class^=x]{top:0}"
    )
    assert trimmed(text, "i{top:var(--own)}").splitlines() == [
        ":root,[data-bs-theme=light]{--a:1px;--b:var(--a);}",
        "p{margin:var(--b)}",
        "@media print{h1{top:var(--own)}}",
    ]
