"""Every error that Maktab itself raises; messages say what happened, to what, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.kept import joined


def in_one_line(errors: Mapping[str, Sequence[str]]) -> str:
    """Texts by field as people read them: `name: This is needed.; city: …`."""
    pieces: list[object] = []
    for field, texts in errors.items():
        pieces += ["; "] * bool(pieces) + [f"{field}: "] * bool(field)
        pieces += [piece for text in texts for piece in (" ", text)][1:]
    return joined(pieces)


class MaktabError(Exception):
    """Root of all our errors. The borders answer with `status`, `headers` and, for the API, `code` and `errors`.

    `errors` maps a field (dotted for nested ones, "" for the whole) to its messages.
    """

    status, code = 500, "error"
    headers: Mapping[str, str] = {}
    errors: dict[str, list[str]] = {}


class SignInNeeded(MaktabError):
    """Nobody is signed in, or the token is not valid."""

    status, code = 401, "unauthorized"
    headers = {"WWW-Authenticate": "Bearer"}


class NotFound(MaktabError):
    """The record does not exist, or lies outside the actor's row scope (the two look alike on purpose)."""

    status, code = 404, "not_found"


class Forbidden(MaktabError):
    """The actor lacks `permission`; `text` says it in other words."""

    status, code = 403, "forbidden"

    def __init__(self, permission: str, text: str = "") -> None:
        super().__init__(text or f"This needs the permission {permission}.")
        self.permission, self.text = permission, text


class Invalid(MaktabError):
    """Input refused, with a text for the whole or `errors` by field."""

    status, code = 422, "invalid"

    def __init__(self, errors: Mapping[str, Sequence[str]] | str) -> None:
        given = {"": [errors]} if isinstance(errors, str) else errors
        self.errors = {field: list(texts) for field, texts in given.items()}
        super().__init__(in_one_line(self.errors))


class NoResource(NotFound):
    """There is no resource of this name now."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no resource {name!r} now; its plugin may be off.")
        self.name = name


class Conflict(MaktabError):
    """Someone changed the record in between (optimistic lock), or the state does not allow the command."""

    status, code = 409, "conflict"


class Rejected(MaktabError):
    """Raised by a `before_change` hook: this record may not change so. Rolls the transaction back."""

    status, code = 422, "rejected"

    def __init__(self, record_id: int | None, field: str, text: str) -> None:
        super().__init__(text)
        self.record_id, self.errors = record_id, {field: [text]}
