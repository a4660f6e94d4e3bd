"""What the theme needs around its templates: assets under immutable names, icons, filters, headers of every answer."""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import flask
import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup

from core import db, i18n, links, nav, runtime
from core.audit import words
from core.context import NOBODY, Actor
from core.runtime import Runtime
from core.settings import Settings
from core.web import browsers, cells, changed, pickers, scripts, shortcuts, waiting
from core.web.base import is_partial, preference

THEME = Path(__file__).parent.parent.parent / "themes" / "tabler"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; "
    "manifest-src 'self'; worker-src 'self'"
)
THEMES = ("auto", "light", "dark")
ICONS: dict[str, str] = json.loads((THEME / "icons.json").read_text())


class _Compiled(jinja2.BytecodeCache):
    """What this process has compiled, for every generation: most templates are the same in the next one."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, Any]] = {}  # name and file -> (its text's hash, code)

    def load_bytecode(self, bucket: Bucket) -> None:
        text, code = self._kept.get(bucket.key, ("", None))
        if text == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = (bucket.checksum, bucket.code)


_compiled = _Compiled()


def init_app(app: flask.Flask, built: Runtime) -> None:
    """Templates of the theme and of the plugins that are on (each only below its own name), assets, headers."""
    plugins = {p.name: p.path for p in built.plugins.values() if p.status == "healthy"}
    folders = {name: jinja2.FileSystemLoader(path / "templates" / name) for name, path in plugins.items()}
    app.jinja_loader = jinja2.ChoiceLoader([jinja2.FileSystemLoader(THEME / "templates"), jinja2.PrefixLoader(folders)])
    filters = {"money": i18n.money, "price": i18n.price, "number": i18n.number, "datetime": i18n.moment}
    filters |= {"clock": i18n.format_clock, "filesize": i18n.filesize, "noun": i18n.noun, "browser": browsers.named}
    app.jinja_env.filters.update(filters, day=i18n.format_day, local=i18n.local)
    app.jinja_env.globals.update(icon=icon, asset=asset, link_to=links.to, url_if=links.page)
    app.jinja_env.globals.update(
        keys_of=shortcuts.keys_of, own_keys=lambda: json.dumps(shortcuts.own_keys()), preference=preference
    )
    app.jinja_env.globals.update(
        badge_of=cells.badge, tag_of=cells.tag, value_of=cells.value, field_of=words.field, changed=changed
    )
    app.jinja_env.globals.update(picker_of=pickers.of)
    app.jinja_env.bytecode_cache = _compiled
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.add_url_rule("/static/<digest>/<path:name>", "static", static)
    app.context_processor(_page)
    waiting.init_app(app)
    app.after_request(_headers)


@lru_cache(maxsize=1)
def _digest() -> str:
    """One name for the present contents of all assets, so that references between them need no rewriting."""
    total = sha256()
    for path in [Path(scripts.__file__), *sorted((THEME / "static").rglob("*"))]:
        if path.is_file():
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:12]


def asset(name: str) -> str:
    return f"/static/{_digest()}/{name}"


def static(digest: str, name: str) -> flask.Response:
    """A file of the theme; for ever when the name is the present one, else (a page of an older code) just now."""
    zipped = flask.request.accept_encodings["gzip"] and name.endswith((".css", ".js", ".svg"))
    made = zipped or name in scripts.made()
    answer = flask.send_from_directory(THEME / "static", name, etag=False, conditional=not made)
    if made:
        answer.direct_passthrough = False
        answer.data = _gzipped(name) if zipped else _content(name)
    if zipped:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if digest == _digest() else "no-cache"
    return answer


@lru_cache(maxsize=64)
def _gzipped(name: str) -> bytes:
    return gzip.compress(_content(name), 9)


def _content(name: str) -> bytes:
    text = scripts.made().get(name)
    return (THEME / "static" / name).read_bytes() if text is None else text.encode()


@lru_cache(maxsize=512)
def icon(name: str, *, small: bool = False, big: bool = False, flip: bool = False) -> Markup:
    """An outline icon of the theme's set; `flip`: it points somewhere, so it turns round in Arabic."""
    names = "mk-icon" + " mk-icon-s" * small + " mk-icon-l" * big + " mk-flip" * flip
    shape = Markup(ICONS.get(name) or ICONS["box"])  # noqa: S704 - our own file
    return Markup('<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>').format(names, shape)


def _page() -> dict[str, Any]:
    context = flask.g.get("ctx")
    return {
        "actor": context.actor if context else NOBODY,
        "looking": context.on_behalf_of if context and context.is_looking else "",
        "locale": i18n.locale(),
        "dir": i18n.direction(),
        "digits": i18n.digits(),
        "theme_choice": _theme(),
        "nav_menu": _menu,
        "nav_here": nav.here,
        "generation": runtime.current().generation,
        "nav_waiting": waiting.known(context) if context else None,
        "is_read_only": db.is_read_only(),
        "is_partial": is_partial(),
    }


def _theme() -> str:
    """That of this browser, else the user's own; asks no database, for the pages that say it is gone use it too."""
    cookie = flask.request.cookies.get("maktab_theme", "") if flask.has_request_context() else ""
    kept = flask.g.get("preferences", {}).get("theme", "")
    return next((one for one in (cookie, kept) if one in THEMES), "auto")


def keep(answer: flask.Response, name: str, choice: str) -> None:
    """Tell this browser, for pages before the sign-in too: the theme (its scripts write it, too) or the language."""
    is_https = runtime.current().settings.public_url.startswith("https://")
    answer.set_cookie(name, choice, max_age=31536000, secure=is_https, samesite="Lax")


def _menu(actor: Actor) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The menu as the user has it, and the shortcuts at the foot of a phone's screen."""
    choices = nav.Choices.of(preference("menu"))
    groups = nav.menu(actor, choices)
    return groups, nav.shortcuts(groups, choices)


def secure(answer: flask.Response, settings: Settings) -> flask.Response:
    """What every answer says to the browser, also one that no application gives."""
    headers = answer.headers
    headers["Content-Security-Policy"] = CSP
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", "no-store")
    return answer


def _headers(answer: flask.Response) -> flask.Response:
    if answer.mimetype == "text/html":
        answer.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    return secure(answer, runtime.current().settings)
