"""Money: integer minor units and an ISO 4217 code with its exponent; rounding half-even in one place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from babel.numbers import list_currencies

from core.errors import Invalid

# ISO 4217:2015 amendment 176, list one: the codes whose exponent is not 2 (CLDR differs for IQD, LYD and others).
_EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


def is_currency(text: str) -> bool:
    """`text` has the form of an ISO 4217 code."""
    return len(text) == 3 and text.isascii() and text.isalpha()


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes, those of old records too (DEM, HRK): Unicode CLDR as Babel carries it."""
    return frozenset(list_currencies())


def exponent(currency: str) -> int:
    """Digits after the point of `currency` (JPY 0, GBP 2, KWD 3)."""
    if not is_currency(currency):
        raise Invalid({"currency": [f"{currency!r} is not an ISO 4217 currency code."]})
    return _EXPONENTS.get(currency.upper(), 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in major units as minor units, rounded half-even once."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN))


def writer(currency: str) -> Callable[[int], str]:
    """What writes minor units of `currency` as an exact decimal: 1234 GBP -> "12.34"."""
    digits = exponent(currency)
    unit = 10**digits

    def write(minor: int) -> str:
        whole, rest = divmod(abs(minor), unit)
        return f"{'-' if minor < 0 else ''}{whole}.{rest:0{digits}}"

    return write if digits else str
