"""What marshmallow says about input, in the language of the user; a label within a sentence."""

from __future__ import annotations

import re
from typing import Any

from core.i18n.catalogue import N_, _

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
KNOWN = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid number."),
    N_("Not a valid boolean."),
    N_("Not a valid date."),
    N_("Not a valid email address."),
    N_("String does not match expected pattern."),
    N_("Shorter than minimum length #."),
    N_("Longer than maximum length #."),
    N_("Length must be between # and #."),
    N_("Must be greater than #."),
    N_("Must be greater than or equal to #."),
    N_("Must be less than or equal to #."),
    N_("Must be greater than or equal to # and less than or equal to #."),
)
"""Its messages, with # for each number (marshmallow 4.4, `fields` and `validate`)."""


def noun(label: Any) -> str:
    """A label as it stands within a sentence: suppliers, not Suppliers; as it is where it has other capitals, as SKUs
    has, or its script has none."""
    text = str(label)
    return text[:1].lower() + text[1:] if text[1:].islower() else text


def said(text: str) -> str:
    """The translation of a message; a message that we do not know stays as it is."""
    translated = _(text)
    template = _NUMBER.sub("#", text)
    if translated != text or template not in KNOWN:
        return translated
    numbers = iter(_NUMBER.findall(text))
    return re.sub("#", lambda _found: next(numbers), _(template))
