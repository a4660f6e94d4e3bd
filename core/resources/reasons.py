"""Why something was done: asked with an action or a delete, kept in the audit log and the timeline."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import marshmallow as ma

from core.i18n import _, __

Reason = Literal["", "optional", "required"]


@lru_cache(maxsize=1024)
def with_reason(schema: type[ma.Schema], wanted: Reason) -> type[ma.Schema]:
    """`schema` with a field `reason` after its own."""
    told = {"label": __("Reason"), "help": __("Stands in the audit log and the timeline.")}
    rules: dict[str, Any] = {"validate": [ma.validate.Length(max=500)], "metadata": told}
    if wanted == "required":
        rules |= {"required": True, "validate": [*rules["validate"], _says_something]}
    else:
        rules |= {"load_default": ""}
    own = {"reason": ma.fields.String(**rules), "__module__": schema.__module__, "__doc__": schema.__doc__}
    name = f"{wanted.capitalize()}Reason"
    return type(name if schema is ma.Schema else f"{schema.__name__}With{name}", (schema,), own)


def _says_something(text: str) -> None:
    if len(" ".join(text.split())) < 3:
        raise ma.ValidationError(_("Give a reason of at least 3 letters."))
