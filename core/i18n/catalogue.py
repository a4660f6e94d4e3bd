"""The language that is spoken now, and `_` in code and in templates: the texts in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

import flask
import jinja2
from babel import Locale
from flask_babel import Babel
from flask_babel.speaklater import LazyString
from markupsafe import escape

from core.i18n import whose
from core.kept import Said

COOKIE = "maktab_locale"  # the language that this browser chose before the sign-in
LOCALES = {"en": "English", "ar": "العربية"}
"""Languages of the interface by their own name."""

DIGITS = {"latn": "0123456789", "arab": "٠١٢٣٤٥٦٧٨٩"}
"""Digits that a user may choose, by their name in CLDR; the first are those of everybody else."""
_ARABIC = str.maketrans("0123456789.,", "٠١٢٣٤٥٦٧٨٩٫٬")

_spoken: ContextVar[str | None] = ContextVar("locale", default=None)
_zone: ContextVar[str | None] = ContextVar("zone", default=None)
_keeping: ContextVar[bool] = ContextVar("keeping", default=False)
_written: ContextVar[str | None] = ContextVar("digits", default=None)


class Lazy(LazyString):  # type: ignore[misc]
    """A text that is translated when it is shown. Escaped like any str: its arguments may come from people."""

    def __html__(self) -> str:
        return str(escape(str(self)))


@contextmanager
def speaking(code: str, zone: str | None = None, digits: str | None = None) -> Iterator[None]:
    """Inside, texts and formats are in the language `code`; where given, times in `zone` and numbers in `digits`."""
    spoken, told = _spoken.set(code if code in LOCALES else "en"), _zone.set(zone or _zone.get())
    written = _written.set(digits or _written.get())
    try:
        yield
    finally:
        _spoken.reset(spoken)
        _zone.reset(told)
        _written.reset(written)


@contextmanager
def remembering() -> Iterator[None]:
    """Inside, texts know what they were made of: a job writes them down for readers of other languages."""
    before = _keeping.set(True)
    try:
        yield
    finally:
        _keeping.reset(before)


def locale() -> str:
    """The language of the running request (the user's; before sign-in the chosen one or the browser's) or job."""
    spoken = _spoken.get()
    if spoken or not flask.has_request_context():
        return spoken or "en"
    context = flask.g.get("ctx")
    if context is not None and context.actor.user_id is not None:
        return context.locale if context.locale in LOCALES else "en"  # type: ignore[no-any-return]
    chosen = flask.request.cookies.get(COOKIE, "")
    return chosen if chosen in LOCALES else flask.request.accept_languages.best_match(list(LOCALES), default="en")


def timezone() -> str:
    """Name of the time zone that times are shown in."""
    told = _zone.get()
    if told:
        return told
    context = flask.g.get("ctx") if flask.has_request_context() else None
    return str(context.timezone) if context is not None else "UTC"


def digits() -> str:
    """Which of `DIGITS` numbers are shown in."""
    written = _written.get()
    if written:
        return written
    context = flask.g.get("ctx") if flask.has_request_context() else None
    return str(context.digits) if context is not None else "latn"


def shaped(text: str, *, is_number: bool = False) -> str:
    """`text` with the digits of the user; of a number also its marks."""
    if digits() != "arab":
        return text
    return text.translate(_ARABIC if is_number else _PLAIN)


_PLAIN = {sign: shape for sign, shape in _ARABIC.items() if chr(sign).isdecimal()}


def direction() -> str:
    """ltr or rtl."""
    return _direction(locale())


@lru_cache(maxsize=8)
def _direction(code: str) -> str:
    return str(Locale.parse(code).text_direction)


def text_of(plugin: Path, text: str) -> str:
    """`text` of the plugin in folder `plugin` in the present language, by its own catalogue: it may be off."""
    code = locale()
    return text if code == "en" else whose.catalogue(code, plugin / "locale").ugettext(text)  # type: ignore[no-any-return]


def caller(depth: int = 1) -> str:
    """The module that calls the function that asks (`depth` 1: directly)."""
    return str(sys._getframe(depth + 1).f_globals.get("__name__", ""))


def told(by: str, text: str, /, **values: Any) -> str:
    """Like `_`, but as `by` says it, a module, or a template or a plugin's name and a slash."""
    translated = _written_out(whose.texts(locale(), by).ugettext(text))
    return _said(translated % _counted(values) if values else translated, by, text, "", values)


def told_of(by: str, one: str, many: str, n: int, /, **values: Any) -> str:
    """Like `_n`, but as `by` says it."""
    values = {"n": n, **values}
    return _said(whose.texts(locale(), by).ungettext(one, many, n) % _counted(values), by, one, many, values)


def _(text: str, /, **values: Any) -> str:
    """`text` in the present language, with `values` for its %(name)s; as the plugin of the calling module says it."""
    code = locale()
    if _keeping.get():
        return told(sys._getframe(1).f_globals["__name__"], text, **values)
    if code == "en":
        return text % _counted(values) if values else text
    translated = _written_out(whose.texts(code, sys._getframe(1).f_globals["__name__"]).ugettext(text))
    return translated % _counted(values) if values else translated


def _n(one: str, many: str, n: int, /, **values: Any) -> str:
    """The form of `one`/`many` that the language uses for `n` (Arabic has six); %(n)s and `values` are filled in."""
    return told_of(sys._getframe(1).f_globals["__name__"], one, many, n, **values)


def _said(said: str, by: str, text: str, many: str, values: dict[str, Any]) -> str:
    return Said(said, (by, text, many, values)) if _keeping.get() else said


def _written_out(text: str) -> str:
    """`text` with the numbers that stand in its words in the digits of the user; an example to type stays as it is."""
    other = _in_arabic(text)
    return other if other is not text and digits() == "arab" else text


@lru_cache(maxsize=4096)
def _in_arabic(text: str) -> str:
    other = _IN_WORDS.sub(lambda found: found[0].translate(_ARABIC), text)
    return other if other != text else text


_IN_WORDS = re.compile(r"(?<![\w.,:%(-])\d{1,3}(?![\w.,:)-])", re.ASCII)


COUNTS = frozenset({"n", "num", "count", "total", "most", "limit", "made", "changed", "seq"})
"""Names of values that are amounts in every text; a whole number by another name may be that of a record."""


def _counted(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a text, whole numbers in the digits of the user; of amounts the thousands stand apart."""
    return {name: _figure(name, value) if type(value) is int else value for name, value in values.items()}


def _figure(name: str, value: int) -> str:
    return shaped(f"{value:,}", is_number=True) if name in COUNTS else shaped(str(value))


_OTHER_WAY = {"rtl": re.compile("[A-Za-z\u00c0-\u024f]"), "ltr": re.compile("[\u0590-\u08ff]")}


def isolated(value: Any) -> Any:
    """A text with letters that run the other way, so that its brackets and signs stay with it within a sentence."""
    other = type(value) is str and _OTHER_WAY[direction()].search(value)
    return f"\u2068{value}\u2069" if other else value


def __(text: str, /, **values: Any) -> Any:  # noqa: N807 - short on purpose, as `_` is
    """Like `_`, but translated each time it is shown: for declarations, which are read once at start-up."""
    return Lazy(told, sys._getframe(1).f_globals["__name__"], text, **values)


def N_(text: str) -> str:  # noqa: N802 - the name that catalogue tools know
    """Marks `text` for the catalogue only; it is translated later, through `_`."""
    return text


def init_app(app: flask.Flask) -> None:
    """Give templates our texts. Babel is set up because Flask-Admin fails on every page without it."""
    Babel(app, locale_selector=locale, timezone_selector=timezone)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: _written_out(whose.texts(locale(), _template()).ugettext(text)),
        ngettext=lambda one, many, n: whose.texts(locale(), _template()).ungettext(one, many, n),
        newstyle=True,
    )
    texts = app.jinja_env.globals
    texts["gettext"], texts["ngettext"] = _with_figures(texts["gettext"]), _with_plural(texts["ngettext"])


def _with_figures(gettext: Any) -> Any:
    @jinja2.pass_context
    def said(context: Any, text: str, /, **values: Any) -> Any:
        return gettext(context, text, **_counted({name: isolated(value) for name, value in values.items()}))

    return said


def _with_plural(ngettext: Any) -> Any:
    @jinja2.pass_context
    def said(context: Any, one: str, many: str, n: int, /, **values: Any) -> Any:
        return ngettext(context, one, many, n, **_counted({"num": n, **values}))

    return said


def _template() -> str:
    """The name of the template that calls `_`: a text belongs to the file that it stands in, which is another than the
    page's where that extends, includes or imports it. Its code has a `name`, and no module's `__name__`."""
    frame: Any = sys._getframe(2)
    while frame is not None and "__name__" in frame.f_globals:
        frame = frame.f_back
    return (frame.f_globals.get("name") or "") if frame is not None else ""
