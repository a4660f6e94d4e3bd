"""How numbers, money and times look in a language, in the digits that the user chose."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates, numbers
from markupsafe import Markup, escape

from core.db import utcnow
from core.db.money import exponent
from core.i18n.catalogue import _, locale, shaped, speaking, timezone

_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬−", "01234567890123456789.,-")
_NUMBER = re.compile(r"[+-]?(?=\.?\d)(\d*|\d{1,3}(?P<mark>[, \u00a0\u202f])\d{3}((?P=mark)\d{3})*)(\.\d*)?", re.ASCII)


def format_number(value: int | float | Decimal) -> str:
    return shaped(f"{Decimal(str(value)):,f}".replace("-", "−"), is_number=True)


def number(value: int | float | Decimal) -> str:
    """For pages: as `format_number`, in Arabic too with the minus before the digits."""
    text = format_number(value)
    return Markup(f'<bdi dir="ltr">{text}</bdi>') if value < 0 else text  # noqa: S704 - digits


def filesize(size: int) -> str:
    """`size` bytes as people say it: 820 kB, 1.4 MB, 58.1 GB; less than one is one."""
    kilobytes = max(1, (size + 500) // 1000)
    if kilobytes < 1000:
        return _("%(n)s kB", n=kilobytes)
    if kilobytes < 1_000_000:
        return _("%(n)s MB", n=format_number((Decimal(size) / 1_000_000).quantize(Decimal("0.1"))))
    return _("%(n)s GB", n=format_number((Decimal(size) / 1_000_000_000).quantize(Decimal("0.1"))))


@lru_cache(maxsize=512)
def _symbol(currency: str, code: str) -> str:
    symbol = numbers.get_currency_symbol(currency, locale=code).strip("\u200f.")
    # CLDR has "UK£" for GBP in Arabic, which nobody writes.
    return escape(symbol if symbol[-1] > "\u0600" else numbers.get_currency_symbol(currency, locale="en"))


def money(minor: int | None, currency: str) -> Markup:
    """For pages; – for none."""
    if minor is None:
        return Markup("–")
    places = exponent(currency)
    whole, part = divmod(abs(minor), 10**places)
    return _amount(minor < 0, f"{whole:,}.{part:0{places}}" if places else f"{whole:,}", currency)


def price(amount: Decimal, currency: str) -> Markup:
    """An exact amount for pages, with all its digits and at least those of `currency`: £2.50, £0.001."""
    whole, _point, part = f"{abs(amount):f}".partition(".")
    part = part.rstrip("0").ljust(exponent(currency), "0")
    return _amount(amount < 0, f"{int(whole):,}" + f".{part}" * bool(part), currency)


def _amount(is_negative: bool, digits: str, currency: str) -> Markup:
    """Only sign and digits are left-to-right: in one <bdi> with an Arabic symbol the minus changes sides."""
    sign, symbol, digits = "−" if is_negative else "", _symbol(currency, locale()), shaped(digits, is_number=True)
    if locale() == "ar":
        return Markup(f'<bdi dir="ltr">{sign}{digits}</bdi> {symbol}')  # noqa: S704 - a symbol is escaped
    return Markup(f'<bdi dir="ltr">{sign}{symbol}{" " * symbol[-1].isalpha()}{digits}</bdi>')  # noqa: S704


@lru_cache(maxsize=4096)
def _dated(day: date, pattern: str, code: str) -> str:
    return dates.format_date(day, pattern, locale=code)


def format_day(day: date) -> str:
    """Today, Yesterday, a weekday within the last week, else the date."""
    return shaped(_said_day(day, local(utcnow()).date(), locale()))


@lru_cache(maxsize=4096)
def _said_day(day: date, today: date, code: str) -> str:
    with speaking(code):
        if day == today:
            return _("Today")
        if day == today - timedelta(days=1):
            return _("Yesterday")
    return _dated(day, "EEEE" if timedelta(0) < today - day < timedelta(days=7) else "d MMM y", code)


def short_day(day: date) -> str:
    """Day and month: 3 Mar."""
    return shaped(_dated(day, "d MMM", locale()))


def long_day(day: date) -> str:
    """Weekday, day and month: Tuesday 3 March."""
    return shaped(_dated(day, "EEEE d MMMM", locale()))


def compact(number: int) -> str:
    """A round number for the axis of a chart: 40K."""
    return shaped(str(numbers.format_compact_decimal(number, fraction_digits=1, locale=locale())), is_number=True)


def local(moment: datetime) -> datetime:
    """`moment` in the user's time zone."""
    return moment.astimezone(ZoneInfo(timezone()))


def moment(value: datetime | date | None) -> Markup:
    """A <time> element: short text, the full time on hover and for machines."""
    if value is None:
        return Markup("–")
    if not isinstance(value, datetime):
        return Markup(f'<time datetime="{value.isoformat()}">{escape(format_day(value))}</time>')  # noqa: S704
    here, stamp = local(value), value.isoformat(timespec="seconds")
    short, full = escape(format_day(here.date())), escape(shaped(_dated(here.date(), "EEEE d MMMM y", locale())))
    clock = format_clock(here)
    return Markup(f'<time datetime="{stamp}" title="{full} {clock}">{short} {clock}</time>')  # noqa: S704 - escaped


def format_clock(here: datetime) -> str:
    """Hours and minutes of a time that is in the user's zone."""
    return shaped(f"{here.hour:02}:{here.minute:02}")


def parse_number(text: Any) -> Decimal:
    """A number as people type it, with Arabic digits and marks or whole groups (1,250.50) too. Raises ValueError.

    A comma that parts no group of three is refused: 12,50 may mean twelve and a half or a mistyped 12,500.
    """
    typed = str(text).strip().translate(_DIGITS)
    found = _NUMBER.fullmatch(typed)
    if not found:
        raise ValueError(text)
    number = Decimal(typed.replace(found["mark"] or ",", ""))
    if abs(number.adjusted()) > 40:
        raise ValueError(text)
    return number
