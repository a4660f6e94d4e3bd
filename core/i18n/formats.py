"""How numbers, money and times look in a language. Digits are Latin in every language."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates, numbers
from markupsafe import Markup

from core.db import utcnow
from core.db.money import exponent, to_major
from core.i18n.catalogue import _, locale, timezone

_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬−", "01234567890123456789.,-")
_PATTERN = {0: "#,##0", 2: "#,##0.00", 3: "#,##0.000", 4: "#,##0.0000"}


def format_number(value: int | float | Decimal) -> str:
    return numbers.format_decimal(value, locale=_numbers())


def _numbers() -> str:
    # ar alone stands for ar_001, whose CLDR minus carries invisible direction marks; we set direction by <bdi> instead.
    return "en"


def _amount(minor: int, currency: str) -> tuple[str, str, str]:
    """Sign, digits and symbol of an amount."""
    digits = numbers.format_decimal(to_major(abs(minor), currency), _PATTERN[exponent(currency)], locale=_numbers())
    symbol = numbers.get_currency_symbol(currency, locale=locale()).strip("\u200f.")
    if "\u0600" > symbol[-1]:  # CLDR has "UK£" for GBP in Arabic, which nobody writes
        symbol = numbers.get_currency_symbol(currency, locale="en")
    return "−" if minor < 0 else "", digits, symbol


def format_money(minor: int | None, currency: str) -> str:
    """Plain text, for titles and messages: £12.34, −SAR 1,249.00, in Arabic 1,249.00 ر.س."""
    if minor is None:
        return "–"
    sign, digits, symbol = _amount(minor, currency)
    if locale() == "ar":
        return f"{sign}{digits} {symbol}"
    return f"{sign}{symbol}{' ' if symbol[-1].isalpha() else ''}{digits}"


def money(minor: int | None, currency: str) -> Markup:
    """For pages. Only sign and digits are left-to-right: in one <bdi> with an Arabic symbol the minus changes sides."""
    if minor is None:
        return Markup("–")
    if locale() != "ar":
        return Markup('<bdi dir="ltr">{}</bdi>').format(format_money(minor, currency))
    sign, digits, symbol = _amount(minor, currency)
    return Markup('<bdi dir="ltr">{}{}</bdi> {}').format(sign, digits, symbol)


def format_day(day: date) -> str:
    """Today, Yesterday, a weekday within the last week, else the date."""
    today = local(utcnow()).date()
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    if timedelta(0) < today - day < timedelta(days=7):
        return dates.format_date(day, "EEEE", locale=locale())
    return dates.format_date(day, "d MMM y", locale=locale())


def local(moment: datetime) -> datetime:
    """`moment` in the user's time zone."""
    return moment.astimezone(ZoneInfo(timezone()))


def format_datetime(moment: datetime, *, relative: bool = True) -> str:
    """`moment` in the user's time zone; `relative`: the day as in `format_day`."""
    here = local(moment)
    day = format_day(here.date()) if relative else dates.format_date(here.date(), "EEEE d MMMM y", locale=locale())
    return f"{day} {here:%H:%M}"


def moment(value: datetime | date | None) -> Markup:
    """A <time> element: short text, the full time on hover and for machines."""
    if value is None:
        return Markup("–")
    if not isinstance(value, datetime):
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), format_day(value))
    full, stamp = format_datetime(value, relative=False), value.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, full, format_datetime(value))


def parse_number(text: Any) -> Decimal:
    """A number as people type it, with Arabic digits and marks or group commas too. Raises ValueError."""
    try:
        number = Decimal(str(text).strip().translate(_DIGITS).replace(",", "").replace(" ", ""))
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ValueError(text)
    return number
