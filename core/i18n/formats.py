"""How numbers, money and times look in a language. Digits are Latin in every language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates, numbers
from markupsafe import Markup

from core.db import utcnow
from core.db.money import to_major
from core.i18n.catalogue import _, locale, timezone

_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬−", "01234567890123456789.,-")


def format_number(value: int | float | Decimal) -> str:
    return f"{Decimal(str(value)):,f}".replace("-", "−")


@lru_cache(maxsize=512)
def _symbol(currency: str, code: str) -> str:
    symbol = numbers.get_currency_symbol(currency, locale=code).strip("\u200f.")
    # CLDR has "UK£" for GBP in Arabic, which nobody writes.
    return symbol if symbol[-1] > "\u0600" else numbers.get_currency_symbol(currency, locale="en")


def money(minor: int | None, currency: str) -> Markup:
    """For pages. Only sign and digits are left-to-right: in one <bdi> with an Arabic symbol the minus changes sides."""
    if minor is None:
        return Markup("–")
    sign, digits = "−" if minor < 0 else "", f"{to_major(abs(minor), currency):,f}"
    symbol = _symbol(currency, locale())
    if locale() == "ar":
        return Markup('<bdi dir="ltr">{}{}</bdi> {}').format(sign, digits, symbol)
    return Markup('<bdi dir="ltr">{}{}{}</bdi>').format(sign, symbol + " " * symbol[-1].isalpha(), digits)


@lru_cache(maxsize=4096)
def _dated(day: date, pattern: str, code: str) -> str:
    return dates.format_date(day, pattern, locale=code)


def format_day(day: date) -> str:
    """Today, Yesterday, a weekday within the last week, else the date."""
    today = local(utcnow()).date()
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    if timedelta(0) < today - day < timedelta(days=7):
        return _dated(day, "EEEE", locale())
    return _dated(day, "d MMM y", locale())


def local(moment: datetime) -> datetime:
    """`moment` in the user's time zone."""
    return moment.astimezone(ZoneInfo(timezone()))


def moment(value: datetime | date | None) -> Markup:
    """A <time> element: short text, the full time on hover and for machines."""
    if value is None:
        return Markup("–")
    if not isinstance(value, datetime):
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), format_day(value))
    here, stamp = local(value), value.astimezone(UTC).isoformat(timespec="seconds")
    short, full = format_day(here.date()), _dated(here.date(), "EEEE d MMMM y", locale())
    shown = Markup('<time datetime="{}" title="{full} {clock}">{short} {clock}</time>')
    return shown.format(stamp, short=short, full=full, clock=f"{here:%H:%M}")


def parse_number(text: Any) -> Decimal:
    """A number as people type it, with Arabic digits and marks or group commas too. Raises ValueError."""
    try:
        number = Decimal(str(text).strip().translate(_DIGITS).replace(",", "").replace(" ", ""))
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(text)
    return number
