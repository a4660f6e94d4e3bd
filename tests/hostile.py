"""What people send who mean harm, and the house that it is sent to: our own plugins and `suppliers`, whole."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import flask

from core import access, boot, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.context import system_context
from core.plugins.models import PluginState
from core.settings import Settings
from tests.helpers import PLUGINS

DEEP = bool(os.environ.get("MAKTAB_TEST_DEEP"))
"""The long form of these tests: every payload on every road, instead of a sample that stays the same."""

SCRIPTS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "</title><svg onload=alert(1)>",
    "</textarea><script>alert(1)</script>", '" autofocus onfocus="alert(1)', "javascript:alert(1)",
    "{{7*7}}${7*7}<%=7*7%>#{7*7}", "%(name)s %s %d {0} {x}", '" hx-get="/x" hx-trigger="load', "<base href=//evil>",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<!--<script>-->", "&lt;script&gt;alert(1)&lt;/script&gt;",
]  # fmt: skip
"""Texts that become code where somebody forgot to escape."""

FORMULAS = [
    '=cmd|"/C calc"!A0', "@SUM(1+9)*cmd|' /C calc'!A0", "=10+20+cmd|' /C calc'!A0", "+1+1", "-1+1", '=HYPERLINK("x")',
    "'=1+1", "''=1+1",
]  # fmt: skip
"""Texts that a spreadsheet would run."""

ODDITIES = [
    "Robert'); DROP TABLE suppliers_supplier;--", "' OR '1'='1", "\\' OR 1=1 --", "%", "_", "%_\\", "*[a-z]?", "null",
    "undefined", "NaN", "-1", "9" * 30, "1e309", "../../../etc/passwd", "..\\..\\windows\\win.ini", "C:\\con\\aux",
    "%00%0d%0aSet-Cookie: a=b", "ليلى حداد", "a\u202eb", "🏴\u200d☠️", "Ω≈ç√∫", "z͑ͫ̓ͪ̂ͫ̽͏a", "ﷺ", "田中さん", "\u2028x",
    "O'Brien & Sons", 'say "hi"', "a;b,c|d", "#1", "?a=b&c=d#e", "ı İ ß ſ", "١٢٣", "\ufffe\uffff", "\x7f\x80",
]  # fmt: skip
"""Texts that mean something to databases, paths, addresses, formats or eyes."""

NAUGHTY = [*SCRIPTS, *FORMULAS, *ODDITIES]

ADDRESS_TRICKS = [
    "view=edit&x=", "self=1&x=", "endpoint=x&x=", "_external=1&_scheme=javascript&x=", "_method=POST&x=", "_anchor=&x=",
    "_scheme=https&_external=1&x=", "cls=1&x=", "name=x&x=", "record_id=x&x=", "filename=../../etc/passwd&x=",
    f"before=-{'9' * 30}", f"before={'9' * 30}", f"after={'9' * 5000}", "before=٣", "limit=-1", "limit=999999999999",
    "limit=1e3", "limit=²", "sort=password_hash", "sort=-id;--", "sort=id&sort=code", "q=%00", "q=%ff", "country=%00",
    "rows=%00", "tab=%00", "resource=%00", f"q={'a' * 3000}", "country__prefix=%5B%5D*", "country__foo=y",
    "is_active=%F0%9F%98%80", "placed_at=0001-01-01", "placed_at=9999-12-31", "placed_at__gte=9999-12-31T23:59-23:59",
    f"total_minor={'9' * 19}", f"total_minor=-{'9' * 19}", f"major.total_minor={'9' * 400}", "major.total_minor=NaN",
    "major.total_minor=1e999999999", "__proto__=1", "a[b]=c", "%=%", "&&&===", "x" * 2000 + "=1", "cursor=%00",
    "cursor=" + base64.urlsafe_b64encode(b"[" * 1500 + b"]" * 1500).decode(),
    *("cursor=" + base64.urlsafe_b64encode(text).decode() for text in (
        b"[NaN,1,0]", b"[1e999,1,0]", b'["\\ud800",1,0]', b'["\\u0000",1,0]', b"[null,null,0]", b"[1,true,{}]",
        b'["a",' + b"9" * 30 + b",0]", b"{}", b"[]", b'"a"', b"\xff\xfe",
    )),
]  # fmt: skip
"""Query strings of addresses."""


def naughty_strings(folder: Path) -> list[str]:
    """The Big List of Naughty Strings and known payloads of CSV injection, without what is blank."""
    known = json.loads(gzip.decompress((folder / "data/security/blns.json.gz").read_bytes()))
    formulas = (folder / "data/security/csv_injection.txt").read_text().splitlines()
    return [text for text in dict.fromkeys([*known, *formulas]) if text.strip()]


@contextmanager
def whole_house(settings: Settings) -> Iterator[flask.Flask]:
    """The application with orders, suppliers and core's own resources, on the connected database."""
    settings = replace(settings, plugin_dir=str(PLUGINS))
    boot.prepare(settings)
    PluginState.insert(name="suppliers", version="1").on_conflict_ignore().execute()
    boot.migrate_all(settings)
    built = plugins.build(settings)
    runtime_room.install(built)
    with runtime_room.bound(built):
        assert {"orders.order", "suppliers.supplier", "core.user"} <= set(built.resources)
        access.ensure_default_roles(system_context("cli"))
        made = create_app(built)
        made.config.update(API_CALLS_PER_MINUTE=10**9)  # the limit has tests of its own
        yield made
