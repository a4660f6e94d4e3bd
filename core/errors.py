"""Every error that Maktab itself raises; messages say what happened, to what, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class MaktabError(Exception):
    """Root of all our errors. `status` is the HTTP status that the borders answer with."""

    status = 500
    code = "error"


class NotFound(MaktabError):
    """The record does not exist, or lies outside the actor's row scope (the two look alike on purpose)."""

    status, code = 404, "not_found"


class Forbidden(MaktabError):
    """The actor lacks `permission`."""

    status, code = 403, "forbidden"

    def __init__(self, permission: str, text: str = "") -> None:
        super().__init__(text or f"This needs the permission {permission}.")
        self.permission = permission


class Invalid(MaktabError):
    """Input refused. `errors` maps a field (dotted for nested ones, "" for the whole) to its messages."""

    status, code = 422, "invalid"

    def __init__(self, errors: Mapping[str, Sequence[str]] | str) -> None:
        self.errors: dict[str, list[str]] = (
            {"": [errors]} if isinstance(errors, str) else {field: list(texts) for field, texts in errors.items()}
        )
        super().__init__("; ".join(f"{field}: {' '.join(texts)}".lstrip(": ") for field, texts in self.errors.items()))


class Conflict(MaktabError):
    """Someone changed the record in between (optimistic lock), or the state does not allow the command."""

    status, code = 409, "conflict"


class Rejected(MaktabError):
    """Raised by a `before_change` hook: this record may not change so. Rolls the transaction back."""

    status, code = 422, "rejected"

    def __init__(self, record_id: int | None, field: str, text: str) -> None:
        super().__init__(text)
        self.record_id, self.field = record_id, field


class ReadOnly(MaktabError):
    """The database takes no writes now (disk full, restart): nothing was changed, try again later."""

    status, code = 503, "read_only"
