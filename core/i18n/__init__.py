"""Language: texts, direction, numbers, money and times, in a request and in a job alike."""
# fmt: off

from core.i18n.catalogue import (
    COOKIE,
    DIGITS,
    LOCALES,
    N_,
    _,
    __,
    _n,
    caller,
    digits,
    direction,
    init_app,
    isolated,
    locale,
    remembering,
    shaped,
    speaking,
    text_of,
    timezone,
    told,
)
from core.i18n.formats import (
    compact,
    filesize,
    format_clock,
    format_day,
    format_number,
    local,
    long_day,
    moment,
    money,
    number,
    parse_number,
    price,
    short_day,
)
from core.i18n.keeping import KeptLines, KeptText, packed, unpacked, written
from core.i18n.whose import owner
from core.i18n.wording import noun, said

__all__ = [
    "COOKIE", "DIGITS", "LOCALES", "N_", "KeptLines", "KeptText", "_", "__", "_n", "caller", "compact", "digits",
    "direction", "filesize", "format_clock", "format_day", "format_number", "init_app", "isolated", "local", "locale",
    "long_day", "moment", "money", "noun", "number", "owner", "packed", "parse_number", "price", "remembering", "said",
    "shaped", "short_day", "speaking", "text_of", "timezone", "told", "unpacked", "written",
]
