"""Passwords: argon2id, at most two at a time, and never one that everybody tries first."""

from __future__ import annotations

import threading

import argon2

from core.errors import Invalid
from core.i18n import _

MIN_LENGTH, _MAX_LENGTH = 12, 1024
# The library's own parameters (64 MiB, t=3, p=4) took 0.8 to 1.2 s a sign-in; these are OWASP's (2024), 35 to 143 ms.
COST = argon2.Parameters(argon2.Type.ID, 19, salt_len=16, hash_len=32, time_cost=2, memory_cost=19_456, parallelism=1)
_hasher = argon2.PasswordHasher.from_parameters(COST)
_gate = threading.BoundedSemaphore(2)
# Made up, as a real one would cost every process a hash at its start: nobody has a password with this digest.
_DUMMY = f"$argon2id$v=19$m={COST.memory_cost},t={COST.time_cost},p={COST.parallelism}${'A' * 22}${'A' * 43}"
_BLOCKED = (
    "password qwerty qwertyuiop letmein welcome administrator admin iloveyou changeme abc secret maktab superman "
    "football baseball dragon master monkey sunshine princess trustno correcthorsebatterystaple asdfghjkl zxcvbnm"
).split()


def check(password: str, username: str = "") -> None:
    """Raise Invalid for a password that is short, endless, or among the first that an attacker tries."""
    letters = "".join(sign for sign in password.casefold() if sign.isalpha())
    parts = {letters, letters[: len(letters) // 2], letters[: len(letters) // 3]}
    guessable = len(set(password)) < 5 or not parts.isdisjoint(_BLOCKED) or "1234567890" in password
    if not MIN_LENGTH <= len(password) <= _MAX_LENGTH:
        raise Invalid({"password": [_("Use at least %(n)s characters.", n=MIN_LENGTH)]})
    if len(username) > 3 and username in password.casefold():
        raise Invalid({"password": [_("This password holds the user name; choose another one.")]})
    if guessable:
        raise Invalid({"password": [_("This password is easy to guess; choose another one.")]})


def hashed(password: str) -> str:
    with _gate:
        return _hasher.hash(password)


def matches(stored: str, password: str) -> bool:
    """One hash in any case: without a stored one (no such user, no password yet) a dummy is compared and refused."""
    with _gate:
        try:
            return _hasher.verify(stored or _DUMMY, password[:_MAX_LENGTH]) and bool(stored)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def is_old(stored: str) -> bool:
    """True when `stored` was made with other parameters: hash anew at the next sign-in."""
    return _hasher.check_needs_rehash(stored)
