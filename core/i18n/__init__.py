"""Language: texts, direction, numbers, money and times, in a request and in a job alike."""
# fmt: off

from core.i18n.catalogue import LOCALES, N_, _, __, _n, direction, init_app, locale, speaking, text_of, timezone
from core.i18n.formats import (
    compact,
    filesize,
    format_day,
    format_number,
    local,
    moment,
    money,
    number,
    parse_number,
    price,
    short_day,
)
from core.i18n.wording import said

__all__ = [
    "LOCALES", "N_", "_", "__", "_n", "compact", "direction", "filesize", "format_day", "format_number", "init_app",
    "local", "locale", "moment", "money", "number", "parse_number", "price", "said", "short_day", "speaking", "text_of",
    "timezone",
]
