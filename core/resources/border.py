"""What every schema of a resource and of an action refuses, whoever sends it: form, API, import, job or command."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import marshmallow as ma

from core.cards import card_fields, holds_card
from core.errors import Invalid
from core.i18n import _


def card_refused() -> str:
    return _("This looks like the number of a payment card, which is never kept: leave it out, or give its last four.")


def refuse_cards(values: Mapping[str, Any]) -> None:
    """Raise Invalid, by field and without the number, when `values` hold the number of a payment card."""
    if holds_card(values):
        raise Invalid(_errors(values))


def _errors(values: Any) -> dict[str, list[str]]:
    return {path: [card_refused()] for path in card_fields(values)}


@lru_cache(maxsize=1024)
def bordered(schema: type[ma.Schema]) -> type[ma.Schema]:
    """`schema` with the border before its own rules; the same class for the same schema, itself when it has it."""
    if hasattr(schema, "_border"):
        return schema

    def border(_self: ma.Schema, data: Any, **_more: Any) -> Any:
        if holds_card(data):
            raise ma.ValidationError(_errors(data))
        return data

    own = {"_border": ma.pre_load(border), "__module__": schema.__module__, "__doc__": schema.__doc__}
    return type(schema.__name__, (schema,), own)
