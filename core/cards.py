"""Payment card numbers: they never enter, neither a record nor a log nor a file that we give back.

What counts as one: 14 to 19 digits in one piece, or in groups of three and more with single blanks or dashes between
them, that begin like the cards of a scheme, are as long as that scheme makes them, and have a right check digit (Luhn).
Article codes, phone numbers and most references differ in one of these: 13 digits are never a card's (Visa's old length
is no longer issued, while every EAN and many a mobile number has it), 14 digits that are a valid GTIN are a GTIN, and
digits inside a longer code, an IBAN or a decimal number are not looked at.

Source: ISO/IEC 7812; the schemes' ranges as listed in the issuers' public BIN tables, 2025.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

# Scheme, how its numbers begin, how long they are.
_SCHEMES = (
    ("Visa", r"4", (16, 19)),
    ("Mastercard", r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    ("American Express", r"3[47]", (15,)),
    ("Diners Club", r"30[0-5]|309|36|3[89]", (14, 16)),
    ("Discover", r"6011|64[4-9]|65", (16, 19)),
    ("JCB", r"352[89]|35[3-8]", (16, 19)),
    ("UnionPay", r"62|81", (16, 19)),
    ("Maestro", r"5018|5020|5038|5893|6304|6759|676[1-3]", (16, 19)),
    ("mada", r"588|9682", (16,)),
    ("Mir", r"220[0-4]", (16, 19)),
    ("RuPay", r"508|60|82", (16,)),
    ("Troy", r"9792", (16,)),
)
_BEGINS = tuple((re.compile(begins), lengths) for _name, begins, lengths in _SCHEMES)
_SHORTEST, _LONGEST, _SMALLEST, _TOO_LARGE = 14, 19, 10**13, 10**19
_MANY = re.compile(r"(?:\d[ \u00a0\u2010-\u2013-]?){14}")
# Digits with single blanks or dashes between them, not a part of a word; a decimal number is found as such first.
_RUN = re.compile(r"(?<!\w)(?:\d{1,12}[.,]\d+|(?P<run>\d(?:[ \u00a0\u2010-\u2013-]?\d){13,})(?!\w))")
_IBAN = re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_GROUP = re.compile(r"\d+")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def holds_card(value: Any) -> bool:
    """Whether a card number stands somewhere in a text, a number or a document."""
    waiting = [value]
    while waiting:  # every document that comes in is looked at: without recursion it takes half the time
        one: Any = waiting.pop()
        if isinstance(one, str):
            if len(one) >= _SHORTEST and _MANY.search(one) and any(True for _place in _places(one)):
                return True
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif _is_long(one):
            waiting.append(str(one))
    return False


def masked(text: str) -> str:
    """`text` with all digits of its card numbers but the last four as `*`."""
    for begin, end in _places(text):
        number = text[begin:end]
        keep = [place for place, sign in enumerate(number) if sign.isdecimal()][-4]
        text = text[:begin] + re.sub(r"\d", "*", number[:keep]) + number[keep:] + text[end:]
    return text


def masked_values(document: Any) -> Any:
    """A document with the card numbers in its texts and numbers `masked`."""
    if isinstance(document, dict):
        return {name: masked_values(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [masked_values(value) for value in document]
    return masked(str(document)) if holds_card(document) else document


def card_fields(document: Any, path: str = "") -> Iterator[str]:
    """Dotted paths of the values in a document (names, lists, texts, numbers) that hold a card number."""
    if isinstance(document, dict | list | tuple):
        for name, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from card_fields(value, f"{path}.{name}".lstrip("."))
    elif holds_card(document):
        yield path


def _is_long(value: Any) -> bool:
    """A number with about as many digits as a card's."""
    return type(value) in (int, Decimal) and bool(_SMALLEST <= abs(value) < _TOO_LARGE)


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers begin and end."""
    if _MANY.search(text) is None:
        return
    for run in _RUN.finditer(_IBAN.sub(_without_iban, text)):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span("run"))]
        found = -1
        for first, (begin, _end) in enumerate(groups):
            for last in range(first, len(groups)):
                end = groups[last][1]
                if begin > found and _is_card(text, groups[first : last + 1]):
                    found = end
                    yield begin, end


def _without_iban(found: re.Match[str]) -> str:
    """Letters in the place of a right IBAN, whose groups would else be taken for other numbers."""
    iban = found[0].replace(" ", "")
    is_right = int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1
    return "x" * len(found[0]) if is_right else found[0]


def _is_card(text: str, groups: list[tuple[int, int]]) -> bool:
    if len(groups) > 1 and any(end - begin < 3 for begin, end in groups):
        return False
    digits = "".join(str(int(sign)) for begin, end in groups for sign in text[begin:end])
    if not _SHORTEST <= len(digits) <= _LONGEST or not _has_luhn(digits):
        return False
    if not any(len(digits) in lengths and begins.match(digits) for begins, lengths in _BEGINS):
        return False
    return len(digits) != 14 or not _is_gtin(digits)


def _has_luhn(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def _is_gtin(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[::2]) + 3 * sum(values[1::2])) % 10 == 0
