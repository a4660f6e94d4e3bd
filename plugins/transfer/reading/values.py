"""Cells as people and shop systems write them: numbers, money, days and times, escaped text."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.i18n import _

# Arabic-Indic and Persian digits, the true minus sign; direction marks and narrow blanks go.
_LATIN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹−", "0123456789" * 2 + "-", "\u200e\u200f\u061c\u00a0\u202f")
_CURRENCY = (
    r"(?:[A-Z]{3}|[A-Z]{0,3}[$€£¥₹₺₽₩₪₫₴₦฿﷼]|kr\.?|zł|Kč|Ft|lei|Rs\.?|[\u0621-\u064a]+(?:\.[\u0621-\u064a]+)*\.?)"
)
_AMOUNT = re.compile(
    rf"(\()?([-+]?)\s*(?:{_CURRENCY})?\s*([-+]?)\s*(\d[\d., '’]*|[.,]\d+)\s*(?:{_CURRENCY})?\s*(-?)(\))?"
)
_PLAIN = re.compile(r"[-+]?\d{1,30}(?:\.\d+)?(?:[eE][-+]?\d{1,2})?")
_SHAPES = {
    sign: re.compile(rf"(?:\d{{1,3}}(?:[{other} '’]\d{{3}})+|\d+)?(?:[{sign}]\d*)?")
    for sign, other in ((".", ","), (",", "."))
}
_DAY = re.compile(
    r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?\s*"
    r"([+-]\d{2}:?\d{2}|Z|UTC|GMT)?"
)
_ZONE = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)|\s*(?:Z|UTC|GMT)$")
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n]")
_CODE = re.compile(r"'(?=[A-Z0-9 \-]*\d)")


class BadCell(ValueError):
    """A cell that cannot be read as what its column is; the text is for the person who corrects the file."""


def escape(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula (glossary part 3); `unescape` gives it back exactly."""
    return "'" + text if text and text[0] in "=+-@\t\r\n'" and _ESCAPED.match("'" + text) else text


def unescape(text: str) -> str:
    return text[1:] if text[:1] == "'" and _ESCAPED.match(text) else text


def clean(text: str) -> str:
    """A cell of a file that is not ours: padding off, and the apostrophe of spreadsheets before codes and formulas."""
    text = text.strip(" ")
    return text[1:] if text[:1] == "'" and (_ESCAPED.match(text) or _CODE.match(text)) else text.strip()


def decimal_sign(text: str) -> str:
    """The decimal sign that `text` proves ("." or ","), or "" when it could be either (`1,234`, `15`)."""
    figures = re.sub(r"[^\d.,]", "", text.translate(_LATIN))
    comma, point = figures.rfind(","), figures.rfind(".")
    if comma >= 0 and point >= 0:
        return "," if comma > point else "."
    mark, other = (",", ".") if comma >= 0 else (".", ",")
    head, found, tail = figures.partition(mark)
    if not found:
        return ""
    if mark in tail:
        return other
    return mark if len(tail) != 3 or len(head) > 3 or head in ("", "0") else ""


def number(text: str, sign: str) -> Decimal:
    """The number in `text`, whose decimal sign is `sign`; currency signs, blanks and brackets are understood."""
    if sign == "." and _PLAIN.fullmatch(text):
        return Decimal(text)
    if "٫" in text or "٬" in text:
        text, sign = text.replace("٬", "").replace("٫", "."), "."
    found = _AMOUNT.fullmatch(text.translate(_LATIN).strip())
    if (
        not found
        or bool(found[1]) != bool(found[6])
        or (found[2] and found[3])
        or not _SHAPES[sign].fullmatch(found[4].strip())
    ):
        raise BadCell(
            _("%(cell)r is not a number written with the decimal sign “%(sign)s”.", cell=text[:40], sign=sign)
        )
    figures = re.sub(r"[^\d.]", "", found[4].replace("." if sign == "," else ",", "").replace(",", "."))
    value = Decimal(figures)
    return -value if found[1] or "-" in found[2] + found[3] + found[5] else value


def date_order(text: str) -> str:
    """The order of day, month and year that `text` proves, or "" when it could be two."""
    found = _DAY.match(text.translate(_LATIN).strip())
    if not found or len(found[1]) > 2:
        return "ymd"
    first, second = int(found[1]), int(found[3])
    if first > 12 or second > 12:
        return "dmy" if first > 12 else "mdy"
    return "dmy" if found[2] != "/" else ""  # 01/02/2024 is the one writing that two continents read differently


@lru_cache(maxsize=8192)
def moment(text: str, order: str, zone: str) -> datetime:
    """The aware time in `text`: ISO, or day and month in `order`; a time without zone is in `zone`."""
    plain = text.translate(_LATIN).strip()
    try:
        when = datetime.fromisoformat(_ZONE.sub(lambda found: "+00:00" if found[0].strip() else "", plain))
    except ValueError:
        when = _by_order(plain, order, text)
    return when if when.tzinfo else when.replace(tzinfo=ZoneInfo(zone))


def _by_order(plain: str, order: str, text: str) -> datetime:
    found = _DAY.fullmatch(plain)
    if not found:
        raise BadCell(_("%(cell)r is not a date or time that we know.", cell=text[:40]))
    order = date_order(plain) or order
    if not order:
        raise BadCell(
            _("%(cell)r could be day/month or month/day: choose the order of dates in the mapping.", cell=text[:40])
        )
    year, month, day = (int(found[1 + (0, 2, 3)[order.index(part)]]) for part in "ymd")
    year += 0 if year > 99 else 2000 if year < 69 else 1900
    hour = int(found[5] or 0)
    if found[8]:
        hour = hour % 12 + (12 if found[8].lower() == "pm" else 0)
    zone = found[9] or ""
    try:
        iso = f"{year:04}-{month:02}-{day:02}T{hour:02}:{found[6] or '00'}:{found[7] or '00'}"
        return datetime.fromisoformat(iso + ("+00:00" if zone.isalpha() else zone))
    except ValueError:
        raise BadCell(_("%(cell)r is not a date or time that exists.", cell=text[:40])) from None
